"""Upscale arrays in scripts: `upscale` and `upscale_lazy`; `loading` has `load` and `blend`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.conversion import as_array, whole_number
from napari_sr.engine.planning.region import checked_region
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.factor import factor_of, reference_at
from napari_sr.runs.run import Request, drive, run_request
from napari_sr.streaming.axial import upscale_stack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_sr.engine.execution.context import Progress
    from napari_sr.engine.image.arrays import ArrayLike
    from napari_sr.engine.image.value_range import Percentiles
    from napari_sr.graph.factor import Factor
    from napari_sr.graph.network import Network


def upscale(
    image: ArrayLike,
    model: str | Path | Network | None = None,
    scale: float | None = None,
    *,
    axes: str | None = None,
    tile: int | None = None,
    halo: int | None = None,
    device: str = "auto",
    precision: str = "auto",
    kernels: str = "auto",
    outliers: str = "clip",
    ensemble: bool = False,
    consistent: bool = False,
    value_range: tuple[float, float] | Percentiles | None = None,
    engine: str = "auto",
    border: str = "auto",
    noise: float | tuple[float, ...] | None = None,
    pixel_size: tuple[float, float] | None = None,
    region: tuple[tuple[int, int], tuple[int, int]] | None = None,
    axial: float | None = None,
    axial_by: str = "interpolation",
    out: Any = None,
    progress: Callable[[Progress], object] | None = None,
) -> NDArray[Any]:
    """Upscale an image.

    Parameters
    ----------
    image : array, tensor, Pillow image or nested lists
        Pixels of type uint8, uint16, int16, float32 and so on, in NumPy, dask, Zarr or similar.
        The shape is (..., Y, X), or (..., Y, X, S) with RGB or RGBA as S. Masked floats count as
        NaN; masked integers raise an error. A Pillow image with alpha becomes RGBA.
    model : str, Path or Network, optional
        A name or path as for `load`, or a network that `load` returned. By default FSRCNN, whose
        weights are part of napari-sr.
    scale : float, optional
        Enlargement along Y and X, from 1 to 16; for the default model, 2 by default. If the model
        has no such network, the next larger one runs, or two in series, and the result is shrunk;
        see docs/tiling.md. For a file, a whole number is the scale of its network.
    axes : str, optional
        One capital letter per axis, such as "TZYX" or "YXC". Y and X are enlarged. A last axis C or
        S of length 3 or 4 is RGB(A). Planes along all other axes are upscaled one by one. By
        default, a last axis of length 3 or 4 is RGB(A) if there are at least three axes and the
        type is uint8, uint16 or float. For other types, and for a last axis of length 2, give
        `axes`. A last axis of length 1 is a channel.
    tile : int, optional
        Largest side of a tile in pixels of `image`, with its halo; by default as large as memory
        allows. If memory runs out, tiles are halved.
    halo : int, optional
        Number of pixels of `image` that a tile reads on each side around the part that it keeps.
        By default, the halo is wide enough for results without seams. A smaller halo may be faster,
        but may leave seams.
    device : str
        "auto", "cpu", "cuda", "cuda:1" or "mps".
    precision : str
        "auto" (half precision on CUDA only), "float32", "float16" or "bfloat16".
    kernels : str
        "auto" (fused Triton kernels on CUDA in half precision), "reference" (plain PyTorch) or
        "triton" (Triton kernels, and an error if they cannot run). The environment variable
        NAPARI_SR_KERNELS replaces "auto".
    outliers : str
        What to do with implausible values of the result: "clip", "mark" (as NaN; floats only) or
        "keep". A value is implausible if it exceeds the range of its plane's values by more than
        the width of that range, and by more than a quarter of the step from black to white.
    ensemble : bool
        Whether to return the mean over all flips and quarter turns of each plane. It is a little
        better and takes eight times as long (EDSR+, https://arxiv.org/abs/1707.02921). `outliers`
        applies before averaging; integers are rounded after it.
    consistent : bool
        Whether to correct the result until it agrees with the image when it is shrunk by bicubic
        interpolation (iterated back-projection, see docs/check.md). Do not use it for noisy images,
        because their noise comes back. In a colour image, luma networks correct only luma.
    value_range : (low, high), array of two numbers or Percentiles, optional
        The values of black and white, such as (0, 4095) for 12 bits in uint16. By default, the
        smallest and largest value of an integer type, or 0 and 1 for floats, whatever values the
        image has.
    engine : str
        Library that computes on a CPU: "torch", "openvino" (the extra `openvino`), "onnxruntime"
        (the extra `onnx`), or "auto": the fastest that is installed and agrees with PyTorch.
        PyTorch computes until another process has compiled the network. With
        `precision="bfloat16"`, "openvino" uses bfloat16 if its results differ from PyTorch's in
        float32 by at most 0.02 of the largest. The environment variable NAPARI_SR_ENGINE replaces
        "auto".
    border : str
        Pixels beyond the border of a plane. Most networks pad planes with zeros, which makes the
        outermost rows of flat images wrong. "auto" first extends planes by up to 6 reflected
        pixels, except for networks with global values (results that depend on the whole plane,
        such as BSRN's) and networks from spandrel. "reflect" extends planes for these, too. "zeros"
        leaves all padding to the network, to compare results with papers.
    noise : float or tuple of float, optional
        For networks that take the level of the noise: its standard deviation over the image, or one
        for each channel along the axis C, in pixel values; 0 for none. By default, it is estimated
        from the whole image, once for all planes and tiles of a channel.
    pixel_size : (float, float), optional
        Pixel sizes of `image` and of the result, in the same unit, in place of `scale`.
    region : ((top, bottom), (left, right)), optional
        The rectangle of each plane to upscale, in pixels of the image: its first row, the row after
        its last, and the same for columns. The result equals that part of the whole result. Only
        results of networks with global values, such as BSRN, differ a little, because these
        networks then read 64 pixels around the region instead of the whole plane.
    axial : float, optional
        Enlargement of Z; for cubic voxels, the ratio of pixel sizes times `scale`.
    axial_by : str
        "interpolation" (cubic), or "network" for stacks whose planes are further apart than pixels:
        it enlarges planes XZ and YZ first. See docs/guide.md. Without `out` and `region`.
    out : array, optional
        Array in Zarr, NumPy, h5py or similar that receives the result; it needs the result's shape
        and type. Blocks of `image` are then read, upscaled and written one by one, so that neither
        image nor result has to fit into memory. For networks with global values, a plane of `image`
        must fit.
    progress : callable, optional
        Called with a `Progress` (done, total, message) after each tile.

    Returns
    -------
    array
        A NumPy array, or `out` if it is given, with the axes and type of the image (float32 for a
        tensor of bfloat16); Y and X are `scale` times longer. Integers are rounded and clipped to
        their type; floats are not clipped to 0..1.

    Raises
    ------
    ValueError
        If the image, its axes, the region or a setting is wrong, or the model is unknown.
    napari_sr.engine.planning.devices.OutOfMemoryError
        If the smallest tile does not fit.
    """
    how = tile, halo, device, precision, value_range, kernels, outliers, ensemble, engine, border
    settings, factor = Settings(*how, noise), factor_of(scale, pixel_size)
    request = request_of(image, model, factor, settings, axes, region, consistent=consistent)
    if axial is not None:
        return upscale_stack(request, axial, axial_by, out, progress)
    if out is None:
        return drive(run_request(request), progress).pixels
    from napari_sr.streaming.arrays import upscale_into

    drive(upscale_into(request, out), progress)
    result: NDArray[Any] = out
    return result


def upscale_lazy(
    image: ArrayLike,
    model: str | Path | Network | None = None,
    scale: float | None = None,
    *,
    axes: str | None = None,
    tile: int | None = None,
    halo: int | None = None,
    device: str = "auto",
    precision: str = "auto",
    kernels: str = "auto",
    outliers: str = "clip",
    ensemble: bool = False,
    consistent: bool = False,
    value_range: tuple[float, float] | Percentiles | None = None,
    engine: str = "auto",
    border: str = "auto",
    noise: float | tuple[float, ...] | None = None,
    pixel_size: tuple[float, float] | None = None,
) -> Any:
    """Upscale an image lazily: return a dask array whose chunks are computed when they are needed.

    The call only loads the model and, if the value range is `Percentiles`, computes them. Each
    chunk equals the same part of `upscale`'s result. To compute it, only the pixels that it depends
    on are read. Each process computes one chunk at a time.

    Networks with global values, such as BSRN, compute the whole plane of a chunk, and keep results
    of planes in temporary files of up to 16 GiB, for other chunks of the same source and weights.

    Parameters
    ----------
    image : array
        NumPy, dask, Zarr or similar, as for `upscale`.
    model, scale, axes, tile, halo, device, precision, kernels, outliers : optional
        As for `upscale`.
    ensemble, consistent, value_range, engine, border, noise, pixel_size : optional
        As for `upscale`. With the engine "auto", the first chunk in a process may take some seconds
        longer, until the network is compiled.

    Returns
    -------
    dask array
        With the same axes and type as `image`; Y and X are `scale` times longer.

    Raises
    ------
    ImportError
        If dask is not installed. It is installed with napari.
    ValueError
        If the image, its axes or a setting is wrong, or the model is unknown.
    """
    from napari_sr.streaming.lazy import lazy_result

    how = tile, halo, device, precision, value_range, kernels, outliers, ensemble, engine, border
    settings, factor = Settings(*how, noise), factor_of(scale, pixel_size)
    return lazy_result(request_of(image, model, factor, settings, axes, consistent=consistent))


def request_of(
    image: Any,
    model: str | Path | Network | None,
    scale: float | Factor | None,
    settings: Settings,
    axes: str | None,
    region: object = None,
    *,
    consistent: bool = False,
) -> Request:
    """Return a request with the arguments of `upscale`, after checking the types of numbers."""
    settings = replace(
        settings,
        tile=whole_number("tile", settings.tile),
        halo=whole_number("halo", settings.halo, least=0),
        device=str(settings.device),
    )
    wanted = replace(reference_at(model, scale), consistent=consistent)
    pixels = as_array(image)
    if region is not None:
        region = checked_region(region, layout_of(pixels.shape, pixels.dtype, axes))
    return Request(pixels, wanted, settings, axes, region)
