"""Arrays are read as NumPy reads them, and headers are not believed."""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np
import pytest
import torch

from napari_sr.zoo.limits import RefusedError
from napari_sr.zoo.numpy_file import read_npz
from napari_sr.zoo.zip_archive import ZipArchive


def with_header(header, version=2):
    """Return an archive of one array, whose header is any text."""
    size = struct.pack("<I" if version > 1 else "<H", len(header) + 1)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        magic = b"\x93NUMPY" + bytes([version, 0])
        archive.writestr("a.npy", magic + size + header + b"\n" + bytes(16))
    return ZipArchive(file.getvalue())


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "f8", "f2", "i8", ">i2", "u1", "?"])
def test_arrays_of_any_order_are_read(save, dtype):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    file = io.BytesIO()
    save(file, a=array, b=np.asfortranarray(array), c=array.T, d=array[0, 0, 1])

    found = read_npz(ZipArchive(file.getvalue()))

    assert list(found) == list("abcd")
    for key, expected in {"a": array, "b": array, "c": array.T, "d": array[0, 0, 1]}.items():
        assert found[key].shape == expected.shape
        np.testing.assert_array_equal(found[key].read().numpy(), expected)
        assert found[key].read().dtype == found[key].dtype
    assert found["a"].dtype.is_floating_point == (array.dtype.kind == "f")


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr':'<f4','fortran_order':False,'shape':" + b"(" * 4800,
        b"{'descr':'<f4','fortran_order':False,'shape':(" + b"-" * 9000 + b"4,)}",
        b"{'descr':'<f4','fortran_order':False,'shape':" + b"[" * 90 + b"]" * 90 + b"}",
        b"{'descr':'<f4','fortran_order':False,'shape':(4,)} " + b" " * 20_000,
        b"{'descr':'<f4','fortran_order':False,'shape':(1000000000000,)}",
        b"{'descr':'<f4','fortran_order':False,'shape':(-4,)}",
        b"{'descr':'<f4','fortran_order':False,'shape':(-2,-2)}",
        b"{'descr':'<f4','fortran_order':False,'shape':(3,)}",
        b"{'descr':'<f4','fortran_order':False,'shape':(1e400,)}",
        b"{'descr':'<f4','fortran_order':7,'shape':(4,)}",
        b"{'descr':'|O','fortran_order':False,'shape':(2,)}",
        b"{'descr':'<U1','fortran_order':False,'shape':(4,)}",
        b"{'descr':'<M8[s]','fortran_order':False,'shape':(2,)}",
        b"{'descr':'<f16','fortran_order':False,'shape':(1,)}",
        b"{'descr':'V16','fortran_order':False,'shape':(1,)}",
        b"{'descr':[('a','<f4')],'fortran_order':False,'shape':(4,)}",
        b"{'descr':'zz','fortran_order':False,'shape':(4,)}",
        b"{" + b"'a':1," * 100 + b"}",
        b"\xff\xfe",
        b"",
    ],
    ids=lambda header: header[36:56].decode("latin1"),
)
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.filterwarnings("ignore")
def test_a_header_that_lies_is_refused_in_words(header, version):
    with pytest.raises(RefusedError, match="its entry 'a' cannot be read as numbers"):
        read_npz(with_header(header, version))


@pytest.mark.parametrize("version", [0, 3, 255])
def test_an_unknown_version_is_named(version):
    with pytest.raises(RefusedError, match=rf"format.*{version}|versions"):
        read_npz(with_header(b"{}", version))


def test_what_is_not_asked_for_is_not_kept():
    file = io.BytesIO()
    np.savez(file, a=np.zeros(4, np.float32))

    (stored,) = read_npz(ZipArchive(file.getvalue())).values()

    assert stored.read().data_ptr() != stored.read().data_ptr()
    assert stored.dtype == torch.float32
