"""Structural similarity, as super-resolution papers report it.

Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE
Transactions on Image Processing 13(4), 2004.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sr.evaluation._images import comparable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

WINDOW, SIGMA = 11, 1.5
"""Side and standard deviation of the Gaussian window, as in the paper."""


def ssim(
    result: ArrayLike,
    truth: ArrayLike,
    *,
    border: int = 0,
    luma: bool = True,
    value_range: tuple[float, float] | None = None,
) -> float:
    """Return the mean SSIM between two images, 1 if they are equal.

    The window is a Gaussian of 11 x 11 pixels with a standard deviation of 1.5. Only windows
    entirely inside the image count, as in the authors' MATLAB code. scikit-image computes it.

    Parameters
    ----------
    result, truth, border, luma, value_range
        As for `psnr`. Without luma, the mean over channels is returned.

    Raises
    ------
    ValueError
        As for `psnr`, or if a side has less than 11 pixels.
    """
    from skimage.metrics import structural_similarity  # the import takes half a second

    first, second = comparable(result, truth, border, luma, value_range)
    if min(first.shape[:2]) < WINDOW:
        raise ValueError(
            f"SSIM needs at least {WINDOW} x {WINDOW} px inside the border, got "
            f"{first.shape[0]} x {first.shape[1]}"
        )
    found = structural_similarity(  # type: ignore[no-untyped-call]
        first, second, channel_axis=2, data_range=1.0, gaussian_weights=True, sigma=SIGMA,
        use_sample_covariance=False,
    )  # fmt: skip
    return float(found)
