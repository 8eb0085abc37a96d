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
are lost in the noise look equal, and the gain over bicubic interpolation is a lower bound. The
difference between two networks is known much better: their errors at the source's pixels contain
the same noise, and the same error of v. So this difference decides which network is kept.

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

CLEARLY, TRIED = 0.015, 2040
"""Decrease of the error at the source's pixels, as a share of v, by which a trained network is
clearly better than the one at the start, if this number of pixels or fewer are compared. With more,
chance is smaller, and so is the share, in proportion to the square root of their number ..."""
VISIBLY = 0.5
"""... plus this share of the doubt by `INVISIBLE`. In trials on 25 made images, clean to very
noisy, all 80 networks that were clearly better were better in truth. Two of the others had gained
more than 0.5 dB: 0.6 and 1.8. Of 36 networks for 18 larger images (10,664 pixels compared), 23 were
clearly better, all of them in truth; four others had gained 0.7 to 1.0."""
LEAST_GAIN = 0.05
"""Least gain in dB of the estimated PSNR of such a network."""
DOUBT = 0.2
"""Error of the variance of the noise, as a share of it: estimates of its square root are right
within 10 % (measured on made images with a noise of 0.5 % of white and more)."""
CHANCE = 1.5
"""The same for the chance of N compared pixels, times sqrt(2 / N)."""
INVISIBLE = 0.006
"""Errors below this share of the range of values (44 dB) are too small to matter or to judge: they
count as doubt, too."""
UNKNOWN_STEP = 0.5
"""Gain in dB that is clear if the noise is unknown."""
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
    merit: float
    """Decrease of the error at the source's pixels, in steps that are clear: 1 more is clearly
    better. If the noise is unknown, the PSNR in such steps."""


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
        return Estimate(-math.inf, False, -math.inf)
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
    psnr = least + min(coarse, fine)
    step = clear_step(pairs)
    return Estimate(psnr, bound, -own.seen / step if step else psnr / UNKNOWN_STEP)


def clear_step(pairs: Sequence[NoisyPair]) -> float:
    """Return by how much the error of a clearly better network is smaller; 0 if it is unknown."""
    noise = float(np.mean([pair.noise for pair in pairs]))
    share = CLEARLY * min(1.0, math.sqrt(TRIED / _compared(pairs)))
    return share * noise + VISIBLY * _invisible(pairs) if noise else 0.0


def doubt_of(pairs: Sequence[NoisyPair]) -> float:
    """Return by how much the estimated squared errors may be wrong; 0 if the noise is unknown."""
    if not pairs[0].noise:
        return 0.0
    share = DOUBT + CHANCE * math.sqrt(2 / _compared(pairs))
    noise = float(np.mean([pair.noise for pair in pairs]))
    return share * noise + _invisible(pairs)


def _compared(pairs: Sequence[NoisyPair]) -> int:
    """Return the number of compared pixels, at least 1; realisations of one part count once."""
    compared = sum(int((~inner(pair.target).isnan()).sum()) for pair in pairs)
    return max(compared // (1 if pairs[0].probe is None else REALISATIONS), 1)


def _invisible(pairs: Sequence[NoisyPair]) -> float:
    targets = [pair.target[~pair.target.isnan()].double().numpy() for pair in pairs]
    low, high = np.quantile(np.concatenate(targets), (0.001, 0.999))
    return (INVISIBLE * float(high - low)) ** 2


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
