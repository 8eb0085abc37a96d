"""Images by other programs and by napari-sr, read window by window."""

from __future__ import annotations

import subprocess
import sys

import numcodecs
import numpy as np
import pytest
import zarr
from zarrs import array_2, axes_named, group_2, group_3, multiscales, write_json

from napari_sr.engine.image.arrays import layout_of
from napari_sr.files.image import FileError
from napari_sr.files.lazy_image import Axis
from napari_sr.files.ome_zarr.read import is_zarr, open_ome_zarr
from napari_sr.files.ome_zarr.write import create

pytestmark = pytest.mark.needs("zarr")

RGB = [
    {"label": label, "color": color}
    for label, color in [("Red", "FF0000"), ("Green", "00FF00"), ("Blue", "0000FF")]
]


@pytest.fixture
def pixels(random):
    return random.integers(0, 2**16, (2, 3, 4, 30, 21), np.uint16)


def image_2(folder, letters, pixels, *, omero=None, **options):
    """Write an image of OME-Zarr 0.4 whose chunks are odd."""
    attributes = {"multiscales": multiscales(letters, [1] * pixels.ndim)}
    group_2(folder, **attributes, **({} if omero is None else {"omero": omero}))
    chunks = tuple(max(1, size // 2 - 1) for size in pixels.shape)
    array_2(folder / "0", pixels, chunks, **options)
    return folder


def test_bioformats2raw_writes_series_big_endian_blosc_and_slashes(tmp_path, pixels):
    group_2(tmp_path, **{"bioformats2raw.layout": 3})
    group_2(tmp_path / "OME", series=["0"])
    units = {"z": "micrometer", "y": "micrometer", "x": "micrometer"}
    scale = [1, 1, 0.5, 0.1, 0.1]
    stored = multiscales("tczyx", scale, units=units, name="/", version="0.4")
    group_2(tmp_path / "0", multiscales=stored, omero={"channels": [{"label": "A"}] * 3})
    codec = numcodecs.Blosc(cname="lz4", clevel=5, shuffle=1)
    big_endian = pixels.astype(">u2")
    array_2(tmp_path / "0" / "0", big_endian, (1, 1, 1, 16, 16), separator="/", codec=codec)

    image = open_ome_zarr(tmp_path)

    assert image.axes == "TCZYX"
    assert image.pixels.dtype == np.uint16
    assert image.pixels.dtype.isnative
    np.testing.assert_array_equal(image.pixels[1, 2, :, 5:20, 7:], pixels[1, 2, :, 5:20, 7:])
    assert image.chunks == (1, 1, 1, 16, 16)
    assert image.places["Z"] == Axis(0.5, 0, "micrometer")
    assert [channel["label"] for channel in image.channels] == ["A", "A", "A"]
    assert image.name == tmp_path.name
    assert image.significant_bits is None
    assert image.identity["path"] == str((tmp_path / "0" / "0").resolve())


@pytest.mark.parametrize("separator", [".", "/"])
@pytest.mark.parametrize(
    "codec",
    [
        None,
        numcodecs.Blosc("lz4"),
        numcodecs.Blosc("zstd", shuffle=2),
        numcodecs.Zlib(1),
        numcodecs.GZip(1),
        numcodecs.Zstd(1),
        numcodecs.LZ4(),
    ],
    ids=lambda codec: type(codec).__name__,
)
def test_usual_compressors_and_separators_are_read(tmp_path, pixels, codec, separator):
    options = {"codec": codec, "separator": separator}
    image = open_ome_zarr(image_2(tmp_path, "zyx", pixels[0, 0], **options))

    np.testing.assert_array_equal(image.pixels[...], pixels[0, 0])


def test_version_0_5_is_read_with_its_shards(tmp_path, pixels):
    group_3(tmp_path, multiscales=multiscales("cyx", [1, 2, 3], path="full", name="cells"))
    array = zarr.create_array(
        tmp_path / "full",
        shape=pixels[0, :, 0].shape,
        dtype="uint16",
        chunks=(1, 8, 8),
        shards=(1, 16, 16),
    )
    array[...] = pixels[0, :, 0]

    image = open_ome_zarr(tmp_path)

    assert (image.axes, image.chunks, image.name) == ("CYX", (1, 8, 8), "cells")
    assert image.places == {"Y": Axis(2), "X": Axis(3)}
    np.testing.assert_array_equal(image.pixels[1, 3:29, 20], pixels[0, 1, 0, 3:29, 20])


def test_another_level_has_its_own_places(tmp_path, pixels):
    datasets = [
        {"path": str(k), "coordinateTransformations": [{"type": "scale", "scale": [s, s]}]}
        for k, s in enumerate((1, 2))
    ]
    group_2(tmp_path, multiscales=[{"axes": axes_named("yx"), "datasets": datasets}])
    for number in range(2):
        array_2(tmp_path / str(number), pixels[0, 0, number], (30, 21))

    assert open_ome_zarr(tmp_path, level=1).places == {"Y": Axis(2), "X": Axis(2)}
    with pytest.raises(FileError, match=r"levels 0 \(finest\) to 1, but level 2 is wanted"):
        open_ome_zarr(tmp_path, level=2)


def test_the_folder_of_a_level_has_the_metadata_of_its_image(tmp_path, pixels):
    datasets = [
        {"path": f"s{k}", "coordinateTransformations": [{"type": "scale", "scale": [1, s, s]}]}
        for k, s in enumerate((1, 2))
    ]
    group_2(tmp_path, multiscales=[{"axes": axes_named("tyx"), "datasets": datasets}])
    for name in ("s0", "s1", "other"):
        array_2(tmp_path / name, pixels[0, 0], (2, 30, 21))

    level = open_ome_zarr(tmp_path / "s1")

    assert (level.axes, level.places["Y"]) == ("TYX", Axis(2))
    assert open_ome_zarr(tmp_path / "other").axes == "ZYX"
    (tmp_path / ".zattrs").write_text("{")
    assert open_ome_zarr(tmp_path / "s1").axes == "ZYX"


def test_three_channels_are_no_colours_unless_metadata_or_the_user_say_so(tmp_path, pixels):
    stack = pixels[0, :, 0]
    plain = image_2(tmp_path / "plain", "cyx", stack)
    named = image_2(tmp_path / "rgb", "cyx", stack, omero={"channels": RGB})

    assert open_ome_zarr(plain).axes == "CYX"
    for image in (open_ome_zarr(plain, axes="SYX"), open_ome_zarr(named)):
        assert (image.axes, image.channels) == ("YXS", ())
        np.testing.assert_array_equal(image.pixels[2:9, 4], stack[:, 2:9, 4].T)
    assert open_ome_zarr(named, axes="CYX").axes == "CYX"


def test_channels_that_are_last_move_to_the_front(tmp_path, pixels):
    stack = np.moveaxis(pixels[0, :, 0], 0, 2)

    image = open_ome_zarr(image_2(tmp_path, "yxc", stack))

    assert image.axes == "CYX"
    assert not layout_of(image.pixels.shape, image.pixels.dtype, image.axes).samples
    np.testing.assert_array_equal(image.pixels[1, 3:], stack[3:, :, 1])


def test_channels_that_do_not_fit_are_left_out(tmp_path, pixels):
    omero = {"channels": [{"label": "A"}, {"label": "B"}]}

    assert open_ome_zarr(image_2(tmp_path, "cyx", pixels[0, :, 0], omero=omero)).channels == ()


def test_named_axes_replace_those_of_the_file(tmp_path, pixels):
    folder = image_2(tmp_path, "zyx", pixels[0, 0])

    image = open_ome_zarr(folder, axes="TYX")

    assert image.axes == "TYX"
    assert set(image.places) == {"T", "Y", "X"}


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ("YX", r"axes must be 3 different capital letters for shape \(4, 30, 21\)"),
        ("ZZX", "axes must be 3 different capital letters"),
        ("XSY", r"axis S needs 3 \(RGB\) or 4 \(RGBA\) entries, got 30"),
    ],
)
def test_wrong_axes_are_named_with_the_folder(tmp_path, pixels, axes, message):
    folder = image_2(tmp_path, "zyx", pixels[0, 0])

    with pytest.raises(FileError, match=message) as raised:
        open_ome_zarr(folder, axes=axes)
    assert str(tmp_path) in str(raised.value)


def test_metadata_without_y_and_x_need_names(tmp_path, pixels):
    folder = image_2(tmp_path, "zab", pixels[0, 0])

    with pytest.raises(FileError, match="name the axes z, a, b of an array of shape"):
        open_ome_zarr(folder)
    assert open_ome_zarr(folder, axes="ZYX").places["Z"] == Axis(1)


def test_a_plain_array_has_guessed_or_given_axes(tmp_path, pixels):
    array_2(tmp_path / "a.zarr", pixels[0, 0], (2, 30, 8))

    image = open_ome_zarr(tmp_path / "a.zarr")

    assert (image.axes, image.places, image.name) == ("ZYX", {}, "a")
    assert open_ome_zarr(tmp_path / "a.zarr", axes="TYX").axes == "TYX"


def test_an_array_may_name_its_axes(tmp_path, pixels):
    stack = pixels[0, :, 0]
    newer = zarr.create_array(
        tmp_path / "3.zarr", data=stack, dimension_names=("time", "y", "x"), chunks=(1, 9, 9)
    )
    older = array_2(tmp_path / "2.zarr", stack, (1, 9, 9))
    write_json(older / ".zattrs", {"_ARRAY_DIMENSIONS": ["c", "y", "x"]})

    assert newer.ndim == 3
    assert open_ome_zarr(tmp_path / "3.zarr").axes == "TYX"
    assert open_ome_zarr(older).axes == "CYX"


def test_an_array_that_may_be_colour_needs_names(tmp_path, random):
    array_2(tmp_path, random.integers(0, 9, (20, 20, 3), np.int16), (20, 20, 3))

    with pytest.raises(FileError, match="name the axes, such as axes='YXC'"):
        open_ome_zarr(tmp_path)


@pytest.mark.parametrize("dtype", ["bool", "complex64"])
def test_other_types_are_named(tmp_path, dtype):
    array_2(tmp_path, np.zeros((8, 8), dtype), (8, 8), fill_value=None)

    with pytest.raises(FileError, match=f"needs integers or floats, got an array of {dtype}"):
        open_ome_zarr(tmp_path)


def test_an_unknown_compressor_is_named(tmp_path, pixels):
    folder = array_2(tmp_path, pixels[0, 0, 0], (9, 9), compressor={"id": "secret", "level": 3})

    with pytest.raises(FileError, match=r"cannot be opened: .*secret"):
        open_ome_zarr(folder)


def test_an_unknown_codec_of_zarr_3_is_named(tmp_path):
    zarr.create_array(tmp_path, shape=(8, 8), dtype="uint8", chunks=(8, 8))
    document = (tmp_path / "zarr.json").read_text()
    (tmp_path / "zarr.json").write_text(document.replace('"zstd"', '"secret"'))

    with pytest.raises(FileError, match=r"cannot be opened: .*secret"):
        open_ome_zarr(tmp_path)


def test_a_missing_array_is_named(tmp_path):
    group_2(tmp_path, multiscales=multiscales("yx", [1, 1], path="s0"))

    with pytest.raises(FileError, match=r"names the array .*s0, which is missing"):
        open_ome_zarr(tmp_path)


def test_missing_chunks_have_the_fill_value(tmp_path, pixels):
    folder = image_2(tmp_path, "zyx", pixels[0, 0], fill_value=7)
    for chunk in (folder / "0").glob("[0-9]*"):
        chunk.unlink()

    assert (open_ome_zarr(folder).pixels[...] == 7).all()


@pytest.mark.parametrize("version", ["0.5", "0.4"])
@pytest.mark.parametrize("axes", ["YX", "CYX", "TCZYX", "YXS", "TZYXS"])
def test_what_we_write_is_read_as_it_was(tmp_path, random, axes, version):
    sizes = {"T": 2, "C": 2, "Z": 2, "Y": 150, "X": 301, "S": 3}
    pixels = random.integers(0, 2**16, [sizes[letter] for letter in axes], np.uint16)
    layout = layout_of(pixels.shape, pixels.dtype, axes)
    places = {"T": Axis(2.0, 1.0, "second"), "Y": Axis(0.5, 3.0, "micrometer")}
    places = {letter: place for letter, place in places.items() if letter in axes}
    channels = [{"label": "A"}, {"label": "B"}] if "C" in axes else []
    writer = create(
        tmp_path / "a.ome.zarr",
        layout,
        block=(128, 128),
        places=places,
        channels=channels,
        version=version,
    )
    for plane, row, column in writer.blocks():
        values = layout.read(pixels, plane)[row : row + 128, column : column + 128]
        writer.write(plane, row, column, values)
    writer.finish()

    image = open_ome_zarr(tmp_path / "a.ome.zarr")

    assert is_zarr(tmp_path / "a.ome.zarr")
    assert (image.axes, image.name, image.notes) == (axes, "a", ())
    np.testing.assert_array_equal(image.pixels[...], pixels)
    assert {letter: image.places[letter] for letter in places} == places
    assert [channel["label"] for channel in image.channels] == [one["label"] for one in channels]
    assert image.details["napari_sr"]["complete"] is True


def test_importing_the_reader_and_the_writer_brings_no_zarr():
    code = (
        "import sys, napari_sr.files.ome_zarr.read, napari_sr.files.ome_zarr.write;"
        "print([m for m in ('zarr', 'yaozarrs', 'numcodecs') if m in sys.modules])"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert printed.stdout.strip() == "[]"
