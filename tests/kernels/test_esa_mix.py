"""What `esa_mix` means; that it is right in general is in test_contract.py."""

from __future__ import annotations

import pytest
import torch

from napari_sr.graph.chain import Window
from napari_sr.models.bsrn_s import Block
from sr_kernels import launched, use_kernels
from sr_kernels.esa_mix import OP, esa_mix
from sr_kernels.esa_tail import esa_tail

pytestmark = pytest.mark.usefixtures("kernels")
NAMES = (
    "x", "squeezed", "low", "residual", "skip_weight", "skip_bias", "excite_weight",
    "excite_bias", "scale", "mix_weight", "mix_bias", "top", "left", "full_height", "full_width",
)  # fmt: skip
IN_TAIL = [name for name in NAMES if name not in ("residual", "scale", "mix_weight", "mix_bias")]


@pytest.fixture
def given(device):
    """Arguments by name, of two pieces of 48 features, of which 12 inside."""
    torch.manual_seed(0)
    return dict(zip(NAMES, OP.example((2, 48, 6, 70), torch.float16, device), strict=True))


def test_it_is_the_end_of_the_network_s_block(given, device):
    block = Block(features=48).to(device).half()
    with torch.no_grad():
        for convolution, name in [
            (block.spatial.skip, "skip"), (block.spatial.excite, "excite"), (block.mix, "mix"),
        ]:  # fmt: skip
            convolution.weight.copy_(given[f"{name}_weight"])
            convolution.bias.copy_(given[f"{name}_bias"])
        block.channel_weight.copy_(given["scale"][None])
    window = Window(given["top"], given["left"], 6, 70, given["full_height"], given["full_width"])
    planes = [given[name].double() for name in ("x", "squeezed", "residual", "low")]

    result = esa_mix(**given)

    assert launched() == {"esa_mix": 1}
    with torch.no_grad(), use_kernels("reference"):
        expected = block.double().compute_end(planes[0], planes[1], planes[2], planes[3], window)
    # two sums of some fifty values near 1 are made of factors in half precision
    torch.testing.assert_close(result.double(), expected, rtol=2e-3, atol=2e-2)


def test_mixing_nothing_in_leaves_the_tail(given):
    tail = esa_tail(**{name: given[name] for name in IN_TAIL})
    features = given["x"].shape[1]
    given["mix_weight"] = torch.eye(features).reshape(features, features, 1, 1).to(tail)
    given["scale"] = torch.ones_like(given["scale"])
    given["mix_bias"] = torch.zeros_like(given["mix_bias"])
    given["residual"] = torch.zeros_like(given["residual"])

    result = esa_mix(**given)

    # the last bit, because the product's sums may have another order than the tail's
    torch.testing.assert_close(result, tail, rtol=2**-10, atol=0)


def test_without_weights_the_residual_and_the_bias_remain(given):
    given["scale"] = torch.zeros_like(given["scale"])
    given["mix_bias"] = torch.ones_like(given["mix_bias"])

    result = esa_mix(**given)

    assert torch.equal(result, given["residual"] + 1)


@pytest.mark.parametrize("name", ["residual", "scale", "mix_weight", "mix_bias", "skip_bias"])
def test_an_error_names_the_tensor_and_its_shape(given, name):
    given[name] = given[name][:1]

    with pytest.raises(ValueError, match=f"esa_mix needs {name}") as caught:
        esa_mix(**given)

    assert str(tuple(given[name].shape)) in str(caught.value)


def test_a_piece_lies_in_its_image(given):
    given["top"] = 60

    with pytest.raises(ValueError, match=r"esa_mix needs a piece .* got 6 x 70 at 60, 11"):
        esa_mix(**given)
