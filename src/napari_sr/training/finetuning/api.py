"""Fine-tuning in one call: `napari_sr.fine_tune`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari_sr.engine.image.conversion import is_number, whole_number
from napari_sr.runs.model import ModelReference
from napari_sr.runs.run import drive
from napari_sr.training.component import ComponentSpec
from napari_sr.training.finetuning import finetune
from napari_sr.training.finetuning.config import BaseModel, FineTuneConfig, Image
from napari_sr.training.finetuning.self_supervision import METHODS, SelfSupervision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari_sr.engine.image.arrays import ArrayLike
    from napari_sr.training.data.pictures import Declared
    from napari_sr.training.finetuning.config import FineTuned, Update


def fine_tune(
    images: Iterable[ArrayLike | Image],
    model: str | Path,
    scale: int,
    target: str | Path,
    *,
    axes: str | None = None,
    value_range: Declared = None,
    minutes: float = 5.0,
    degradation: str | ComponentSpec = "bicubic",
    supervision: Literal["sharp", "self"] = "sharp",
    noisy: SelfSupervision | None = None,
    device: str = "auto",
    progress: Callable[[Update], object] | None = None,
) -> FineTuned:
    """Fine-tune a network on sharp or noisy images, and write the best one to a file.

    A band of every image is held out; the network that scores best there is kept. From noisy
    images, this may be the original network.

    Parameters
    ----------
    images : iterable of array or Image
        NumPy, dask or Zarr: (Y, X) or (Y, X, 3 or 4), or stacks of such planes. An `Image` also has
        a name, axes and a value range.
    model : str or Path
        A known model, such as "fsrcnn-x2", or "fsrcnn" with `scale=2`, which is downloaded on first
        use; or a file.
    scale : int
        Enlargement factor along each side.
    target : str or Path
        The safetensors file to write, which must not exist yet; `napari_sr.load` can open it.
    axes : str, optional
        One letter per axis of all arrays, such as "TZYX"; guessed by default.
    value_range : (low, high), optional
        Black and white of all arrays; by default the range of the integer type, or 0..1 for floats.
    minutes : float
        Training time in minutes.
    degradation : str or ComponentSpec
        The degradation that makes the LR images: "bicubic", "blur" or "microscope".
    supervision : str
        "sharp": the images are sharp, and LR images are made from them. "self": there are only
        noisy images, at the pixel size of those to upscale.
    noisy : SelfSupervision, optional
        With "self": how to make two noise realisations of an image, the microscope's spot, the
        noise and a penalty. By default recorruption with noise that is estimated, and no spot.
    device : str
        "auto", "cpu", "cuda", "cuda:1" or "mps".
    progress : callable, optional
        Called with every `Update`.

    Returns
    -------
    FineTuned
        The file, the scores before and after in dB, and a verdict in words.

    Raises
    ------
    ValueError
        If an image, the model, the scale or a setting is wrong, or the target exists.
    napari_sr.zoo.download.DownloadError
        If a known model cannot be downloaded.
    napari_sr.training.finetuning.config.FineTuningError
        If the loss or a gradient became NaN or infinite.
    """
    if supervision not in ("sharp", "self") or (noisy is not None and supervision == "sharp"):
        raise ValueError(
            "supervision must be 'sharp', or 'self' for noisy images and their settings, got "
            f"{supervision!r}{' with' if noisy else ' without'} settings for noisy images"
        )
    scale = whole_number("scale", scale) or 0
    if not is_number(minutes, 0) or not minutes:
        raise ValueError(f"minutes must be a number above 0, got {minutes!r}")
    spec = ComponentSpec(degradation) if isinstance(degradation, str) else degradation
    if spec.kind in METHODS:
        raise ValueError(
            "degradation must be one for sharp images, such as 'bicubic'; for noisy images, set "
            f"supervision='self' and noisy.method, got {spec.kind!r}"
        )
    config = FineTuneConfig(
        images=_images(images, axes, value_range),
        base_model=_base_model(model, scale),
        scale=scale,
        target=Path(os.path.expanduser(target)),
        minutes=minutes,
        degradation=spec,
        degradation_words=spec.kind,
        device=device,
        supervision=(noisy or SelfSupervision()) if supervision == "self" else None,
    )
    return drive(finetune.fine_tune(config), progress)


def _images(
    images: Iterable[ArrayLike | Image], axes: str | None, value_range: Declared
) -> tuple[Image, ...]:
    """Return each array as an image with a name."""
    if hasattr(images, "dtype"):
        shape = getattr(images, "shape", ())
        raise ValueError(
            f"images must be a list of arrays, got one array of shape {shape}: write [array]"
        )
    return tuple(
        one if isinstance(one, Image) else Image(f"image {number}", one, axes, value_range)
        for number, one in enumerate(images, 1)
    )


def _base_model(model: str | Path, scale: int) -> BaseModel:
    """Return a file or a known model as the base model."""
    reference = ModelReference.of(model, scale)
    entry = reference.entry
    return BaseModel(Path(model).stem if entry is None else entry.name, reference)
