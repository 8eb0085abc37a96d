"""What `esa_tail` means; that it is right in general is in test_contract.py."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from napari_sr.models._attention import SpatialGate
from napari_sr.models._blocks import conv3x3
from napari_sr.models._chain import Window
from sr_kernels import launched, use_kernels
from sr_kernels.esa_tail import esa_tail, sample_bilinear

pytestmark = pytest.mark.usefixtures("kernels")
HEIGHT, WIDTH = 11, 70


@pytest.fixture
def gate(device):
    """ESA of BSRN-S's widths: 12 features inside, which are no power of two."""
    torch.manual_seed(0)
    stride = nn.Conv2d(12, 12, 3, stride=2)
    return SpatialGate(
        features=48, inner=12, convolution=conv3x3, stride=stride, activation=nn.ReLU()
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


def one_cell(low, window):
    """Return what of the low plane shows in a window: the gate's logarithm is that alone."""
    top, left, height, width, full_height, full_width = window
    x, squeezed = low.new_ones(1, 1, height, width), low.new_zeros(1, 1, height, width)
    one, none = low.new_ones(1, 1, 1, 1), low.new_zeros(1)
    place = (top, left, full_height, full_width)
    return esa_tail(x, squeezed, low, one, none, one, none, *place).logit()


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


@pytest.mark.parametrize("along", ["rows", "columns"])
def test_places_in_a_very_large_image_do_not_blur(device, along):
    full, begin, length = 600_001, 599_000, 70
    low = torch.zeros(1, 1, 100_000, 1, device=device)
    low[:, :, ::2] = 1
    window = (begin, 0, length, 1, full, 1)
    if along == "columns":
        low, window = low.mT, (0, begin, 1, length, 1, full)

    found = one_cell(low, window)

    place = (torch.arange(begin, begin + length).double() + 0.5) * (100_000 / full) - 0.5
    expected = (place % 2 - 1).abs()
    # float32 is spaced by 0.008 at these places
    torch.testing.assert_close(found.flatten().cpu().double(), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize(("low", "full"), [((1, 1), (7, 9)), ((3, 4), (7, 70)), ((7, 9), (7, 9))])
def test_the_low_plane_is_enlarged_as_torch_does_it(device, low, full):
    torch.manual_seed(0)
    plane = torch.rand(1, 1, *low, device=device)

    found = one_cell(plane, (0, 0, *full, *full))

    expected = functional.interpolate(plane, full, mode="bilinear")
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_a_piece_is_sampled_as_the_whole(device):
    torch.manual_seed(0)
    low = torch.rand(2, 3, 4, 5, device=device, dtype=torch.float64)

    piece = sample_bilinear(low, 6, 10, (11, 3, 20, 30))

    whole = functional.interpolate(low, (20, 30), mode="bilinear")
    torch.testing.assert_close(piece, whole[:, :, 11:17, 3:13])


def test_wide_features_are_gated_too(device):
    x = torch.rand(1, 260, 3, 5, device=device).half()
    nothing = torch.zeros(1, 65, 3, 5, device=device).half()
    weights = [nothing.new_zeros(shape) for shape in [(65, 65, 1, 1), 65, (260, 65, 1, 1), 260]]

    result = esa_tail(x, nothing, nothing, *weights, 0, 0, 3, 5)

    assert torch.equal(result, x / 2)


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
