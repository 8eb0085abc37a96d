"""Numbers come out of MATLAB files as MATLAB had them, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import savemat

from napari_sr.zoo.matlab import read_matlab


def test_variables_keep_their_names_and_shapes(tmp_path):
    weights = np.arange(24.0).reshape(2, 3, 4)
    savemat(tmp_path / "a.mat", {"weights": weights, "bias": np.ones((5, 1), np.float32)})

    arrays = read_matlab((tmp_path / "a.mat").read_bytes())

    assert list(arrays) == ["weights", "bias"]
    np.testing.assert_array_equal(arrays["weights"], weights)
    assert (arrays["bias"].shape, arrays["bias"].dtype) == ((5, 1), np.float32)
    assert all(array.flags.c_contiguous for array in arrays.values())


def test_parameters_of_matconvnet_come_by_their_names(tmp_path):
    records = np.zeros(2, dtype=[("name", object), ("value", object), ("learningRate", object)])
    records[0] = ("conv_f", np.ones((3, 3, 1, 8), np.float32), 1.0)
    records[1] = ("conv_b", np.zeros((1, 8), np.float32), 0.1)
    savemat(tmp_path / "a.mat", {"net": {"layers": [], "params": records, "meta": "x"}})

    arrays = read_matlab((tmp_path / "a.mat").read_bytes())

    assert {name: array.shape for name, array in arrays.items()} == {
        "conv_f": (3, 3, 1, 8),
        "conv_b": (1, 8),
    }


@pytest.mark.parametrize("value", ["text", {"a": 1}, {"params": 1}, {"params": []}, [1, "x"]])
def test_what_is_no_array_of_numbers_is_left_out(tmp_path, value):
    savemat(tmp_path / "a.mat", {"other": value, "weights": 1.0})

    assert list(read_matlab((tmp_path / "a.mat").read_bytes())) == ["weights"]


def test_numbers_in_another_byte_order_are_read(tmp_path):
    path = tmp_path / "a.mat"
    header = b"MATLAB 5.0 MAT-file".ljust(124) + (256).to_bytes(2, "big") + b"MI"
    words = (14, 48, 6, 8, 6, 0, 5, 8, 1, 2)  # a matrix of doubles, 1 x 2
    name = (1 << 16 | 1).to_bytes(4, "big") + b"x\0\0\0"
    body = b"".join(word.to_bytes(4, "big") for word in words)
    values = (9).to_bytes(4, "big") + (16).to_bytes(4, "big") + np.array([1, 2], ">f8").tobytes()
    size = len(body) - 8 + len(name) + len(values)
    path.write_bytes(header + body[:4] + size.to_bytes(4, "big") + body[8:] + name + values)

    (array,) = read_matlab(path.read_bytes()).values()

    assert array.dtype == np.float64
    assert array.dtype.isnative
    assert array.tolist() == [[1, 2]]


def test_a_version_that_scipy_does_not_know_is_named(tmp_path):
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\7IM"

    with pytest.raises(ValueError, match="Unknown mat file type, version 7"):
        read_matlab(header)
