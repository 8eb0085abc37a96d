"""Shapes of results on meta tensors, compared with those of torch."""

from __future__ import annotations

import pytest
import torch

from napari_sr.graph.meta_shapes import _RULES, empty_result, has_rule

aten = torch.ops.aten


def meta(*shape, dtype=torch.float32):
    return torch.empty(shape, dtype=dtype, device="meta")


KNOWN = [
    (aten.add.Tensor, meta(2, 3, 5, 4), meta(3, 1, 1)),
    (aten.add.Scalar, meta(2, 3, 5, 4), 1.5),
    (aten.mul.Tensor, meta(2, 3, 5, 4), meta(4, 7)[:, 2]),
    (aten.mul.Tensor, meta(2, 3, 5, 4), meta(5, 7)[:, 2].reshape(1, 1, 5, 1)),
    (aten.sub.Tensor, meta(2, 3, 5, 4), 2),
    (aten.rsub.Scalar, meta(2, 3, 5, 4), 2),
    (aten.mul.Tensor, meta(4), meta(2, 3, 5, 4, dtype=torch.float32)),
    (aten.mul.Scalar, meta(2, 3), 2.0),
    (aten.div.Tensor, meta(2, 1), meta(1, 3)),
    *(
        (each, meta(2, 3, 5, 4))
        for each in (
            aten.relu.default, aten.leaky_relu.default, aten.gelu.default, aten.sigmoid.default,
            aten.tanh.default, aten.silu.default, aten.square.default, aten.sqrt.default,
            aten.abs.default, aten.floor.default,
        )
    ),
    (aten.clamp.default, meta(2, 3, dtype=torch.bfloat16), 0, 1),
    (aten.add_.Tensor, meta(2, 3, 5, 4), meta(3, 1, 1)),
    (aten.add.Tensor, meta(2, 3), meta(3, dtype=torch.int64)),
    (aten.index_select.default, meta(2, 3, 5, 4), -2, meta(7, dtype=torch.int64)),
    (aten.pow.Tensor_Scalar, meta(4, dtype=torch.float64), 3),
    (aten.le.Scalar, meta(2, 3), 1),
    (aten.lt.Scalar, meta(2, 3, dtype=torch.int64), 1),
    (aten.where.self, meta(2, 3, dtype=torch.bool), meta(2, 3), meta()),
    *(
        (each, meta(2, 3, dtype=dtype), 3)
        for each in (aten.remainder.Scalar, aten.floor_divide.default, aten.mul.Tensor)
        for dtype in (torch.int64, torch.float64)
    ),
    (aten.rsub.Scalar, meta(2, 3, dtype=torch.int64), 3),
    (aten.where.self, meta(3, dtype=torch.bool), *2 * (meta(2, 3, dtype=torch.int64),)),
    (aten.index.Tensor, meta(5, 4), [meta(7, dtype=torch.int64)]),
    (aten.index.Tensor, meta(5, 4, dtype=torch.int64), [meta(7, dtype=torch.int64)]),
    (aten.prelu.default, meta(2, 3, 5, 4), meta(3)),
    (aten.conv2d.default, meta(2, 4, 9, 8), meta(6, 2, 3, 5), None, [2], [1, 2], [2, 1], 2),
    (aten.conv2d.default, meta(2, 4, 9, 8), meta(6, 4, 3, 5)),
    (aten.conv_transpose2d.input, meta(2, 4, 9, 8), meta(4, 3, 5, 4), None, [3], [1], [1, 2], 2),
    (aten.convolution.default, meta(2, 4, 9, 8), meta(6, 4, 3, 3), None, [1, 1], [1, 1], [1, 1],
     False, [0, 0], 1),
    (aten.convolution.default, meta(2, 4, 9, 8), meta(4, 6, 3, 3), None, [2, 2], [1, 1], [1, 1],
     True, [1, 0], 1),
    (aten.cat.default, [meta(2, 3, 5, 4), meta(2, 1, 5, 4)], -3),
    (aten.pixel_shuffle.default, meta(2, 12, 5, 4), 2),
    (aten.mean.dim, meta(2, 3, 5, 4), [-1, 2]),
    (aten.mean.dim, meta(2, 3, 5, 4), [-1, 2], True),
    (aten.sum.dim_IntList, meta(2, 3, 5, 4), [1], True),
    (aten.max_pool2d.default, meta(2, 3, 15, 14), [7, 7], [3, 3]),
    (aten.max_pool2d.default, meta(2, 3, 15, 14), [2]),
    (aten.upsample_bilinear2d.vec, meta(2, 3, 5, 4), [7, 9], False, None),
    (aten.repeat.default, meta(2, 3, 5, 4), [1, 4, 1, 2]),
]  # fmt: skip


@pytest.mark.parametrize("call", KNOWN, ids=lambda call: str(call[0]))
def test_the_result_is_that_of_torch(call):
    func, *args = call

    found, expected = empty_result(func, tuple(args), {}), func(*args)

    assert found.is_meta
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    assert found.stride() == expected.stride()
    assert (found is args[0]) == (expected is args[0])  # in place or not


@pytest.mark.parametrize("dtype", [None, torch.float64])
def test_counting_has_the_type_of_torchs(dtype):
    options = {"dtype": dtype, "device": torch.device("meta"), "pin_memory": False}

    found, expected = empty_result(aten.arange.default, (5,), options), torch.arange(5, dtype=dtype)

    assert found.is_meta
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)


def test_zeros_have_the_shape_and_type_of_their_argument():
    x = meta(2, 3, dtype=torch.float64)

    zeros = empty_result(aten.zeros_like.default, (x,), {"pin_memory": False})

    assert (zeros.shape, zeros.dtype, zeros.is_meta) == (x.shape, x.dtype, True)
    assert zeros.untyped_storage().nbytes() == 48
    assert empty_result(aten.zeros_like.default, (x,), {"dtype": torch.int64}) is None
    assert empty_result(aten.zeros_like.default, (torch.zeros(2),), {}) is None


@pytest.mark.parametrize(
    ("end", "device"), [(5, torch.device("cpu")), (5, None), (5.5, torch.device("meta"))]
)
def test_other_counting_is_left_to_torch(end, device):
    assert empty_result(aten.arange.default, (end,), {"device": device}) is None


def test_every_rule_is_tested():
    assert {call[0] for call in KNOWN} == set(_RULES)
    assert all(has_rule(call[0]) for call in KNOWN)


@pytest.mark.parametrize(
    ("func", "args"),
    [
        (aten.add.Tensor, (meta(2, 3, dtype=torch.float16), meta(3))),  # types differ
        (aten.add.Tensor, (meta(2, 3, dtype=torch.int32), 1.5)),  # the result is a float
        (aten.mul.Tensor, (meta(2, 3), 1j)),
        (aten.mul.Tensor, (meta(2, 3, dtype=torch.int64), 1.5)),
        (aten.sqrt.default, (meta(2, 3, dtype=torch.int64),)),  # the result is a float
        (aten.index.Tensor, (meta(5, 4), [meta(5, dtype=torch.bool)])),
        (aten.index.Tensor, (meta(5, 4), [None, meta(7, dtype=torch.int64)])),
        (aten.mul.Tensor, (meta(2, 3).T, 2)),  # the result has this order in memory
        (aten.cat.default, ([meta(2, 3, 5, 4).to(memory_format=torch.channels_last)], 1)),
        (aten.add.Tensor, (torch.zeros(2), meta(2))),
        (aten.conv2d.default, (meta(4, 9, 8), meta(6, 4, 3, 3))),  # without N
        (aten.mean.dim, (meta(2, 3), [])),  # over all axes
        (aten.upsample_bilinear2d.vec, (meta(2, 3, 5, 4), None, False, [2.0, 2.0])),
        (aten.sin.default, (meta(2),)),
    ],
)
def test_unusual_arguments_are_left_to_torch(func, args):
    assert empty_result(func, args, {}) is None


@pytest.mark.parametrize(
    ("func", "args"),
    [
        (aten.add.Tensor, (meta(2, 3), meta(2))),
        (aten.add_.Tensor, (meta(3), meta(2, 3))),
        (aten.conv2d.default, (meta(2, 4, 9, 8), meta(6, 3, 3, 3))),
        (aten.conv2d.default, (meta(2, 4, 2, 8), meta(6, 4, 3, 3))),
        (aten.cat.default, ([meta(2, 3), meta(3, 3)], 1)),
        (aten.pixel_shuffle.default, (meta(2, 5, 5, 4), 2)),
        (aten.prelu.default, (meta(2, 3, 5, 4), meta(4))),
        (aten.max_pool2d.default, (meta(2, 3, 5, 4), [7, 7], [3, 3])),
    ],
)
def test_arguments_that_do_not_fit_are_left_to_torch_which_raises(func, args):
    assert empty_result(func, args, {}) is None
    with pytest.raises(RuntimeError):
        func(*args)
