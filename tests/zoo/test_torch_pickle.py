"""A pickle is read as a list of tensors, whatever program it is."""

from __future__ import annotations

import os
import pickle
import struct
import time

import pytest

from napari_sr.zoo import torch_pickle
from napari_sr.zoo.limits import BROKEN, RefusedError
from napari_sr.zoo.torch_pickle import read_pickle


def read(content):
    value, end = read_pickle(b"before" + content, 6)
    assert end == 6 + len(content)
    return value


class Call:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


@pytest.mark.parametrize("protocol", range(5))
def test_plain_values_are_read_in_every_protocol(protocol):
    value = {"a": [1, -3, 2.5, None, True, False, "text", (1, 2, 3, 4), 1 << 70, ()], "b": {}}

    assert read(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", range(5))
@pytest.mark.parametrize("function", [os.system, eval, getattr])
def test_a_program_is_named_and_not_run(protocol, function, tmp_path):
    call = Call(function, f"touch {tmp_path / 'ran'}")

    with pytest.raises(RefusedError, match=rf"would run \w+\.{function.__name__}"):
        read(pickle.dumps(call, protocol))

    assert not (tmp_path / "ran").exists()


def test_a_program_in_an_old_instruction_is_named_too():
    with pytest.raises(RefusedError, match=r"would run os\.system"):
        read(b"(S'ls'\nios\nsystem\n.")


@pytest.mark.parametrize(
    "name",
    [b"torch._utilt\n_rebuild_tensor_v2", b"torch\nFloatSt\x01rage", b"collectionr\nOrd3redDict"],
)
def test_a_damaged_name_is_no_program(name):
    with pytest.raises(pickle.UnpicklingError, match="which does not exist"):
        read(b"\x80\x02c" + name + b"\n.")


def test_a_name_that_is_cut_off_is_no_program():
    with pytest.raises(EOFError, match="within a line"):
        read(b"\x80\x02cos\nsyst")


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x05\x96" + struct.pack("<Q", 1 << 40) + b".",  # a bytearray of 1 TiB
        b"\x80\x02X\xff\xff\xff\x7fabc",  # a text of 2 GiB
        b"\x80\x04\x8d" + struct.pack("<Q", 1 << 60) + b"abc",
        b"\x80\x02\x8b\xff\xff\xff\x7f\x01.",  # a number of 2 GiB
        b"I" + b"9" * 5000 + b"\n.",
        b"\x80\x02Nr\xff\xff\xff\xff" + b"\x80",  # the memo's last place
        b"\x80\x02\x82\x01.",
        b"\x80\x02))R.",
        b"\x80\x02}(K\x01u.",
        b"\x80\x02](K\x01K\x02u.",
        b"\x80\x02}](K\x01K\x02u.",
        b"\x80\x02h\x05.",
        b"\x80\x7f.",
        b"u.",
        b"0.",
        b".",
        b"",
    ],
    ids=lambda content: content[:12].hex(),
)
def test_a_broken_pickle_ends_in_a_known_error_at_once(content):
    began = time.perf_counter()

    with pytest.raises(BROKEN):
        read(content)

    assert time.perf_counter() - began < 1


def test_deep_nesting_is_read_without_recursion():
    deep = read(b"\x80\x02" + b"]" * 1 + b"]" * 100_000 + b"a" * 100_000 + b".")

    depth = 0
    while deep:
        (deep,), depth = deep, depth + 1
    assert depth == 100_000


def test_a_deep_key_is_refused_before_it_is_hashed():
    with pytest.raises(
        pickle.UnpicklingError, match="a key must be a string or a number, got tuple"
    ):
        read(b"\x80\x02})" + b"\x85" * 300_000 + b"Ns.")


def test_a_long_pickle_is_refused(monkeypatch):
    monkeypatch.setattr(torch_pickle, "MOST_STRUCTURE", 1000)

    with pytest.raises(RefusedError, match="the list of its tensors is longer than 1000 bytes"):
        read(pickle.dumps(["text" * 500]))
    assert read(pickle.dumps("a" * 900)) == "a" * 900


def test_attributes_change_nothing():
    # {} with the state {"a": 1}
    assert read(b"\x80\x02ccollections\nOrderedDict\n)R}U\x01aK\x01sb.") == {}
