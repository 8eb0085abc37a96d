"""Samples are alpha if the file says so; otherwise they are bands and keep their values."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_sr.files.image import FileError, Samples
from napari_sr.files.samples import axes_fit, multiplied, straight
from napari_sr.files.tiff_reader import read_tiff
from napari_sr.files.tiff_writer import write_tiff


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.tif"


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
@pytest.mark.parametrize(
    ("photometric", "count", "extra"),
    [
        ("rgb", 4, (0,)),
        ("rgb", 5, (0, 0)),
        ("rgb", 5, (2, 0)),
        ("minisblack", 2, (0,)),
        ("minisblack", 6, (0, 0, 0, 0, 0)),
    ],
)
def test_samples_that_are_not_alpha_are_bands(
    path, random, planar, dtype, photometric, count, extra
):
    bands = (random.random((count, 5, 7)) * 120).astype(dtype)
    stored = bands if planar else np.moveaxis(bands, 0, -1)
    config = "separate" if planar else "contig"
    tifffile.imwrite(path, stored, photometric=photometric, planarconfig=config, extrasamples=extra)

    image = read_tiff(path)

    assert (image.axes, image.colour) == ("CYX", False)
    assert image.samples == Samples("C", photometric, extra, planar)
    np.testing.assert_array_equal(image.pixels, bands)


def test_the_user_is_told_which_samples_are_bands(path):
    tifffile.imwrite(
        path, np.zeros((5, 7, 4), np.uint8), photometric="rgb", extrasamples=["unspecified"]
    )

    assert read_tiff(path).notes == (
        "its 4 samples (red, green, blue, unspecified) are read as bands, axis C",
    )


def without_extrasamples(path):
    content = bytearray(path.read_bytes())
    start = int.from_bytes(content[4:8], "little")
    for at in range(start + 2, len(content), 12):
        if int.from_bytes(content[at : at + 2], "little") == 338:
            content[at : at + 2] = (65000).to_bytes(2, "little")
            break
    path.write_bytes(content)


def test_without_a_word_two_samples_are_bands_and_a_fourth_is_opacity(path):
    for shape, photometric, axes in (
        ((5, 7, 2), "minisblack", "CYX"),
        ((5, 7, 4), "rgb", "YXS"),
    ):
        tifffile.imwrite(
            path, np.zeros(shape, np.uint16), photometric=photometric, planarconfig="contig",
            extrasamples=["unspecified"], metadata=None,
        )  # fmt: skip
        without_extrasamples(path)
        image = read_tiff(path)
        assert image.axes == axes

    told = "its fourth sample is read as opacity, because the file does not say what it is"
    assert told in image.notes


def test_without_a_word_a_fourth_sample_of_floats_is_a_band(path):
    pixels = np.full((5, 7, 4), 1.6, np.float32)
    tifffile.imwrite(path, pixels, photometric="rgb", extrasamples=[0], metadata=None)
    without_extrasamples(path)

    assert read_tiff(path).axes == "CYX"


@pytest.mark.parametrize("planar", [False, True])
def test_a_stack_of_bands_has_them_beside_the_planes(path, random, planar):
    stack = random.integers(0, 99, (3, 4, 5, 7)).astype(np.uint16)
    tifffile.imwrite(
        path,
        stack if planar else np.moveaxis(stack, 1, -1),
        photometric="rgb",
        planarconfig="separate" if planar else "contig",
        extrasamples=["unspecified"],
        metadata={"axes": "TSYX" if planar else "TYXS"},
    )

    image = read_tiff(path)

    assert image.axes == "TCYX"
    np.testing.assert_array_equal(image.pixels, stack)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_associated_alpha_is_divided_and_comes_back_exactly(random, dtype):
    opaque = np.iinfo(dtype).max
    alpha = random.integers(0, opaque, (9, 11, 1), endpoint=True)
    stored = np.concatenate([random.integers(0, alpha + 1, (9, 11, 3)), alpha], -1).astype(dtype)

    shown, bounded = straight(stored, 2, opaque)

    assert bounded
    expected = np.rint(stored[..., :3] * (opaque / np.maximum(alpha, 1)))
    np.testing.assert_array_equal(shown[..., :3], expected)
    np.testing.assert_array_equal(multiplied(shown, None), stored)


@pytest.mark.parametrize("planarconfig", ["contig", "separate"])
@pytest.mark.parametrize("photometric", ["rgb", "minisblack", "miniswhite"])
def test_associated_floats_are_divided_and_transparent_ones_are_defined(
    path, photometric, planarconfig
):
    colours = 3 if photometric == "rgb" else 1
    stored = np.array([[[0.25] * colours + [0.5], [0.0] * colours + [0.0]]], np.float32)
    tifffile.imwrite(
        path,
        stored if planarconfig == "contig" else np.moveaxis(stored, -1, 0),
        photometric=photometric, planarconfig=planarconfig, extrasamples=["assocalpha"],
    )  # fmt: skip

    image = read_tiff(path)

    transparent = 1.0 if photometric == "miniswhite" else 0.0
    assert image.alpha == "assocalpha"
    assert image.pixels.tolist() == [[[0.5, 0.5, 0.5, 0.5], [*[transparent] * 3, 0.0]]]


def test_colours_above_their_alpha_become_white_in_integers_and_stay_in_floats():
    shown, bounded = straight(np.array([[[200, 100]]], np.uint8), 2, 255.0)
    assert (shown.tolist(), bounded) == ([[[255, 100]]], False)

    shown, bounded = straight(np.array([[[3.0, 0.5]]]), 2, 1.0)
    assert (shown.tolist(), bounded) == ([[[6.0, 0.5]]], False)
    assert multiplied(shown, None, bounded=False).tolist() == [[[3.0, 0.5]]]


def test_colours_below_black_of_signed_integers_are_divided_too():
    stored = np.array([[-100, 50, -16000, 16384]], np.int16)  # half opaque

    divided, _ = straight(stored, 1, 32767.0)

    assert divided.tolist() == [[-200, 100, -31999, 16384]]
    np.testing.assert_array_equal(multiplied(divided, None), stored)


def test_overshoot_is_never_above_alpha_where_no_colour_was():
    result = multiplied(np.array([[[1.03, 0.5]]], np.float32), None)

    assert result.tolist() == [[[0.5, 0.5]]]


def test_alpha_of_12_bits_is_opaque_at_4095():
    shown, _ = straight(np.array([[[1000, 2000]]], np.uint16), 2, 4095.0)

    assert shown[0, 0, 0] == round(1000 * 4095 / 2000)
    assert multiplied(shown, 12).tolist() == [[[1000, 2000]]]


def written_again(path, axes):
    """Return a file's samples, stored and written again under named axes, the samples first."""
    image = read_tiff(path, axes)
    again = path.with_name("again.tif")
    write_tiff(image, again, again)
    with tifffile.TiffFile(again) as file:
        page = file.pages.first
        stored, extra = page.asarray(), tuple(int(kind) for kind in page.extrasamples)
        return image, np.moveaxis(stored, page.axes.index("S"), 0), extra


@pytest.mark.parametrize("name", ["C", "Q"])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize(
    ("photometric", "count", "extra"),
    [("rgb", 4, (0,)), ("minisblack", 3, (0, 0)), ("miniswhite", 4, (0, 0, 0))],
)
def test_named_bands_stay_bands(path, random, name, planar, photometric, count, extra):
    bands = random.integers(0, 4000, (count, 5, 7), np.uint16)
    stored = bands if planar else np.moveaxis(bands, 0, -1)
    config = "separate" if planar else "contig"
    tifffile.imwrite(path, stored, photometric=photometric, planarconfig=config, extrasamples=extra)

    image, again, kept = written_again(path, f"{name}YX" if planar else f"YX{name}")

    assert (image.colour, image.samples.axis, kept) == (False, name, extra)
    np.testing.assert_array_equal(again, bands)


@pytest.mark.parametrize("alpha", [1, 2])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("name", ["C", "S"])
def test_named_grey_and_alpha_stay_what_they_are(path, photometric, alpha, name):
    stored = np.empty((5, 7, 2), np.uint8)
    stored[...] = 40, 200
    tifffile.imwrite(path, stored, photometric=photometric, extrasamples=[alpha])

    image, again, extra = written_again(path, f"YX{name}")

    assert (image.colour, image.pixels[0, 0, 3], extra) == (True, 200, (alpha,))
    np.testing.assert_array_equal(again, np.moveaxis(stored, -1, 0))


def test_only_grey_is_turned_where_alpha_is_a_named_plane(path):
    stored = np.stack([np.full((5, 7), 40, np.uint8), np.full((5, 7), 200, np.uint8)])
    options = {"photometric": "miniswhite", "planarconfig": "separate", "extrasamples": [2]}
    tifffile.imwrite(path, stored, **options)

    image, again, extra = written_again(path, "ZYX")

    assert (image.pixels[:, 0, 0].tolist(), extra) == ([255 - 40, 200], (2,))
    np.testing.assert_array_equal(again, stored)


def test_bands_named_as_samples_are_colours(path):
    stored = np.zeros((5, 7, 3), np.uint8)
    options = {"photometric": "minisblack", "planarconfig": "contig"}
    tifffile.imwrite(path, stored, **options)

    image = read_tiff(path, "YXS")

    assert (image.colour, image.samples) == (True, None)


@pytest.mark.parametrize(
    ("photometric", "extra", "axes", "why"),
    [
        (
            "rgb",
            1,
            "YXZ",
            "multiplied by alpha, so axis Z cannot hold .*: give the axes YXC, or none",
        ),
        ("minisblack", 1, "CYX", "multiplied by alpha, so axis X cannot hold .*: give no axes"),
        ("miniswhite", 0, "YXS", "axis S cannot hold .* white at zero: name the axis C"),
        ("miniswhite", 2, "ZYX", "axis X cannot hold .* white at zero: name the axis C"),
    ],
)
def test_names_that_samples_cannot_have_are_refused(path, photometric, extra, axes, why):
    stored = np.zeros((5, 7, 4 if photometric == "rgb" else 2), np.uint8)
    options = {"photometric": photometric, "planarconfig": "contig", "extrasamples": [extra]}
    tifffile.imwrite(path, stored, **options)

    with pytest.raises(FileError, match=why):
        read_tiff(path, axes)


@pytest.mark.parametrize(
    ("axes", "fit"), [("CYX", True), ("XCY", True), ("", False), ("YYX", False), ("CYS", False)]
)
def test_axes_fit_if_they_are_as_many_and_different_with_y_and_x(axes, fit):
    assert axes_fit(axes, 3) is fit
