from __future__ import annotations

import pytest
import torch
from safetensors.torch import save

from napari_sr.zoo import safetensors_file
from napari_sr.zoo.limits import RefusedError
from napari_sr.zoo.safetensors_file import header_of, read_safetensors, values_in

STATE = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2, dtype=torch.float16)}


def with_header(text):
    content = text if isinstance(text, bytes) else text.encode()
    return len(content).to_bytes(8, "little") + content + bytes(8)


def test_tensors_and_metadata_are_read():
    data = save(STATE, {"card": "{}", "other": "x"})

    tensors = read_safetensors(data)

    assert all(torch.equal(tensors[key], value) for key, value in STATE.items())
    assert header_of(data)["__metadata__"] == {"card": "{}", "other": "x"}


@pytest.mark.parametrize(
    "text",
    [
        '{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,8]}}',
        '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,800]}}',
        '{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}',
        '{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}',
        '{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}',
        '{"a":{"dtype":3,"shape":[2],"data_offsets":[0,8]}}',
        '{"a":3}',
        '{"a":null,"__metadata__":[]}',
        "[" * 100_000,
        '{"a":' * 50_000,
        "{",
        '"text"',
        "[1]",
        "NaN",
        b"{\xff}",
    ],
    ids=lambda text: str(text)[:60],
)
def test_a_header_that_lies_is_an_error_of_values(text):
    with pytest.raises(ValueError, match=r"\w"):
        read_safetensors(with_header(text))


def test_a_header_that_is_too_long_is_refused():
    absurd = (1 << 62).to_bytes(8, "little") + b"{}"

    with pytest.raises(RefusedError, match=r"its header has .* GiB, but at most 2\.0 MiB"):
        header_of(absurd)


def test_a_header_that_is_cut_off_is_damaged():
    with pytest.raises(ValueError, match="needs 100 bytes, but only 2 follow"):
        header_of((100).to_bytes(8, "little") + b"{}")


def test_two_tensors_of_one_name_are_refused():
    one = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'

    with pytest.raises(RefusedError, match="has the key 'a' twice"):
        read_safetensors(with_header(f'{{"a":{one},"a":{one}}}'))


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2, torch.complex64])
def test_types_that_networks_are_not_run_with_are_refused(dtype):
    with pytest.raises(RefusedError, match=r"'a' has the unsupported type [FC][86]"):
        read_safetensors(save({"a": torch.zeros(4).to(dtype)}))


def test_too_many_tensors_are_refused(monkeypatch):
    monkeypatch.setattr(safetensors_file, "MOST_TENSORS", 1)

    with pytest.raises(RefusedError, match="more than 1 tensors"):
        read_safetensors(save(STATE))


def test_values_are_counted_without_reading_them(tmp_path):
    (tmp_path / "a").write_bytes(save(STATE, {"card": "{}"})[:-4])  # the last value is cut off

    assert values_in(tmp_path / "a") == 8


@pytest.mark.parametrize(
    "data", [b"", b"x" * 20, with_header("[]"), with_header('{"a": 3}'), b"\xff" * 8 + b"{}"]
)
def test_values_of_a_broken_file_are_unknown(tmp_path, data):
    (tmp_path / "a").write_bytes(data)

    assert values_in(tmp_path / "a") is None
    assert values_in(tmp_path / "missing") is None
