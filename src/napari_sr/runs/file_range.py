"""Find black and white of a run: as the user declares them, or else as the file does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_sr.engine.planning.settings import Settings
    from napari_sr.files.image import StoredValues


def with_range(image: StoredValues, settings: Settings) -> tuple[Settings, list[str]]:
    """Return settings whose value range fits the image's pixels, and notes for the user.

    Parameters
    ----------
    image : ImageFile or LazyImage
        The source; its pixels have black at zero.
    settings : Settings
        The user's settings. A declared value range is in the file's stored values.
    """
    found = settings.value_range
    if found is None and image.significant_bits is not None:
        note = f"it uses {image.significant_bits} bits: white is {image.white:.0f}"
        return replace(settings, value_range=image.default_range()), [note]
    if isinstance(found, tuple):
        return replace(settings, value_range=image.shown_range(found)), []
    return settings, []
