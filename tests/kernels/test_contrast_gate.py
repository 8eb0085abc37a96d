"""What `contrast_gate` means; that it is right in general is in test_contract.py."""

from __future__ import annotations

import pytest
import torch

from napari_sr.models._attention import ContrastGate
from sr_kernels import launched, use_kernels
from sr_kernels.contrast_gate import contrast_gate

pytestmark = pytest.mark.usefixtures("kernels")
NAMES = ("squeeze_weight", "squeeze_bias", "excite_weight", "excite_bias")


@pytest.fixture
def network(device):
    """CCA of the paper's width of 48, narrowed four times: 12 features, no power of two."""
    torch.manual_seed(0)
    return ContrastGate(features=48, reduction=4).to(device).half().requires_grad_(False)


@pytest.fixture
def x(device):
    torch.manual_seed(0)
    return torch.randn(2, 48, 9, 21, device=device).half()


def weights_of(network):
    """Return the four tensors that the op takes of a network's gate."""
    convolutions = (network.squeeze, network.excite)
    return [tensor for each in convolutions for tensor in (each.weight, each.bias)]


def test_it_is_the_network_s_gate(network, x):
    result = contrast_gate(x, *weights_of(network))

    variance, mean = torch.var_mean(x.double(), dim=(2, 3), keepdim=True, correction=0)
    with use_kernels("reference"):
        expected = network.double()(mean, variance)
    # gates lie below 1, where half precision is spaced by 2 ** -11
    torch.testing.assert_close(result.double(), expected, rtol=0, atol=2**-11)
    assert launched() == {"contrast_gate": 1}


def test_a_large_mean_does_not_hide_the_contrast(network, x):
    squeeze = torch.zeros_like(network.squeeze.weight)
    squeeze[0, 7] = 1
    excite = torch.zeros_like(network.excite.weight)
    excite[:, 0] = 1
    bias = torch.zeros_like(network.squeeze.bias)
    bias[0] = -1024
    x = (x * 2).round() + 1024

    result = contrast_gate(x, squeeze, bias, excite, torch.zeros_like(network.excite.bias))

    variance, mean = torch.var_mean(x[:, 7].double(), dim=(1, 2), correction=0)
    expected = torch.sigmoid(torch.relu(mean - 1024 + variance.sqrt()))
    torch.testing.assert_close(result[:, 0, 0, 0].double(), expected, rtol=0, atol=2**-11)


def test_a_constant_plane_has_a_finite_slope(network, x):
    x = torch.ones_like(x).requires_grad_()

    contrast_gate(x, *weights_of(network)).sum().backward()

    assert x.grad.isfinite().all()


@pytest.mark.parametrize("name", NAMES[1:])
def test_an_error_names_the_tensor_and_its_shape(network, x, name):
    weights = dict(zip(NAMES, weights_of(network), strict=True))
    weights[name] = weights[name][:1]

    with pytest.raises(ValueError, match=f"contrast_gate needs {name}") as caught:
        contrast_gate(x, **weights)

    assert str(tuple(weights[name].shape)) in str(caught.value)


@pytest.mark.parametrize("shape", [(2, 48, 0, 4), (48, 3, 4)], ids=str)
def test_an_error_names_the_shape(network, device, shape):
    with pytest.raises(ValueError, match="contrast_gate needs") as caught:
        contrast_gate(torch.ones(shape, device=device), *weights_of(network))

    assert str(shape) in str(caught.value)
