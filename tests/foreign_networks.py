"""Networks as spandrel defines them, for tests that compare ours with them."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import pytest

from napari_sr.zoo._torchvision import import_on_torchvision


def spandrel_module(name: str):
    """Return one of spandrel's modules of networks; skip the test if spandrel is missing."""
    if find_spec("spandrel") is None:
        pytest.skip("spandrel is not installed: the extra `spandrel`")
    import_on_torchvision("spandrel")
    return import_module(f"spandrel.architectures.{name}")
