"""Large images and options ask for blocks."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from blocks import image_of, tiff_of

from napari_sr.batch.by_blocks import wanted
from napari_sr.batch.job import BlockOptions


@pytest.fixture
def source(tmp_path):
    return tiff_of(tmp_path / "in.tif", image_of())


def test_an_image_that_does_not_fit_into_memory_is_computed_by_blocks(source, monkeypatch):
    free = psutil.virtual_memory()._replace(available=image_of().nbytes * 4)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)

    assert wanted(source, Path("out.tif"), BlockOptions(), 2)
    assert not wanted(source, Path("out.png"), BlockOptions(), 2)
    assert not wanted(source, Path("out.tif"), BlockOptions(), 1)


@pytest.mark.parametrize(
    ("options", "expected"),
    [(BlockOptions(), False), (BlockOptions(resume=True), True), (BlockOptions(workers=2), True)],
)
def test_options_ask_for_blocks(source, options, expected):
    assert wanted(source, Path("out.tif"), options, 2) is expected
    assert wanted(source, Path("out.zarr"), options, 2)
