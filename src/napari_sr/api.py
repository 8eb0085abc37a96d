"""The three functions that most scripts need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_sr.engine.image.conversion import as_array, whole_number
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.model import ModelReference
from napari_sr.runs.run import Request, drive, run_request

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.image.arrays import ArrayLike
    from napari_sr.engine.image.value_range import Percentiles
    from napari_sr.graph.network import Network


def load(
    name_or_path: str | Path,
    scale: int | None = None,
    *,
    full_range: bool | None = None,
    **options: Any,
) -> Network:
    """Load a network by name or from a checkpoint file.

    Parameters
    ----------
    name_or_path : str or Path
        A known model, "bsrn-x4" or "bsrn" with `scale=4`, downloaded on first use; or a file:
        .pth, .pt, .safetensors, .npz or .mat, also below "~". Architecture and widths are read off
        its tensors.
        Where these are of none of our networks, spandrel's are tried (the extra `spandrel`).
    scale : int, optional
        Required for files whose tensors do not show it (FSRCNN, SRCNN), unless our training
        wrote them: then their card does.
    full_range : bool, optional
        Whether a network of one channel was trained on grey from 0 to 1, and not on luma; see
        `Network.full_range`. By default what the card of our training says, else luma.
    **options
        What tensors cannot tell, such as `res_scale` or `input_range`; likewise.

    Returns
    -------
    Network
        In eval mode. Takes and returns float (N, C, H, W) in 0..1, unclipped; C is 1 for
        networks of luma. See `scale`, `channels`, `receptive_field` and `multiple`, `exact` for
        whether tiles leave no trace, and `provenance` for what was loaded.

    Raises
    ------
    ValueError
        If there is no such model or file, or it is no checkpoint of a known network; then it
        tells the nearest, and what differs.
    napari_sr.zoo.download.DownloadError
        If a model cannot be downloaded.
    """
    return ModelReference.of(name_or_path, scale, options, full_range=full_range).load()


def blend(
    first: str | Path | Network,
    second: str | Path | Network,
    weight: float,
    scale: int | None = None,
    **options: Any,
) -> Network:
    """Blend two checkpoints of one network: (1 - weight) of the first, weight of the second.

    ESRGAN's network interpolation, https://arxiv.org/abs/1809.00219: between a checkpoint trained
    for PSNR and one fine-tuned from it against a discriminator, a smaller weight invents less
    texture. Checkpoints that were trained apart cannot be blended to anything useful.

    Parameters
    ----------
    first, second : str, Path or Network
        As for `load`, or what it returned.
    weight : float
        Share of the second, from 0 to 1, applied to every weight and every running mean and
        variance.
    scale, **options
        As for `load`, for both where they are names or files.

    Returns
    -------
    Network
        In eval mode; its `provenance` holds that of both, and the weight.

    Raises
    ------
    ValueError
        If the weight lies outside 0..1, one cannot be loaded, or they differ in architecture,
        scale, options or the shapes of their tensors.
    napari_sr.zoo.download.DownloadError
        If a model cannot be downloaded.
    """
    other = ModelReference.of(second, None, options)
    return ModelReference.of(first, scale, options, second=other, weight=weight).load()


def upscale(
    image: ArrayLike,
    model: str | Path | Network | None = None,
    scale: int | None = None,
    *,
    axes: str | None = None,
    tile: int | None = None,
    halo: int | None = None,
    device: str = "auto",
    precision: str = "auto",
    kernels: str = "auto",
    outliers: str = "clip",
    ensemble: bool = False,
    value_range: tuple[float, float] | Percentiles | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> NDArray[Any]:
    """Upscale an image.

    Parameters
    ----------
    image : array, tensor, Pillow image or nested lists
        uint8, uint16, int16, float32, ...: (Y, X), (..., Y, X), or with RGB or RGBA last. NumPy,
        dask, Zarr or alike. Masked floats are NaN; masked integers are refused. A Pillow image
        with alpha becomes RGBA.
    model : str, Path or Network, optional
        As for `load`, or what it returned; the shipped default (FSRCNN) where left out.
    scale : int, optional
        How many times larger; 2 where the default model is used and none is given.
    axes : str, optional
        One capital letter per axis, such as "TZYX" or "YXC"; Y and X are enlarged, a last C or S
        of 3 or 4 entries is RGB(A), all others are looped over. Left out, a last axis of 3 or 4
        is RGB(A) where there are three axes or more and the type is uint8, uint16 or float; in
        other types, and of 2, it must be named; one of 1 is a channel.
    tile : int, optional
        LR pixels along each side that are computed at once, halo included; by default as many
        as fit into memory. Where memory runs out, tiles are halved.
    halo : int, optional
        LR pixels that tiles overlap on each side. By default tiles leave no trace, whatever the
        network sees; a halo of your own may cost less, and may show.
    device : str
        "auto", "cpu", "cuda", "cuda:1" or "mps".
    precision : str
        "auto" (half precision on CUDA only), "float32", "float16" or "bfloat16".
    kernels : str
        "auto" (fused Triton kernels on CUDA in half precision), "reference" (plain PyTorch) or
        "triton" (an error where they cannot run); NAPARI_SR_KERNELS in the environment decides
        "auto".
    outliers : str
        What becomes of results further outside the plane's values than these reach, or than a
        quarter of black to white: "clip", "mark" (NaN; floats only) or "keep".
    ensemble : bool
        Whether to take the mean over all flips and quarter turns of each plane, which is a little
        better and takes eight times as long (EDSR+, https://arxiv.org/abs/1707.02921). Results of
        single views are judged by `outliers` before they are averaged; integers are rounded once.
    value_range : (low, high), array of two numbers or Percentiles, optional
        What counts as black and white: (0, 4095) for 12 bits in uint16. By default the range of
        an integer type, and 0..1 for floats; never the image's maximum.
    progress : callable, optional
        Gets one `Progress` (done, total, message) per tile.

    Returns
    -------
    array
        NumPy, of the same axes and type (float32 for a tensor of bfloat16), Y and X `scale` times
        longer. Integers are rounded and clipped to their type; floats overshoot as the network
        does.

    Raises
    ------
    ValueError
        If the image, its axes or a setting is wrong, or the model is unknown.
    napari_sr.engine.planning.devices.OutOfMemoryError
        If not even the smallest tile fits.
    """
    settings = Settings(
        whole_number("tile", tile),
        whole_number("halo", halo, least=0),
        str(device),
        precision,
        value_range,
        kernels,
        outliers,
        ensemble,
    )
    scale = whole_number("scale", scale)
    wanted = ModelReference(None, scale) if model is None else ModelReference.of(model, scale)
    request = Request(as_array(image), wanted, settings, axes)
    return drive(run_request(request), progress).pixels
