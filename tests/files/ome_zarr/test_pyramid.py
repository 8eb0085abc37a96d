from __future__ import annotations

import numpy as np
import pytest
import zarrs

from napari_sr.engine.image.arrays import layout_of
from napari_sr.files.image import FileError
from napari_sr.files.ome_zarr.pyramid import arrays, open_pyramid, views
from napari_sr.files.ome_zarr.write import create

pytestmark = pytest.mark.needs("zarr")


def written(path, pixels, axes, *, finished=True, only=None):
    """Write an image in blocks of 64 x 64; `only` limits the number of blocks."""
    layout = layout_of(pixels.shape, pixels.dtype, axes)
    writer = create(path, layout, block=(64, 64))
    for number, (plane, row, column) in enumerate(writer.blocks()):
        if only is None or number < only:
            rows, columns = slice(row, row + 64), slice(column, column + 64)
            writer.write(plane, row, column, layout.read(pixels, plane, rows, columns))
    if finished:
        writer.finish()
    return writer


def test_all_levels_are_read_where_they_are_computed(tmp_path, random):
    pixels = random.integers(0, 99, (2, 600, 500), np.uint8)
    written(tmp_path / "a.zarr", pixels, "ZYX")

    pyramid = open_pyramid(tmp_path / "a.zarr")

    assert [level.shape for level in pyramid.levels] == [
        (2, 600, 500),
        (2, 300, 250),
        (2, 150, 125),
    ]
    np.testing.assert_array_equal(pyramid.levels[0][1, 70:80, 5:9], pixels[1, 70:80, 5:9])
    assert pyramid.levels[0][:, 5:9].__dask_graph__() is not None  # nothing is read yet


def test_an_unfinished_image_has_the_levels_that_its_blocks_wrote(tmp_path, random):
    pixels = random.integers(0, 99, (600, 500), np.uint8)
    written(tmp_path / "a.zarr", pixels, "YX", finished=False)

    (finest,) = open_pyramid(tmp_path / "a.zarr").levels

    np.testing.assert_array_equal(finest, pixels)


def test_a_single_level_can_be_opened_alone(tmp_path, random):
    pixels = random.integers(0, 99, (300, 300), np.uint8)
    written(tmp_path / "a.zarr", pixels, "YX")

    levels = open_pyramid(tmp_path / "a.zarr" / "1").levels

    assert [level.shape for level in levels] == [(150, 150)]


def test_a_level_with_other_axes_is_refused(tmp_path):
    folder = zarrs.group_2(tmp_path / "a.zarr")
    zarrs.array_2(folder / "0", np.ones((4, 6), np.uint8), (4, 6))
    zarrs.array_2(folder / "1", np.ones((2, 3, 3), np.uint8), (2, 3, 3))
    (described,) = zarrs.multiscales("yx", [1, 1])
    described["datasets"].append({"path": "1", "coordinateTransformations": []})
    zarrs.write_json(folder / ".zattrs", {"multiscales": [described]})

    with pytest.raises(FileError, match="name the axes y, x"):
        open_pyramid(folder)


@pytest.mark.parametrize(("axes", "shape"), [("ZCYX", (2, 3, 70, 66)), ("ZYXS", (2, 70, 66, 3))])
def test_views_have_the_axes_of_the_run_and_show_what_is_written_since(
    tmp_path, random, axes, shape
):
    pixels = random.integers(1, 99, shape, np.uint8)
    writer = written(tmp_path / "a.zarr", pixels, axes, finished=False, only=1)
    (view,) = views(writer, writer.levels_of_blocks)

    before = np.asarray(view)
    layout = writer.layout
    for plane, row, column in writer.blocks():
        rows, columns = slice(row, row + 64), slice(column, column + 64)
        writer.write(plane, row, column, layout.read(pixels, plane, rows, columns))

    (array,) = arrays(writer, writer.levels_of_blocks)
    np.testing.assert_array_equal(array[1, 2:9], pixels[1, 2:9])
    assert view.shape == array.shape == shape
    assert 0 < np.count_nonzero(before) < before.size
    np.testing.assert_array_equal(view, pixels)


def test_dask_reads_many_small_chunks_at_a_time(tmp_path, random):
    pixels = random.integers(0, 99, (2, 200, 300), np.uint8)
    written(tmp_path / "a.zarr", pixels, "ZYX")

    finest = open_pyramid(tmp_path / "a.zarr").levels[0]

    assert finest.chunks == ((1, 1), (200,), (300,))
