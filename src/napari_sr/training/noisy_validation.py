"""PSNR of a network, estimated from held-out noisy images alone.

If the noise is known, the squared error at the source's pixels is Stein's unbiased estimate:
|x - y|^2 - v + 2 v d, where y is the noisy source, v the variance of its noise, x the result at the
source's pixels, and d the growth of a pixel of x with its own pixel of y, measured by adding a
little noise (Ramani, Blu and Unser, "Monte-Carlo SURE", IEEE Transactions on Image
Processing 17(9), 2008, https://doi.org/10.1109/TIP.2008.2001404). Otherwise, the result is compared
with a second noise realisation, and the variance of that one's noise is subtracted, if it is known.

A source cannot show errors finer than its pixels. So the network also enlarges the source after
S x S of its pixels were averaged, and the differences within these squares are compared. There,
detail is S times as coarse as in use, and more of it is lost. So of the gains over bicubic
interpolation with and without these errors, the smaller one counts.

Both estimates err by a share of v. This doubt is added to all errors, so that networks whose errors
are lost in the noise look equal, and the gain over bicubic interpolation is a lower bound.

Symbols: C channels, H x W pixels of the source, S scale.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from torch.nn import functional

from napari_sr.layers.resize import imresize
from napari_sr.training.measurement import inner
from napari_sr.training.noisy_pairs import PROBE, REALISATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from napari_sr.training.noisy_pairs import NoisyPair

    Upscale = Callable[[Tensor], Tensor]

LEAST_GAIN = 0.5
"""Gain in dB of the estimated PSNR from which on a trained network replaces the one at the start.
In trials on 25 made images, clean to very noisy, 78 of 79 networks above it were better in truth,
and one was 0.6 dB worse."""
DOUBT = 0.2
"""Error of the variance of the noise, as a share of it: estimates of its square root are right
within 10 % (measured on made images with a noise of 0.5 % of white and more)."""
CHANCE = 1.5
"""The same for the chance of N compared pixels, times sqrt(2 / N)."""
INVISIBLE = 0.006
"""Errors below this share of the range of values (44 dB) are too small to matter or to judge: they
count as doubt, too."""
RESOLVED = 2.5
"""A PSNR is a number if the error is at least this multiple of its doubt; otherwise it is a lower
bound ..."""
AGREE = 1.5
"""... also if the gains with and without errors finer than the source's pixels differ by more, in
dB."""


class Errors(NamedTuple):
    """Mean squared errors, estimated; chance may make them negative."""

    seen: float
    """At the source's pixels."""
    within: float
    """Within S x S pixels of a source that is S times coarser; 0 if it was not compared."""


class Estimate(NamedTuple):
    """The estimated quality of a method."""

    psnr: float
    """PSNR in dB for a peak of 1; minus infinity if a result is not finite."""
    bound: bool
    """Whether the PSNR is a lower bound, because the noise hides the error."""


def psnr_of(upscale: Upscale, pairs: Sequence[NoisyPair]) -> float:
    """Return the estimated PSNR of a method in dB; see `estimate_of`."""
    return estimate_of(upscale, pairs).psnr


def estimate_of(upscale: Upscale, pairs: Sequence[NoisyPair]) -> Estimate:
    """Estimate the PSNR of a method.

    Parameters
    ----------
    upscale : callable
        Takes (C, H, W), returns (C, S * H, S * W) on the CPU.
    pairs : sequence of NoisyPair
        At least one.
    """
    own = errors_of(upscale, pairs)
    if not (math.isfinite(own.seen) and math.isfinite(own.within)):
        return Estimate(-math.inf, False)
    channels, scale = pairs[0].target.shape[0], pairs[0].scale
    usual = errors_of(lambda lr: imresize(lr[:channels], scale), pairs)
    doubt = doubt_of(pairs)
    # differences within coarse pixels that may be chance are none
    lost = max(usual.within, 0.0)
    apart = own.within - lost
    within = lost + math.copysign(max(abs(apart) - doubt, 0.0), apart)

    def level(error: float) -> float:
        return -10 * math.log10(max(error + doubt, doubt / 2, 1e-12))

    least = level(usual.seen + lost)
    coarse, fine = level(own.seen) - level(usual.seen), level(own.seen + within) - least
    error = own.seen + (within if fine < coarse else 0.0)
    bound = error < RESOLVED * doubt or abs(coarse - fine) > AGREE
    return Estimate(least + min(coarse, fine), bound)


def doubt_of(pairs: Sequence[NoisyPair]) -> float:
    """Return by how much the estimated squared errors may be wrong; 0 if the noise is unknown."""
    if not pairs[0].noise:
        return 0.0
    targets = [pair.target[~pair.target.isnan()].double().numpy() for pair in pairs]
    low, high = np.quantile(np.concatenate(targets), (0.001, 0.999))
    compared = sum(int((~inner(pair.target).isnan()).sum()) for pair in pairs)
    compared //= 1 if pairs[0].probe is None else REALISATIONS
    share = DOUBT + CHANCE * math.sqrt(2 / max(compared, 1))
    noise = float(np.mean([pair.noise for pair in pairs]))
    return share * noise + (INVISIBLE * float(high - low)) ** 2


def errors_of(upscale: Upscale, pairs: Sequence[NoisyPair]) -> Errors:
    """Estimate the errors of a method; NaN if a result is not finite."""
    seen = float(np.mean([_seen_error(upscale, pair) for pair in pairs]))
    coarse = [_error_within(upscale, one, one.coarse) for one in pairs if one.coarse is not None]
    return Errors(seen, float(np.mean(coarse)) if coarse else 0.0)


def _seen_error(upscale: Upscale, pair: NoisyPair) -> float:
    """Return the mean squared error at the source's pixels."""
    result, target = upscale(pair.source), pair.target[None].double()
    if not result.isfinite().all():
        return math.nan
    seen, wanted = pair.measurement(result[None].double(), target)
    compared = max(int((~inner(target).isnan()).sum()), 1)
    error = float((seen - wanted).square().sum()) / compared - pair.noise
    if pair.probe is None:
        return error
    more, _ = pair.measurement(upscale(pair.source + pair.probe)[None].double(), target)
    noise = inner(pair.probe[: target.shape[1]].double())
    growth = float(((more - seen)[0] * noise).sum()) / compared / PROBE**2
    return error + 2 * growth


def _error_within(upscale: Upscale, pair: NoisyPair, coarse: Tensor) -> float:
    """Return the mean squared error within squares of S x S pixels of the source."""
    result, scale = upscale(coarse).double(), pair.scale
    apart = result - pair.target[..., : result.shape[-2], : result.shape[-1]]
    mean = functional.avg_pool2d(apart, scale)
    apart = apart - mean.repeat_interleave(scale, -1).repeat_interleave(scale, -2)
    return float(inner(apart).square().mean()) - pair.noise * (1 - 1 / scale**2)
