"""A module of another library runs like our networks, as far as its properties are known."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from napari_sr.engine.planning.memory import meta_copy, peak_bytes
from napari_sr.graph.foreign import HALO, Foreign, Hints


class Enlarging(nn.Module):
    """A convolution, then every pixel is doubled."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.convolution = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, image):
        return functional.interpolate(self.convolution(image), scale_factor=2.0)


class Mixed(Enlarging):
    """Multiplies the image by a matrix that is always float32."""

    def forward(self, image):
        return super().forward(image @ torch.eye(image.shape[-1]))


class Asking(Enlarging):
    """Branches on values, which meta tensors do not have."""

    def forward(self, image):
        return super().forward(image if image.mean().item() < 2 else -image)


def foreign(module=None, **hints):
    return Foreign(
        module=module or Enlarging(),
        call=lambda module, image: module(image),
        title="Enlarging (test)",
        scale=2,
        channels=3,
        hints=Hints(**hints),
    ).eval()


def test_it_computes_what_the_module_computes():
    network, image = foreign(), torch.rand(2, 3, 7, 13)

    with torch.inference_mode():
        torch.testing.assert_close(network(image), network.module(image), rtol=0, atol=0)


def test_its_receptive_field_is_unknown():
    network = foreign()

    assert network.receptive_field is None
    assert not network.exact
    assert [step.radius for step in network.chain()] == [HALO]


def test_it_is_called_by_its_title_in_errors_and_wants_what_it_wants():
    network = foreign(multiple=4, least_size=8)

    with pytest.raises(ValueError, match=r"Enlarging \(test\) needs .*multiples of 4, got 10 x 8"):
        network(torch.zeros(1, 3, 10, 8))
    with pytest.raises(ValueError, match=r"Enlarging \(test\) needs at least 8 x 8 .*got 4 x 8"):
        network(torch.zeros(1, 3, 4, 8))


@pytest.mark.parametrize("size", [(5, 9), (9, 5)])
def test_an_image_that_must_be_square_is_made_so_and_cut_again(size):
    seen = []
    network = foreign(square=True)
    network.module.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].shape))
    image = torch.rand(1, 3, *size)

    with torch.inference_mode():
        result = network(image)
        expected = network.module(image)

    assert seen[0] == (1, 3, 9, 9)
    assert result.shape == expected.shape
    # the added border changes one pixel inside, because the convolution reads it
    torch.testing.assert_close(result[..., :8, :8], expected[..., :8, :8], rtol=0, atol=1e-6)


def test_half_precision_runs_where_the_module_mixes_in_float32():
    network = foreign(Mixed())
    image = torch.rand(1, 3, 8, 8)

    with torch.inference_mode():
        expected = network(image)
        result = network.to(torch.bfloat16)(image.to(torch.bfloat16))

    assert result.dtype == torch.bfloat16
    torch.testing.assert_close(result.float(), expected, rtol=0, atol=0.03)


def test_float64_stays_float64():
    with torch.inference_mode():
        assert foreign().double()(torch.rand(1, 3, 4, 4).double()).dtype == torch.float64


def test_a_module_that_needs_data_is_replaced_to_estimate_costs():
    network = foreign(Asking())

    with torch.inference_mode():
        result = meta_copy(network)(torch.empty(1, 3, 16, 12, device="meta"))

    assert result.shape == (1, 3, 32, 24)
    weights = sum(weight.numel() for weight in network.parameters())
    assert peak_bytes(network, 3, 16, 12) > 4 * 16 * 12 * 2 * int(weights**0.5)


def test_errors_of_a_run_with_data_are_not_hidden():
    network = foreign()
    network.module.convolution = nn.Conv2d(4, 3, 3)

    with pytest.raises(RuntimeError, match="channels"):
        network(torch.zeros(1, 3, 8, 8))
