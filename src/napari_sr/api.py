"""The functions that most scripts need: `load`, `blend`, `upscale` and `upscale_lazy`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.conversion import as_array, whole_number
from napari_sr.engine.planning.region import checked_region
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
        A known model, "bsrn-x4" or "bsrn" with `scale=4`, downloaded on first use; or a file .pth,
        .pt, .safetensors, .npz or .mat, also with "~". The tensors show architecture and widths. If
        napari-sr does not know the network, spandrel tries to load it (the extra `spandrel`).
    scale : int, optional
        Required for files whose tensors do not show the scale (FSRCNN, SRCNN), unless our training
        wrote them: their card has it.
    full_range : bool, optional
        Whether a network of one channel was trained on grey from 0 to 1 instead of luma; see
        `Network.full_range`. By default, the card of our training decides; without a card, luma.
    **options
        Arguments that tensors cannot show, such as `res_scale` or `input_range`. Files that our
        training wrote need none.

    Returns
    -------
    Network
        In eval mode. It maps float (N, C, H, W) in 0..1 to (N, C, scale * H, scale * W),
        unclipped; C is 1 for networks of luma. Attributes: `scale`, `channels`,
        `receptive_field`, `multiple`, `exact` (whether tiles leave no seams), and `provenance`
        (which file and options were loaded).

    Raises
    ------
    ValueError
        If there is no such model or file, or the file is not a checkpoint of a known network. The
        message then names the most similar network and the differences.
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

    This is ESRGAN's network interpolation, https://arxiv.org/abs/1809.00219. The first checkpoint
    is usually trained for PSNR, the second fine-tuned from it against a discriminator; a smaller
    weight then invents less texture. Blends of checkpoints that were trained separately are
    useless.

    Parameters
    ----------
    first, second : str, Path or Network
        As for `load`, or a network that it returned.
    weight : float
        Share of the second, from 0 to 1; running means and variances are blended, too.
    scale, **options
        As for `load`, for names and files.

    Returns
    -------
    Network
        In eval mode. Its `provenance` holds the weight and the provenance of both.

    Raises
    ------
    ValueError
        If the weight is outside 0..1, a checkpoint cannot be loaded, or the two differ in
        architecture, scale, options or shapes of tensors.
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
    consistent: bool = False,
    value_range: tuple[float, float] | Percentiles | None = None,
    engine: str = "auto",
    border: str = "auto",
    region: tuple[tuple[int, int], tuple[int, int]] | None = None,
    out: Any = None,
    progress: Callable[[Progress], object] | None = None,
) -> NDArray[Any]:
    """Upscale an image.

    Parameters
    ----------
    image : array, tensor, Pillow image or nested lists
        NumPy, dask, Zarr or similar of uint8, uint16, int16, float32, ...: (Y, X), (..., Y, X), or
        with RGB or RGBA last. Masked floats count as NaN; masked integers raise an error. A Pillow
        image with alpha becomes RGBA.
    model : str, Path or Network, optional
        As for `load`, or a network that it returned; by default FSRCNN, which ships.
    scale : int, optional
        Enlargement factor along each side; 2 by default for the default model.
    axes : str, optional
        One capital letter per axis, such as "TZYX" or "YXC". Y and X are enlarged; a last C or S
        of length 3 or 4 is RGB(A); all other axes are looped over. By default, a last axis of
        length 3 or 4 is RGB(A) if there are three axes or more and the type is uint8, uint16 or
        float. For other types, and for length 2, give `axes`. A last axis of length 1 is a
        channel.
    tile : int, optional
        Largest side of the tiles in LR pixels, halo included; by default as large as memory
        allows. If memory runs out, tiles are halved.
    halo : int, optional
        LR pixels that tiles overlap on each side. By default, the halo is wide enough for tiles
        without seams. A smaller halo may be faster, but may leave seams.
    device : str
        "auto", "cpu", "cuda", "cuda:1" or "mps".
    precision : str
        "auto" (half precision on CUDA only), "float32", "float16" or "bfloat16".
    kernels : str
        "auto" (fused Triton kernels on CUDA in half precision), "reference" (plain PyTorch) or
        "triton" (an error where they cannot run); NAPARI_SR_KERNELS in the environment decides
        "auto".
    outliers : str
        What to do with implausible results: "clip", "mark" (as NaN; floats only) or "keep". They
        are outside the plane's values by more than the width of the values' range, and by more than
        a quarter of black to white.
    ensemble : bool
        Whether to average over all flips and quarter turns of each plane, which is a little
        better and takes eight times as long (EDSR+, https://arxiv.org/abs/1707.02921). `outliers`
        applies before averaging; integers are rounded after it.
    consistent : bool
        Whether to correct the result until it agrees with the image when it is shrunk by bicubic
        interpolation (iterated back-projection, see docs/check.md). Not for noisy images: their
        noise would come back. In a colour image, a network of luma corrects luma only.
    value_range : (low, high), array of two numbers or Percentiles, optional
        The values of black and white: (0, 4095) for 12 bits in uint16. By default, the range of an
        integer type, and 0..1 for floats. The image's maximum is never used.
    engine : str
        Engine on a CPU: "torch", "openvino" (the extra `openvino`), "onnxruntime" (the extra
        `onnx`), or "auto", the fastest of those that are installed and agree with PyTorch. While
        another process compiles a network, PyTorch computes. With `precision="bfloat16"`,
        "openvino" uses bfloat16 if its results differ from PyTorch's in float32 by at most 0.02 of
        the largest. NAPARI_SR_ENGINE in the environment decides "auto".
    border : str
        Pixels beyond the border of a plane. Most networks take them for zeros, which makes the
        outermost rows of flat images wrong. "auto": up to 6 reflected pixels come first where the
        network allows it; networks with global values, such as BSRN, and networks of spandrel get
        zeros. "reflect": they get reflected pixels, too. "zeros": as the network pads by itself,
        for comparison with papers.
    region : ((top, bottom), (left, right)), optional
        The rectangle of each plane to upscale, in pixels of the image: its first row, the row after
        its last, and the same for columns. The result equals that part of the whole result. Only
        networks with global values, such as BSRN, differ a little: they read 64 pixels around the
        region instead of the whole plane.
    out : array, optional
        Zarr, NumPy, h5py or similar of the result's shape and type, to write the result into.
        Blocks of `image` are then read, upscaled and written one by one, so that neither image nor
        result has to fit into memory. For networks with global values, one plane of each must fit.
    progress : callable, optional
        Called with a `Progress` (done, total, message) after each tile.

    Returns
    -------
    array
        NumPy, or `out` if it is given, with the same axes and type (float32 for a tensor of
        bfloat16); Y and X are `scale` times longer. Integers are rounded and clipped to their type;
        floats are not clipped.

    Raises
    ------
    ValueError
        If the image, its axes, the region or a setting is wrong, or the model is unknown.
    napari_sr.engine.planning.devices.OutOfMemoryError
        If the smallest tile does not fit.
    """
    settings = Settings(
        tile, halo, device, precision, value_range, kernels, outliers, ensemble, engine, border
    )
    request = request_of(image, model, scale, settings, axes, region, consistent=consistent)
    if out is None:
        return drive(run_request(request), progress).pixels
    from napari_sr.streaming.arrays import upscale_into

    drive(upscale_into(request, out, request.model.load()), progress)
    result: NDArray[Any] = out
    return result


def upscale_lazy(
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
    consistent: bool = False,
    value_range: tuple[float, float] | Percentiles | None = None,
    engine: str = "auto",
    border: str = "auto",
) -> Any:
    """Upscale an image lazily: return a dask array whose chunks are computed when they are needed.

    The call only loads the model, and computes percentiles if they are the value range. A chunk
    reads the pixels that it needs and equals the same part of `upscale`'s result. Each process
    computes one chunk at a time. Networks with global values, such as BSRN, compute the whole plane
    that a chunk is in. Planes are kept in temporary files, up to 16 GiB, and are used again while
    source and weights stay the same; the source plane is read again to find out.

    Parameters
    ----------
    image : array
        NumPy, dask, Zarr or similar, as for `upscale`.
    model, scale, axes, tile, halo, device, precision, kernels, outliers : optional
        As for `upscale`.
    ensemble, consistent, value_range, engine, border : optional
        As for `upscale`. With the engine "auto", the first chunk in a process may wait some seconds
        until the network is compiled.

    Returns
    -------
    dask array
        With the same axes and type as `image`; Y and X are `scale` times longer.

    Raises
    ------
    ImportError
        If dask is not installed; napari brings it.
    ValueError
        If the image, its axes or a setting is wrong, or the model is unknown.
    """
    from napari_sr.streaming.lazy import lazy_result

    settings = Settings(
        tile, halo, device, precision, value_range, kernels, outliers, ensemble, engine, border
    )
    return lazy_result(request_of(image, model, scale, settings, axes, consistent=consistent))


def request_of(
    image: Any,
    model: str | Path | Network | None,
    scale: int | None,
    settings: Settings,
    axes: str | None,
    region: object = None,
    *,
    consistent: bool = False,
) -> Request:
    """Check the types of a script's numbers, and return its request; arguments as in `upscale`."""
    scale = whole_number("scale", scale)
    settings = replace(
        settings,
        tile=whole_number("tile", settings.tile),
        halo=whole_number("halo", settings.halo, least=0),
        device=str(settings.device),
    )
    wanted = ModelReference(None, scale) if model is None else ModelReference.of(model, scale)
    wanted = replace(wanted, consistent=consistent)
    pixels = as_array(image)
    if region is not None:
        region = checked_region(region, layout_of(pixels.shape, pixels.dtype, axes))
    return Request(pixels, wanted, settings, axes, region)
