"""What `contrast_gate` means; that it is right in general is in test_contract.py."""

from __future__ import annotations

import pytest
import torch

from napari_sr.layers.attention import ContrastGate
from sr_kernels import launched, use_kernels
from sr_kernels.contrast_gate import contrast_gate

pytestmark = pytest.mark.usefixtures("kernels")
NAMES = ("m2", "squeeze_weight", "squeeze_bias", "excite_weight", "excite_bias")
PIXELS = 189


@pytest.fixture
def network(device):
    """CCA of the paper's width of 48, narrowed four times: 12 features, no power of two."""
    torch.manual_seed(0)
    return ContrastGate(features=48, reduction=4).to(device).half().requires_grad_(False)


@pytest.fixture
def moments(device):
    """Mean and sum of squared deviations, in float32."""
    torch.manual_seed(0)
    mean, spread = torch.randn(2, 2, 48, 1, 1, device=device)
    return mean, PIXELS * spread.square()


def weights_of(network):
    """Return the four tensors that the op takes of a network's gate."""
    convolutions = (network.squeeze, network.excite)
    return [tensor for each in convolutions for tensor in (each.weight, each.bias)]


def test_the_network_s_gate_is_one_launch_and_its_formula(network, moments):
    result = network(*moments, PIXELS)

    assert (result.dtype, launched()) == (torch.float16, {"contrast_gate": 1})
    mean, m2 = (each.double() for each in moments)
    with use_kernels("reference"):
        expected = network.double()(mean, m2, PIXELS)
    # gates lie below 1, where half precision is spaced by 2 ** -11
    torch.testing.assert_close(result.double(), expected, rtol=0, atol=2**-11)


def test_the_contrast_is_the_mean_and_the_standard_deviation(network, moments):
    squeeze = torch.zeros_like(network.squeeze.weight)
    squeeze[0, 7] = 1
    excite = torch.zeros_like(network.excite.weight)
    excite[:, 0] = 1
    bias = torch.zeros_like(network.squeeze.bias)
    bias[0] = -1024
    mean, m2 = moments

    none = torch.zeros_like(network.excite.bias)
    result = contrast_gate(mean + 1024, m2, PIXELS, squeeze, bias, excite, none)

    expected = (mean[:, 7] + (m2[:, 7] / PIXELS).sqrt()).relu().sigmoid()
    # float32 tells numbers near 1024 apart by 2 ** -14
    atol = 2**-11 + 2**-14
    torch.testing.assert_close(result[:, 0].float(), expected, rtol=0, atol=atol)


def test_a_constant_plane_has_a_finite_slope(network, moments):
    mean, m2 = moments[0], torch.zeros_like(moments[1]).requires_grad_()

    contrast_gate(mean, m2, PIXELS, *weights_of(network)).sum().backward()

    assert m2.grad.isfinite().all()


def test_a_constant_plane_gates_by_its_mean(network, moments):
    mean, none = moments[0], torch.zeros_like(moments[1])

    result = contrast_gate(mean, none, PIXELS, *weights_of(network))

    expected = network.excite(network.squeeze(mean.half()).relu()).sigmoid()
    torch.testing.assert_close(result, expected, rtol=0, atol=2**-9)


@pytest.mark.parametrize("name", ["m2", "squeeze_bias", "excite_weight", "excite_bias"])
def test_an_error_names_the_tensor_and_its_shape(network, moments, name):
    given = dict(zip(NAMES, [moments[1], *weights_of(network)], strict=True))
    given[name] = given[name][:1]

    with pytest.raises(ValueError, match=f"contrast_gate needs {name}") as caught:
        contrast_gate(moments[0], pixels=PIXELS, **given)

    assert str(tuple(given[name].shape)) in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "pixels"), [((2, 48, 1, 1), 0), ((2, 48), 5), ((2, 48, 3, 4), 5)]
)
def test_an_error_names_the_shape_and_the_pixels(network, device, shape, pixels):
    mean = torch.ones(shape, device=device)

    with pytest.raises(ValueError, match="contrast_gate needs a mean") as caught:
        contrast_gate(mean, mean, pixels, *weights_of(network))

    assert f"{shape} of {pixels}" in str(caught.value)
