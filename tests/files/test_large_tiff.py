"""A pyramid becomes one tiled TIFF that other readers and ours read, whole or not at all."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest
import tifffile

from napari_sr.files import formats, large_tiff, tiled_level
from napari_sr.files.image import Density, FileError
from napari_sr.files.large_tiff import fits_ome, write_large_tiff
from napari_sr.files.lazy_image import Axis, LazyImage
from napari_sr.files.lazy_tiff import PROFILE, TAGS, open_tiff
from napari_sr.files.ome_places import UNKNOWN_UNIT


@pytest.fixture
def small_tiles(monkeypatch):
    for module in (large_tiff, tiled_level):
        monkeypatch.setattr(module, "TILE", 16)


def pyramid(random, shape, axes, dtype="u2", levels=3):
    """Return levels, of which each skips every second pixel of the finer one."""
    found = [random.integers(0, 250, shape).astype(dtype)]
    step = tuple(slice(None, None, 2) if letter in "YX" else slice(None) for letter in axes)
    for _ in range(levels - 1):
        found.append(found[-1][step])
    return found


def image(axes, **changes):
    return LazyImage(None, axes, {}, **changes)


def write(target, levels, axes, source=None, scale=2):
    source = source or image(axes)
    return list(write_large_tiff(target, levels, axes, source, scale, "napari-sr 1"))


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "f4", "f2", "f8", "i8"])
@pytest.mark.parametrize("name", ["a.ome.tif", "a.tif"])
def test_pixels_and_levels_are_read_back(tmp_path, random, small_tiles, name, dtype):
    levels = pyramid(random, (2, 3, 20, 36), "CZYX", dtype)

    steps = write(tmp_path / name, levels, "CZYX")

    ome = fits_ome("CZYX", dtype)
    total = 6 * (2 * 3 + 1 * 2 + 1 if ome else 2 * 3)
    assert steps == [(number, total) for number in range(1, total + 1)]
    with tifffile.TiffFile(tmp_path / name) as file:
        series = file.series[0]
        assert len(series.levels) == (3 if ome else 1)
        for level, pixels in zip(series.levels, levels, strict=False):
            np.testing.assert_array_equal(level.asarray(), pixels)
        assert series.keyframe.tile == (16, 16)
        assert series.keyframe.predictor == (2 if dtype in ("u1", "i2", "u2") else 1)
        assert (file.is_ome, len(file.series)) == (ome, 1)
    window = open_tiff(tmp_path / name)
    np.testing.assert_array_equal(window.pixels[1, 2, 12:17], levels[0][1, 2, 12:17])
    whole = formats.read(tmp_path / name)
    assert whole.axes == "CZYX"
    np.testing.assert_array_equal(whole.pixels, levels[0])


@pytest.mark.parametrize("axes", ["TCZYX", "ZCTYX", "TZYX", "YX", "CTYX"])
def test_every_order_of_axes_is_kept(tmp_path, random, axes):
    sizes = {"T": 2, "C": 3, "Z": 4, "Y": 20, "X": 30}
    levels = pyramid(random, [sizes[letter] for letter in axes], axes, levels=2)

    write(tmp_path / "a.ome.tif", levels, axes)

    found = formats.read(tmp_path / "a.ome.tif")
    assert found.axes == axes
    np.testing.assert_array_equal(found.pixels, levels[0])


@pytest.mark.parametrize("colours", [3, 4])
@pytest.mark.parametrize(("axes", "place"), [("CYX", 0), ("TCYX", 1), ("YXS", 2)])
def test_colours_are_interleaved(tmp_path, random, small_tiles, axes, place, colours):
    shape = [2 if letter == "T" else 40 for letter in axes]
    shape[place] = colours
    levels = pyramid(random, shape, axes, "u1")
    source = "TYXS" if "T" in axes else "YXS"

    write(tmp_path / "a.ome.tif", levels, axes, image(source))

    found = formats.read(tmp_path / "a.ome.tif")
    assert (found.axes, found.notes[1:]) == (source, ())
    np.testing.assert_array_equal(found.pixels, np.moveaxis(levels[0], place, -1))


def test_metadata_are_those_of_the_enlarged_image(tmp_path, random):
    places = {
        "Z": Axis(2.0, unit="micrometer"), "Y": Axis(0.5, 1.0, "micrometer"),
        "X": Axis(1.0, -3.0, "micrometer"), "T": Axis(5.0, unit="second"),
    }  # fmt: skip
    channels = ({"label": "a", "color": "FF0000"}, {"label": "b", "color": "00FF00"})
    details = {TAGS: {315: (2, 0, "me"), 33550: (12, 3, (2.0, 2.0, 1.0))}, PROFILE: b"icc"}
    source = image(
        "TCZYX", places=places, channels=channels, name="cells", significant_bits=12,
        details=details,
    )  # fmt: skip

    write(tmp_path / "a.ome.tif", pyramid(random, (2, 2, 3, 20, 30), "TCZYX"), "TCZYX", source)

    found = open_tiff(tmp_path / "a.ome.tif")
    assert found.places == {
        "Z": Axis(2.0, unit="micrometer"), "Y": Axis(0.25, unit="micrometer"),
        "X": Axis(0.5, unit="micrometer"), "T": Axis(5.0, unit="second"),
    }  # fmt: skip
    assert (found.channels, found.name, found.significant_bits) == (channels, "cells", 12)
    assert found.details[PROFILE] == b"icc"
    assert found.details[TAGS][33550][2] == (1.0, 1.0, 1.0)
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        assert file.pages[0].software == "napari-sr 1"
        assert file.pages[0].resolution == pytest.approx((20_000, 40_000))
        assert 'Creator="napari-sr 1"' in file.ome_metadata


def test_a_size_without_a_unit_keeps_its_number(tmp_path, random):
    places = {"Y": Axis(3.0), "X": Axis(3.0)}

    write(tmp_path / "a.tif", pyramid(random, (20, 30), "YX"), "YX", image("YX", places=places))

    assert formats.read(tmp_path / "a.tif").density == Density(1 / 1.5, 1 / 1.5, UNKNOWN_UNIT)


def test_axes_that_ome_lacks_are_kept_in_a_plain_file(tmp_path, random):
    places = {"Y": Axis(1.0, unit="centimeter"), "X": Axis(2.0, unit="centimeter")}
    levels = pyramid(random, (2, 3, 20, 30), "QZYX")

    write(tmp_path / "a.tif", levels, "QZYX", image("QZYX", places=places))

    found = formats.read(tmp_path / "a.tif")
    assert (found.axes, found.kind, found.density) == ("QZYX", "plain", Density(1, 2, "cm"))
    np.testing.assert_array_equal(found.pixels, levels[0])


@pytest.mark.parametrize("limit", [0, 10**9])
def test_a_large_file_is_a_bigtiff(tmp_path, random, monkeypatch, limit):
    monkeypatch.setattr(large_tiff, "CLASSIC_LIMIT", limit)

    write(tmp_path / "a.ome.tif", pyramid(random, (20, 30), "YX"), "YX")

    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        assert file.is_bigtiff == (limit == 0)


def test_a_generator_that_is_closed_leaves_nothing(tmp_path, random):
    target = tmp_path / "a.ome.tif"
    target.write_bytes(b"old")

    steps = write_large_tiff(
        target, pyramid(random, (4, 600, 600), "ZYX"), "ZYX", image("ZYX"), 2, "napari-sr"
    )
    next(steps)
    steps.close()

    assert [path.name for path in tmp_path.iterdir()] == ["a.ome.tif"]
    assert target.read_bytes() == b"old"


def test_a_generator_that_is_closed_after_its_last_tile_leaves_nothing(tmp_path, random):
    steps = write_large_tiff(
        tmp_path / "a.ome.tif", pyramid(random, (8, 9), "YX"), "YX", image("YX"), 2, "napari-sr"
    )
    assert any(done == total for done, total in steps)

    time.sleep(0.3)  # the thread could finish the file meanwhile
    steps.close()

    assert list(tmp_path.iterdir()) == []


def test_a_level_that_cannot_be_read_leaves_nothing(tmp_path, random):
    class Broken:
        shape, dtype = (20, 30), np.dtype("u2")

        def __getitem__(self, index):
            raise OSError(5, "Input/output error")

    with pytest.raises(FileError, match=r"a\.tif could not be written: Input/output error"):
        write(tmp_path / "a.tif", [Broken()], "YX")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_before(tmp_path, random, monkeypatch):
    class Stored(np.ndarray):
        def nbytes_stored(self):
            return 2**60

    with pytest.raises(FileError, match=r"a\.tif needs .* MiB, but the disk"):
        write(tmp_path / "a.tif", [random.random((20, 30)).view(Stored)], "YX")
    assert list(tmp_path.iterdir()) == []


def test_tiles_have_512_pixels_a_side(tmp_path, random):
    write(tmp_path / "a.tif", pyramid(random, (700, 600), "YX"), "YX")

    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert [level.keyframe.tile for level in file.series[0].levels] == [(512, 512)] * 3


def test_levels_of_other_planes_or_types_are_refused(tmp_path, random):
    first = pyramid(random, (2, 20, 30), "ZYX", levels=1)[0]
    for other in (first[:1], first.astype("u1")):
        with pytest.raises(ValueError, match="all levels must have the planes and the type"):
            write(tmp_path / "a.tif", [first, other], "ZYX")


def test_memory_is_that_of_a_row_of_tiles(tmp_path):
    class Zeros:
        shape, dtype = (12_000, 8192), np.dtype("u2")  # 188 MiB

        def __getitem__(self, index):
            rows, columns = (
                range(*part.indices(n)) for part, n in zip(index, self.shape, strict=True)
            )
            return np.zeros((len(rows), len(columns)), self.dtype)

    tracemalloc.start()
    try:
        for _ in write_large_tiff(tmp_path / "a.tif", [Zeros()], "YX", image("YX"), 2, "napari-sr"):
            pass
        assert tracemalloc.get_traced_memory()[1] < 100 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("axes", ["CZYX", "YXS"])
def test_an_ome_zarr_result_is_rewritten(tmp_path, random, axes):
    zarr = pytest.importorskip("zarr", reason="zarr, of the extra zarr, is missing")
    pytest.importorskip("yaozarrs", reason="yaozarrs, of the extra zarr, is missing")
    from napari_sr.engine.image.arrays import layout_of
    from napari_sr.files.ome_zarr.read import open_ome_zarr
    from napari_sr.files.ome_zarr.write import create

    shape = (2, 3, 600, 700) if axes == "CZYX" else (600, 700, 3)
    pixels = random.integers(0, 250, shape).astype(np.uint8)
    layout = layout_of(shape, np.uint8, axes)
    places = {"Y": Axis(0.5, unit="micrometer"), "X": Axis(0.25, unit="micrometer")}
    writer = create(tmp_path / "a.zarr", layout, block=(512, 512), places=places)
    for plane, row, column in writer.blocks():
        whole = layout.read(pixels, plane)
        writer.write(plane, row, column, whole[row : row + 512, column : column + 512])
    writer.finish()
    group = zarr.open_group(tmp_path / "a.zarr", mode="r")
    levels = [group[name] for name in sorted(group.array_keys())]
    source = open_ome_zarr(tmp_path / "a.zarr")
    stored = "CZYX" if axes == "CZYX" else "CYX"
    if axes == "YXS":
        source = image("YXS", places=places)

    write(tmp_path / "a.ome.tif", levels, stored, source, 1)

    found = open_tiff(tmp_path / "a.ome.tif")
    assert (found.axes, found.places) == (axes, places)
    np.testing.assert_array_equal(found.pixels[...], pixels)
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        assert len(file.series[0].levels) == len(levels)
