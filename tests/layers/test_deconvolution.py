"""A transposed convolution, and the convolution that computes the same sums."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_sr.layers.deconvolution import Deconvolution, as_convolution


def pair(stride, kernel, padding, spare, *, bias=True, **options):
    torch.manual_seed(0)
    how = {"stride": stride, "padding": padding, "output_padding": spare, "bias": bias, **options}
    ours = Deconvolution(4, 6, kernel, **how).double()
    theirs = nn.ConvTranspose2d(4, 6, kernel, **how).double()
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


# stride, kernel, padding, output padding: FSRCNN x2, x3, x4; LapSRN; Johnson's; odd ones
SHUFFLES = [(2, 9, 4, 1), (3, 9, 4, 2), (4, 9, 4, 3), (2, 4, 1, 0), (2, 3, 1, 1), (3, 3, 0, 0)]
OTHERS = [(3, 5, 1, 1), (2, 2, 0, 0), (1, 3, 1, 0), (4, 5, 1, 1), (2, 8, 3, 0)]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("options", [*SHUFFLES, *OTHERS], ids=str)
def test_the_convolution_is_the_same_sum(options, bias):
    ours, theirs = pair(*options, bias=bias)
    x = torch.rand(2, 4, 7, 5, dtype=torch.float64)

    with torch.inference_mode():
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("options", SHUFFLES, ids=str)
def test_a_cpu_runs_no_transposed_convolution(options, monkeypatch):
    ours, _ = pair(*options)
    monkeypatch.setattr(nn.ConvTranspose2d, "forward", lambda *_: pytest.fail("transposed"))

    with torch.inference_mode():
        large = ours(torch.rand(1, 4, 3, 3, dtype=torch.float64))

    assert large.shape == (1, 6, 3 * options[0], 3 * options[0])


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ((2, 3, 1, 0), {}),  # one pixel short of twice as large
        ((2, 9, 4, 1), {"groups": 2}),
        ((2, 5, 4, 1), {"dilation": 2}),
        (((2, 3), 5, 2, 1), {}),
    ],
    ids=str,
)
def test_other_output_sizes_use_pytorchs_transposed_convolution(options, more):
    ours, theirs = pair(*options, **more)
    x = torch.rand(1, 4, 6, 5, dtype=torch.float64)

    with torch.inference_mode():
        assert torch.equal(ours(x), theirs(x))


def test_training_sees_pytorch_s_own():
    ours, theirs = pair(2, 9, 4, 1)
    x = torch.rand(1, 4, 6, 5, dtype=torch.float64)

    assert torch.equal(ours(x), theirs(x))
    ours(x).sum().backward()
    assert ours.weight.grad is not None


def test_every_weight_is_used_once():
    weight = torch.arange(1.0, 82).reshape(1, 1, 9, 9)

    rearranged, before, after = as_convolution(weight, 2, 4)

    assert (rearranged.shape, before, after) == ((4, 1, 5, 5), 2, 2)
    assert sorted(rearranged[rearranged != 0].tolist()) == weight.flatten().tolist()
