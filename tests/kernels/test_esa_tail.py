"""What `esa_tail` means; that it is right in general is in test_contract.py."""

from __future__ import annotations

import pytest
import torch

from napari_sr.graph.chain import Window
from napari_sr.layers.attention import PooledConv, SpatialGate
from napari_sr.layers.blocks import conv3x3
from sr_kernels import launched, use_kernels
from sr_kernels.esa_tail import esa_tail

pytestmark = pytest.mark.usefixtures("kernels")
HEIGHT, WIDTH = 11, 70


@pytest.fixture
def gate(device):
    """ESA of BSRN-S's widths: 12 features inside, which are no power of two."""
    torch.manual_seed(0)
    return SpatialGate(
        features=48, inner=12, pool=PooledConv(12), activated=conv3x3, plain=conv3x3
    ).to(device)


@pytest.fixture
def planes(device):
    """An image's features, what is squeezed out of them, and the low plane."""
    torch.manual_seed(0)
    shapes = [(2, 48, HEIGHT, WIDTH), (2, 12, HEIGHT, WIDTH), (2, 12, 2, 12)]
    return [torch.randn(shape, device=device).half() for shape in shapes]


def weights_of(gate):
    """Return the four tensors that the op takes of a gate."""
    convolutions = (gate.skip, gate.excite)
    return [tensor.detach() for each in convolutions for tensor in (each.weight, each.bias)]


def test_it_is_the_tail_of_the_network_s_gate(gate, planes):
    gate, (x, squeezed, low) = gate.half(), planes

    result = esa_tail(x, squeezed, low, *weights_of(gate), 0, 0, HEIGHT, WIDTH)

    wide = [plane.double() for plane in planes]
    with use_kernels("reference"):
        expected = gate.double()(*wide, Window(0, 0, HEIGHT, WIDTH, HEIGHT, WIDTH))
    # the sum inside and the result are rounded to half precision
    torch.testing.assert_close(result.double(), expected, rtol=2e-3, atol=2e-3)
    assert launched() == {"esa_tail": 1}


@pytest.mark.parametrize("window", [(0, 0, 5, 33), (3, 30, 8, 40), (10, 69, 1, 1)], ids=str)
def test_a_piece_is_the_crop_of_the_whole(gate, planes, window):
    x, squeezed, low = planes
    weights = weights_of(gate.half())
    top, left, height, width = window
    rows, columns = slice(top, top + height), slice(left, left + width)
    whole = esa_tail(x, squeezed, low, *weights, 0, 0, HEIGHT, WIDTH)

    piece = esa_tail(
        x[:, :, rows, columns], squeezed[:, :, rows, columns], low, *weights,
        top, left, HEIGHT, WIDTH,
    )  # fmt: skip

    # places of pixels are rounded to float32 relative to where a program begins
    torch.testing.assert_close(piece, whole[:, :, rows, columns], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["squeezed", "low", "skip_weight", "skip_bias", "excite_weight"])
def test_an_error_names_the_tensor_and_its_shape(gate, planes, name):
    names = ["x", "squeezed", "low", "skip_weight", "skip_bias", "excite_weight", "excite_bias"]
    tensors = dict(zip(names, [*planes, *weights_of(gate)], strict=True))
    tensors[name] = tensors[name][:1]

    with pytest.raises(ValueError, match=f"esa_tail needs {name}") as caught:
        esa_tail(*tensors.values(), 0, 0, HEIGHT, WIDTH)

    assert str(tuple(tensors[name].shape)) in str(caught.value)


def test_a_piece_lies_in_its_image(gate, planes):
    with pytest.raises(ValueError, match="of 11 x 80, got 11 x 70 at 0, 11"):
        esa_tail(*planes, *weights_of(gate), 0, 11, 11, 80)
