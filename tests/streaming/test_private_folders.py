"""Private folders of unfinished results are removed; finished ones are moved to their path."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sr.engine.image.arrays import layout_of
from napari_sr.files.image import FileError
from napari_sr.files.lazy import open_lazy
from napari_sr.files.lazy_image import LazyImage
from napari_sr.files.ome_zarr import write as ome_zarr
from napari_sr.runs.run import drive
from napari_sr.streaming.private_folders import private_folders, published


@pytest.mark.parametrize("name", ["out.ome.tif", "out.ome.zarr"])
def test_a_complete_result_is_published(tmp_path, name, random):
    pixels = random.random((30, 40)).astype(np.float32)
    with private_folders(tmp_path / name) as (folder,):
        layout = layout_of(pixels.shape, pixels.dtype, "YX")
        writer = ome_zarr.create(folder, layout, block=(512, 512), provenance={"software": "s"})
        writer.write((), 0, 0, pixels)
        drive(published(writer, tmp_path / name, LazyImage(pixels, "YX", {}), overwrite=False))

    assert [one.name for one in tmp_path.iterdir()] == [name]
    np.testing.assert_array_equal(open_lazy(tmp_path / name).pixels[:], pixels)


def test_nothing_remains_after_an_error(tmp_path):
    def fail():
        with private_folders(tmp_path / "a.tif", tmp_path / "b.tif") as folders:
            for folder in folders:
                folder.mkdir()
            raise FileError("full")

    with pytest.raises(FileError, match="full"):
        fail()
    assert not list(tmp_path.iterdir())
