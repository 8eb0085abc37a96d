"""What all losses share: precision, shapes, and that every file is one."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
import torch
from torch import nn

from napari_sr.training import losses
from napari_sr.training.losses._loss import compared, judged, precise

NAMES = sorted(
    path.stem for path in Path(losses.__file__).parent.glob("*.py") if path.stem[0] != "_"
)
IMAGES = ("charbonnier", "l1", "mse", "total_variation")
ADVERSARIAL = ("adversarial", "relativistic", "wasserstein")


def loss_of(name):
    return import_module(f"napari_sr.training.losses.{name}").LOSS


def test_every_file_has_a_loss_that_says_what_it_reads():
    for name in NAMES:
        loss = loss_of(name)
        if name in ADVERSARIAL:
            assert callable(loss.generator)
            assert callable(loss.critic)
        else:
            assert issubclass(loss, nn.Module)
            assert loss.reads in ("image", "levels", "predictions")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", IMAGES)
def test_half_precision_is_compared_in_float32_and_stays_finite(name, dtype):
    loss = loss_of(name)()
    # squares of differences of 300 are beyond float16's 65,504
    result = torch.full((1, 1, 4, 4), 300.0, dtype=dtype)
    result[..., ::2] = 0
    result.requires_grad_()
    truth = torch.zeros(1, 1, 4, 4)

    with torch.autocast("cpu", dtype=dtype):
        value = loss(result, truth)
    value.backward()

    assert value.dtype == torch.float32
    assert value.isfinite()
    assert result.grad.isfinite().all()
    assert result.grad.abs().sum() > 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ADVERSARIAL)
@pytest.mark.parametrize("side", ["generator", "critic"])
def test_large_logits_of_half_precision_stay_finite(name, side, dtype):
    real = torch.tensor([[-60_000.0], [60_000.0]], dtype=dtype, requires_grad=True)
    fake = torch.tensor([[60_000.0], [60_000.0]], dtype=dtype, requires_grad=True)

    with torch.autocast("cpu", dtype=dtype):
        value = getattr(loss_of(name)(), side)(real, fake)
    value.backward()

    assert value.dtype == torch.float32
    assert value.isfinite()
    assert fake.grad.isfinite().all()


@pytest.mark.parametrize("name", IMAGES)
def test_gradients_are_those_of_finite_differences(name):
    loss, truth = loss_of(name)(), torch.rand(2, 1, 3, 4, dtype=torch.float64)
    result = torch.rand(2, 1, 3, 4, dtype=torch.float64, requires_grad=True)

    assert torch.autograd.gradcheck(lambda image: loss(image, truth), result)


@pytest.mark.parametrize("name", IMAGES)
def test_images_of_different_shapes_are_refused(name):
    with pytest.raises(ValueError, match=r"equal shape .*, got \(1, 1, 4, 4\) and \(1, 3, 4, 4\)"):
        loss_of(name)()(torch.rand(1, 1, 4, 4), torch.rand(1, 3, 4, 4))


def test_nothing_cannot_be_compared():
    with pytest.raises(ValueError, match=r"got \(0, 1, 4, 4\) and"):
        compared(torch.rand(0, 1, 4, 4), torch.rand(0, 1, 4, 4))
    with pytest.raises(ValueError, match=r"photographs and of results, got \(2, 1\) and \(0, 1\)"):
        judged(torch.rand(2, 1), torch.rand(0, 1))


def test_float64_stays_what_it_is():
    assert precise(torch.zeros(1, dtype=torch.float64)).dtype == torch.float64
    assert precise(torch.zeros(1, dtype=torch.float16)).dtype == torch.float32
