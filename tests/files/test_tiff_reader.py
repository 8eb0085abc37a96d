"""TIFFs of all kinds are read with axes, type and metadata; damaged TIFFs raise errors."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_sr.files.image import Density, FileError
from napari_sr.files.orientation import upright
from napari_sr.files.tiff_reader import read_tiff


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.tif"


def noise(random, shape, dtype=np.uint16):
    return random.integers(0, 250, shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["u1", ">u2", "i2", "f4", ">f8", "u4"])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_every_type_comes_in_the_byte_order_of_this_machine(path, random, dtype, bigtiff):
    pixels = noise(random, (5, 7), dtype)
    tifffile.imwrite(path, pixels, byteorder=">" if dtype[0] == ">" else "<", bigtiff=bigtiff)

    image = read_tiff(path)

    assert image.axes == "YX"
    assert image.pixels.dtype == np.dtype(dtype).newbyteorder("=")
    assert image.pixels.dtype.isnative
    np.testing.assert_array_equal(image.pixels, pixels)


@pytest.mark.parametrize(
    ("shape", "options", "axes"),
    [
        ((4, 5, 7), {"metadata": {"axes": "TYX"}}, "TYX"),
        ((4, 5, 7), {"metadata": None}, "IYX"),
        ((2, 3, 5, 7), {"imagej": True, "metadata": {"axes": "ZCYX"}}, "ZCYX"),
        ((2, 3, 5, 7), {"ome": True, "metadata": {"axes": "TZYX"}}, "TZYX"),
        ((2, 3, 4, 5, 7), {}, "QIZYX"),
        ((1, 1), {}, "YX"),
        ((5, 7, 6), {"planarconfig": "contig"}, "CYX"),
        ((3, 5, 7), {"planarconfig": "separate"}, "CYX"),
    ],
)
def test_axes_are_what_the_file_says_and_differ(path, random, shape, options, axes):
    pixels = noise(random, shape)
    tifffile.imwrite(path, pixels, photometric="minisblack", **options)

    image = read_tiff(path)

    assert image.axes == axes
    assert len(image.axes) == image.pixels.ndim
    last_to_front = options.get("planarconfig") == "contig"
    np.testing.assert_array_equal(
        image.pixels, np.moveaxis(pixels, -1, 0) if last_to_front else pixels
    )


@pytest.mark.parametrize("planarconfig", ["contig", "separate"])
@pytest.mark.parametrize(("samples", "alpha"), [(3, []), (4, ["unassalpha"])])
def test_colour_comes_last_however_it_is_stored(path, random, planarconfig, samples, alpha):
    pixels = noise(random, (5, 7, samples))
    stored = pixels if planarconfig == "contig" else np.moveaxis(pixels, -1, 0)
    tifffile.imwrite(path, stored, photometric="rgb", planarconfig=planarconfig, extrasamples=alpha)

    image = read_tiff(path)

    assert image.axes == "YXS"
    assert (image.alpha, image.samples) == ("unassalpha", None)
    np.testing.assert_array_equal(image.pixels, pixels)


def test_grey_and_alpha_become_rgba(path, random):
    pixels = noise(random, (5, 7, 2))
    tifffile.imwrite(
        path, pixels, photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"]
    )

    image = read_tiff(path)

    assert image.pixels.shape == (5, 7, 4)
    np.testing.assert_array_equal(image.as_shown(), pixels)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_becomes_rgb(path, bits):
    table = np.zeros((3, 256), np.uint16)
    table[:, 1] = np.array([10, 20, 30]) << (bits - 8)
    tifffile.imwrite(path, np.array([[0, 1]], np.uint8), photometric="palette", colormap=table)

    image = read_tiff(path)

    assert image.axes == "YXS"
    assert image.pixels.tolist() == [[[0, 0, 0], [10, 20, 30]]]


def test_imagejs_palettes_stay_intensities(path):
    table = np.zeros((3, 256), np.uint16)
    indices = np.array([[0, 7]], np.uint8)
    tifffile.imwrite(path, indices, photometric="palette", colormap=table, imagej=True)

    image = read_tiff(path)

    np.testing.assert_array_equal(image.pixels, indices)
    assert image.details["colormap"].shape == (3, 256)


def test_named_axes_are_those_of_the_pixels_as_stored(path, random):
    pixels = noise(random, (3, 5, 7))
    tifffile.imwrite(path, pixels, photometric="rgb", planarconfig="separate")

    image = read_tiff(path, "ZYX")

    assert image.axes == "ZYX"
    np.testing.assert_array_equal(image.pixels, pixels)


@pytest.mark.parametrize("compression", ["zlib", "lzw", "zstd", "jpeg"])
def test_compressed_files_are_read_and_lossless_kinds_remembered(path, compression):
    pixels = np.full((32, 32), 100, np.uint8)
    tifffile.imwrite(path, pixels, compression=compression)

    image = read_tiff(path)

    np.testing.assert_array_equal(image.pixels, pixels)
    assert image.compression == (None if compression == "jpeg" else compression)


@pytest.mark.parametrize(
    ("options", "density"),
    [
        ({"resolution": (300, 150), "resolutionunit": 2}, Density(300, 150, "inch")),
        ({"resolution": (300, 150), "resolutionunit": 3}, Density(300, 150, "cm")),
        ({"resolution": (3, 2), "resolutionunit": 1}, Density(3, 2, "")),
        ({"resolution": (1, 1), "resolutionunit": 1}, None),
        ({}, None),
        (
            {"resolution": (2, 2), "imagej": True, "metadata": {"unit": "micron"}},
            Density(2, 2, "micron"),
        ),
        (
            {
                "ome": True,
                "metadata": {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25, "axes": "YX"},
            },
            Density(2, 4, "\xb5m"),
        ),
    ],
    ids=str,
)
def test_density_is_what_the_tags_or_the_metadata_say(path, options, density):
    tifffile.imwrite(path, np.zeros((5, 7), np.uint8), **options)

    assert read_tiff(path).density == density


def test_a_plain_description_and_a_shaped_ones_words_are_kept(path):
    tifffile.imwrite(path, np.zeros((5, 7), np.uint8), description="a cell", metadata=None)
    assert read_tiff(path).details == {"description": "a cell"}

    tifffile.imwrite(path, np.zeros((5, 7), np.uint8), metadata={"dye": "GFP"})
    assert read_tiff(path).details == {"dye": "GFP"}


def test_of_several_images_the_first_is_read_and_the_others_told(path):
    with tifffile.TiffWriter(path) as writer:
        for shape in ((5, 7), (8, 9)):
            writer.write(np.zeros(shape, np.uint8), metadata=None)

    image = read_tiff(path)

    assert image.pixels.shape == (5, 7)
    told = "it holds 2 images (uint8 (5, 7), uint8 (8, 9)); only the first is read"
    assert image.notes == (told,)


def test_the_finest_level_of_a_pyramid_is_read_and_the_others_told(path):
    with tifffile.TiffWriter(path) as writer:
        writer.write(np.zeros((64, 64), np.uint8), subifds=1)
        writer.write(np.zeros((32, 32), np.uint8), subfiletype=1)

    image = read_tiff(path)

    assert image.pixels.shape == (64, 64)
    assert image.notes == ("it holds smaller copies of the image, which are left out",)


@pytest.mark.parametrize("photometric", ["separated", "cielab"])
def test_colours_that_are_not_rgb_are_refused(path, photometric):
    samples = 4 if photometric == "separated" else 3
    tifffile.imwrite(path, np.zeros((5, 7, samples), np.uint8), photometric=photometric)

    with pytest.raises(
        FileError, match=rf"a\.tif .* stored as {photometric.upper()}: convert it to RGB"
    ):
        read_tiff(path)


@pytest.mark.parametrize(
    "options",
    [
        {"metadata": None},
        {"imagej": True},
        {"ome": True, "metadata": {"axes": "ZYX"}},
        {"compression": "zlib", "metadata": None},
        {"compression": "lzw"},
        {"tile": (16, 16), "compression": "zstd"},
    ],
    ids=str,
)
def test_a_file_cut_off_anywhere_is_refused_and_never_read_in_part(path, random, options, capfd):
    pixels = random.integers(0, 60_000, (4, 40, 50)).astype(np.uint16)
    tifffile.imwrite(path, pixels, photometric="minisblack", **options)
    content = path.read_bytes()

    for length in np.linspace(8, len(content) * 0.97, 40).astype(int):
        path.write_bytes(content[:length])
        with pytest.raises(FileError, match=r"a\.tif (cannot be read as TIFF|is damaged)") as told:
            read_tiff(path)
        assert "\n" not in str(told.value)
    assert capfd.readouterr().err == ""


def test_a_jpeg_compressed_file_that_ends_early_is_refused(path, random):
    pixels = noise(random, (640, 500, 3), np.uint8)
    tifffile.imwrite(path, pixels, photometric="rgb", compression="jpeg", rowsperstrip=16)
    path.write_bytes(path.read_bytes()[:-50])

    with pytest.raises(FileError, match=r"its pixels should end at byte"):
        read_tiff(path)


def tagged(path, pixels, orientation, **options):
    tifffile.imwrite(
        path, pixels, extratags=[(274, "H", 1, orientation, True)], resolution=(300, 150),
        resolutionunit="inch", **options,
    )  # fmt: skip
    return read_tiff(path)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("shape", "axes", "options"),
    [
        ((5, 7), "YX", {}),
        ((5, 7, 3), "YXS", {"photometric": "rgb"}),
        ((3, 5, 7), "SYX", {"photometric": "rgb", "planarconfig": "separate"}),
        ((4, 5, 7), "QYX", {"photometric": "minisblack"}),
        ((4, 5, 7), "SYX", {"photometric": "rgb", "planarconfig": "separate", "extrasamples": [0]}),
        ((2, 5, 7, 3), "QYXS", {"photometric": "rgb", "compression": "zlib"}),
    ],
    ids=["grey", "rgb", "planar", "stack", "bands", "rgb stack"],
)
def test_pixels_are_turned_upright(path, random, orientation, shape, axes, options):
    stored = noise(random, shape, np.uint8)

    image = tagged(path, stored, orientation, **options)

    shown = upright(stored, orientation, axes.index("Y"), axes.index("X"))
    if options.get("planarconfig") == "separate" and shape[0] == 3:
        shown = np.moveaxis(shown, 0, -1)
    np.testing.assert_array_equal(image.pixels, shown)
    swapped = orientation >= 5
    assert image.density == Density(150 if swapped else 300, 300 if swapped else 150, "inch")


def test_an_orientation_that_is_not_defined_turns_nothing(path, random):
    stored = noise(random, (5, 7), np.uint8)

    image = tagged(path, stored, 9)

    assert image.notes == ()
    np.testing.assert_array_equal(image.pixels, stored)


def test_omes_sizes_change_places_with_x_and_y(tmp_path):
    sizes = {"PhysicalSizeX": 1.0, "PhysicalSizeY": 2.0}
    sizes |= {"PhysicalSizeXUnit": "mm", "PhysicalSizeYUnit": "mm"}
    tifffile.imwrite(
        tmp_path / "a.ome.tif", np.zeros((5, 7), np.uint8), metadata={"axes": "YX", **sizes},
        extratags=[(274, "H", 1, 6, True)],
    )  # fmt: skip

    image = read_tiff(tmp_path / "a.ome.tif")

    turned = {**sizes, "PhysicalSizeX": 2.0, "PhysicalSizeY": 1.0}
    assert {name: image.details[name] for name in sizes} == turned
    assert image.density == Density(0.5, 1, "mm")


def test_named_axes_keep_the_order_and_the_kind_of_samples(path, random):
    stored = noise(random, (5, 7, 4))
    tifffile.imwrite(path, stored, photometric="rgb", extrasamples=["unspecified"])

    image = read_tiff(path, "YXQ")

    assert (image.axes, image.samples.axis) == ("YXQ", "Q")
    np.testing.assert_array_equal(image.pixels, stored)


def test_named_axes_of_a_palette_are_those_of_its_indices(path):
    table = np.full((3, 256), 7 << 8, np.uint16)
    tifffile.imwrite(path, np.zeros((5, 7), np.uint8), photometric="palette", colormap=table)

    image = read_tiff(path, "YX")

    assert (image.axes, image.pixels.max()) == ("YXS", 7)


def test_a_tiff_without_a_page_is_none(path):
    for start in (b"II*\0\0\0\0\0", b"II*\0\x08\0\0\0", b"MM\0*\0\0\xff\xff", b"II*\0"):
        path.write_bytes(start)
        with pytest.raises(FileError, match=r"a\.tif cannot be read as TIFF"):
            read_tiff(path)


def test_a_description_beside_that_of_tifffile_is_read(tmp_path):
    pixels = np.zeros((3, 4), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", pixels, description="my cells", metadata={"stain": "H"})
    tifffile.imwrite(tmp_path / "b.tif", pixels)

    found = [dict(read_tiff(tmp_path / name).details) for name in ("a.tif", "b.tif")]

    assert found == [{"stain": "H", "description": "my cells"}, {}]
