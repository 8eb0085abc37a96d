"""MATLAB files are unpacked and checked; what is left, scipy reads as before."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from napari_sr.zoo import limits, mat_elements
from napari_sr.zoo.limits import BROKEN, RefusedError
from napari_sr.zoo.mat_elements import unpacked

HEADER = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"


def element(kind, content):
    return struct.pack("<II", kind, len(content)) + content.ljust(-(-len(content) // 8) * 8, b"\0")


def array(kind, axes, name, *content):
    flags = element(6, struct.pack("<II", kind, 0))
    parts = (flags, element(5, struct.pack(f"<{len(axes)}i", *axes)), element(1, name), *content)
    return element(14, b"".join(parts))


def cells(depth):
    inner = array(6, (1, 1), b"", element(9, bytes(8)))
    for _ in range(depth):
        inner = array(1, (1, 1), b"x", inner)
    return inner


@pytest.mark.parametrize("compressed", [False, True])
def test_scipy_reads_the_same_of_an_unpacked_file(compressed):
    content = {
        "double": np.arange(6.0).reshape(2, 3),
        "single": np.ones((2, 3, 4), np.float32),
        "short": np.array([1], np.int8),
        "text": "hello",
        "record": {"a": 1.5, "b": [1, 2]},
        "cells": np.array([1.0, "x"], dtype=object),
        "flags": np.array([True, False]),
    }
    file = io.BytesIO()
    savemat(file, content, do_compression=compressed)

    found = loadmat(io.BytesIO(unpacked(file.getvalue())))

    expected = loadmat(file)
    assert found.keys() == expected.keys()
    for key in content:
        assert repr(found[key]) == repr(expected[key])


def test_a_small_file_that_inflates_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "LEAST_BYTES", 1 << 20)
    bomb = zlib.compress(array(6, (1 << 9, 1 << 9), b"x", element(9, bytes(2 << 20))))

    with pytest.raises(RefusedError, match=r"unpack to 1\.0 MiB"):
        unpacked(HEADER + struct.pack("<II", 15, len(bomb)) + bomb)


@pytest.mark.parametrize(
    "content",
    [
        array(6, (1 << 16, 1 << 16), b"x", element(2, bytes(8))),
        array(6, (1 << 30, 1 << 30, 1 << 30), b"x", element(9, bytes(8))),
        array(1, (1 << 16, 1 << 16), b"x"),
        array(1, (40, 40), b"x"),
        array(2, (1000, 1000), b"x", element(5, struct.pack("<i", 8)), element(1, b"field\0\0\0")),
        array(6, (-1, 2), b"x", element(9, bytes(8))),
        array(6, (1,), b"x", element(9, bytes(8))),
        cells(100),
        array(1, (1, 1), b"x", element(14, b"\1\2\3")),
        struct.pack("<II", 14, 1 << 31),
        struct.pack("<II", 15, 4) + b"abcd",
        struct.pack("<II", 3, 8) + bytes(8),
        b"\0\0\0",
        # types and parts that scipy would follow beyond its tables
        array(7, (1, 1), b"x", element(65535, bytes(8))),
        array(7, (1, 1), b"x", element(14, bytes(8))),
        array(7, (1, 1), b"x"),
        array(7 | 0x800, (1, 1), b"x", element(7, bytes(4))),
        array(7, (1, 1), b"x", element(7, bytes(4)), element(7, bytes(4))),
        array(1, (2, 1), b"x", array(6, (1, 1), b"", element(9, bytes(8)))),
        array(2, (1, 1), b"x", element(5, bytes(4)), element(1, b"field")),
        array(4, (1, 1), b"x", element(99, b"ab")),
        array(200, (1, 1), b"x", element(7, bytes(8))),
    ],
    ids=range(22),
)
def test_what_does_not_fit_is_refused_before_it_is_allocated(content):
    with pytest.raises(BROKEN):
        unpacked(HEADER + content)


def test_nesting_within_reason_is_kept():
    unpacked(HEADER + cells(10))

    with pytest.raises(RefusedError, match="nested deeper than 16"):
        unpacked(HEADER + cells(20))


def test_too_many_elements_are_refused(monkeypatch):
    monkeypatch.setattr(mat_elements, "MOST_ELEMENTS", 3)

    with pytest.raises(RefusedError, match="more than 3 elements"):
        unpacked(HEADER + cells(4))


def test_a_variable_that_comes_twice_is_refused():
    one = array(6, (1, 1), b"weight", element(9, bytes(8)))

    with pytest.raises(RefusedError, match="the variable 'weight' twice"):
        unpacked(HEADER + one + one)


@pytest.mark.parametrize("kind", [5, 16, 17])
def test_sparse_matrices_functions_and_objects_are_left_out(kind):
    inner = array(6, (1, 1), b"", element(9, bytes(8)))
    content = [element(5, bytes(4))] * 3 if kind == 5 else [inner]
    other = array(kind, (1, 1), b"f", *content)
    kept = array(6, (1, 1), b"weight", element(9, bytes(8)))

    assert unpacked(HEADER + other + kept) == HEADER + kept


def test_an_unknown_byte_order_is_told():
    with pytest.raises(ValueError, match=r"its byte order must be .*, got b'XX'"):
        unpacked(HEADER[:126] + b"XX")
