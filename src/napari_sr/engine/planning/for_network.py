"""Settings and layouts that a network decides: how values enter it, and the type of its results."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from napari_sr.engine.image.described_values import STORED
from napari_sr.engine.image.value_range import OutsideRangeWarning
from napari_sr.engine.planning.devices import choose_device, choose_precision
from napari_sr.engine.planning.noise_level import with_noise

if TYPE_CHECKING:
    from napari_sr.engine.image.arrays import ArrayLike, Layout
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.graph.network import Network


def settings_for(
    settings: Settings, network: Network, image: ArrayLike, layout: Layout
) -> Settings:
    """Return the settings of a run, with what the network decides.

    Parameters
    ----------
    settings, network, image, layout
        As for `with_noise`.

    If the network takes pixels as they are stored, and a range of values is given, a warning says
    that it is not used.

    Raises
    ------
    NoiseError
        As `with_noise` does.
    """
    if network.processing is not None:
        if settings.value_range not in (None, STORED):
            warnings.warn(
                f"{network.title} takes pixels as they are stored, because its author describes "
                f"their processing: black and white, {settings.value_range}, are not used",
                OutsideRangeWarning,
                stacklevel=2,
            )
        settings = replace(settings, value_range=STORED)
    return with_noise(settings, network, image, layout)


def result_layout(layout: Layout, network: Network, settings: Settings) -> Layout:
    """Return the layout of an image with the data type of the result.

    It is a float type if the result shall not be rounded, or if the network's author describes the
    processing of pixels, because results may then have another unit.
    """
    floats = settings.unrounded or network.processing is not None
    return layout.as_floats if floats else layout


def device_for(network: Network, settings: Settings) -> torch.device:
    """Return the device of a run.

    Raises
    ------
    ValueError
        If the setting is wrong.
    """
    device = choose_device(settings.device)  # raises an error also if it is not used
    return choose_device("cpu") if network.on_cpu else device


def precision_for(network: Network, settings: Settings, device: torch.device) -> torch.dtype:
    """Return the precision of a run on a device.

    If OpenVINO computes segments in bfloat16, everything else is float32.

    Raises
    ------
    ValueError
        If the setting is wrong.
    """
    precision = choose_precision(settings.precision, device, network.precisions)
    asked = settings.chosen_engine == "openvino" and precision == torch.bfloat16
    return torch.float32 if asked and device.type == "cpu" else precision
