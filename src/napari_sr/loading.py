"""Load networks in scripts: `load`, `blend` and `series`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_sr.runs.model import ModelReference

if TYPE_CHECKING:
    from pathlib import Path

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
        The name of a known model, such as "bsrn-x4", or "bsrn" with `scale=4`; its weights are
        downloaded on first use. Or the path of a .pth, .pt, .safetensors, .npz or .mat file; "~"
        stands for the home folder. The tensors show which network it is, and its widths. If
        napari-sr does not know the network, the package spandrel loads it, if it is installed
        (the extra `spandrel`) and supports it.
    scale : int, optional
        Enlargement factor. It is required for files from whose tensors it cannot be inferred
        (FSRCNN, SRCNN), unless they have a card: the metadata that napari-sr's training writes.
    full_range : bool, optional
        Whether a network with one channel was trained on grey from 0 to 1 instead of luma; see
        `Network.full_range`. By default, the card decides; without a card, the kind of network.
    **options
        Arguments of the network that cannot be inferred from its tensors, such as `res_scale` or
        `input_range`. Files with a card need none.

    Returns
    -------
    Network
        The network in eval mode. It maps float (N, C, H, W) in 0..1 to (N, C, scale * H,
        scale * W), not clipped; C is 1 for luma networks. Attributes: `scale`, `channels`,
        `receptive_field`, `multiple`, `exact` (whether tiles leave no seams), and `provenance`
        (the file and options that were loaded).

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
    """Blend two checkpoints of one network: (1 - weight) * first + weight * second.

    This is ESRGAN's network interpolation, https://arxiv.org/abs/1809.00219. Usually, the first
    checkpoint was trained for PSNR, and the second was fine-tuned from it against a discriminator.
    With a smaller weight, the result then has less invented texture. Blends of checkpoints that
    were trained separately are useless.

    Parameters
    ----------
    first, second : str, Path or Network
        Names or paths as for `load`, or networks that `load` returned.
    weight : float
        Share of the second checkpoint, from 0 to 1. Running means and variances are blended, too.
    scale, **options
        As for `load`, for names and files.

    Returns
    -------
    Network
        The blend in eval mode. Its `provenance` has the weight and the provenance of both
        checkpoints.

    Raises
    ------
    ValueError
        If the weight is outside 0..1, a checkpoint cannot be loaded, or the checkpoints differ in
        architecture, scale, options or shapes of tensors.
    napari_sr.zoo.download.DownloadError
        If a model cannot be downloaded.
    """
    other = ModelReference.of(second, None, options)
    return ModelReference.of(first, scale, options, second=other, weight=weight).load()


def series(first: str | Path | Network, second: str | Path | Network) -> Network:
    """Return two networks in series as one: the second one reads the result of the first.

    An example is a network that restores an image without enlarging it (scale 1), then one that
    enlarges it. The chain of the second continues that of the first, so tiles leave no seams, and
    nothing is rounded in between. Only BSRN, RFDN and IMDN get values clipped to black and white.

    Parameters
    ----------
    first, second : str, Path or Network
        Names or paths as for `load`, or networks that `load` returned.

    Returns
    -------
    Network
        Both networks, in eval mode; its scale is the product of their scales. Its `provenance` has
        the provenance of both.

    Raises
    ------
    ValueError
        If a network cannot be loaded, or the second cannot read the result of the first: they have
        different numbers of channels, the second takes the level of the noise, or the first
        enlarges and the second gathers values from the whole image.
    napari_sr.zoo.download.DownloadError
        If a model cannot be downloaded.
    """
    return ModelReference.of(first, then=ModelReference.of(second)).load()
