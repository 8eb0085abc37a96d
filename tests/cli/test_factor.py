"""The options that say how many times larger a result is."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_sr.cli.commands import app
from napari_sr.cli.factor import read_factor
from napari_sr.cli.model import CommandError
from napari_sr.cli.terminal import in_options
from napari_sr.files.lazy import open_lazy
from napari_sr.runs.record import read_record
from napari_sr.runs.record_forms import as_command


@pytest.fixture
def image(tmp_path):
    """An image with pixels of 0.108333 micrometres."""
    path = tmp_path / "in.ome.tif"
    write(path, 0.108333, 0.108333)
    return path


def write(path, across, down):
    pixels = np.random.default_rng(0).integers(0, 60000, (40, 51)).astype(np.uint16)
    sizes = {"PhysicalSizeX": across, "PhysicalSizeY": down}
    units = {"PhysicalSizeXUnit": "µm", "PhysicalSizeYUnit": "µm"}
    tifffile.imwrite(path, pixels, metadata={"axes": "YX", **sizes, **units})


@pytest.mark.parametrize(
    ("scale", "size", "factor"),
    [
        (None, None, None),
        ("2", None, 2),
        ("2.5", None, Fraction(5, 2)),
        ("13/12", None, Fraction(13, 12)),
        ("2,5", None, Fraction(5, 2)),
        (None, "0,1 um", Fraction(108333, 100000)),
        (None, "0.1", Fraction(108333, 100000)),
        (None, "0.1 um", Fraction(108333, 100000)),
        (None, "70nm", Fraction(108333, 70000)),
        (None, "1e-1µm", Fraction(108333, 100000)),
    ],
)
def test_scale_or_pixel_size_is_the_factor(scale, size, factor, image):
    assert read_factor(scale, size, image, None) == factor


@pytest.mark.parametrize(
    ("scale", "size", "told"),
    [
        ("2", "0.1", "--scale 2 or --pixel-size 0.1, not both"),
        ("x", None, "a number such as 2.5 or 5/2, got 'x'"),
        (None, "small", "a size such as 0.1 or 0.1um, got 'small'"),
        ("1,250", None, "--scale: '1,250' may mean 1250 or 1.250"),
        (None, "1,250um", "--pixel-size: '1,250' may mean 1250 or 1.250"),
        (None, "0.1s", "a size such as 0.1 or 0.1um, got '0.1s'"),
    ],
)
def test_wrong_values_are_refused(scale, size, told, image):
    with pytest.raises(CommandError, match=told):
        read_factor(scale, size, image, None)


def test_too_small_pixels_are_refused(image, tmp_path):
    arguments = ["upscale", str(image), str(tmp_path / "out.tif"), "--pixel-size", "100pm"]

    error = CliRunner().invoke(app, arguments).exception

    told = r"--pixel-size .* 0\.108333 micro.* 0\.00677081 micro.*, got 0\.0001 micro"
    assert re.match(told, in_options(str(error)))


def test_pixels_must_be_known_and_square(tmp_path):
    write(tmp_path / "wide.tif", 0.2, 0.1)
    tifffile.imwrite(tmp_path / "plain.tif", np.zeros((9, 9), np.uint8))

    for name, told in (("wide", "square pixels"), ("plain", "names no size"), ("", "one image")):
        path = tmp_path / f"{name}.tif" if name else tmp_path
        with pytest.raises(CommandError, match=told):
            read_factor(None, "0.05", path, None)


@pytest.mark.parametrize("name", ["out.ome.tif", "out.ome.zarr"])
def test_a_file_has_the_wanted_pixels_exactly_and_is_repeated(name, image, tmp_path):
    target, again = tmp_path / name, tmp_path / f"again_{name}"
    options = ["--device", "cpu", "--engine", "torch", "--model", "fsrcnn"]
    invoke = CliRunner().invoke

    found = invoke(app, ["upscale", str(image), str(target), "--pixel-size", "0.07", *options])
    repeated = invoke(app, ["run", str(target), "--output", str(again)])

    assert (found.exit_code, repeated.exit_code) == (0, 0), found.output + repeated.output
    result, second = open_lazy(target), open_lazy(again)
    assert result.pixels.shape == (62, 79)
    np.testing.assert_array_equal(result.pixels[:], second.pixels[:])
    place = result.places["X"]
    assert place.size == pytest.approx(0.07, rel=1e-12)
    if name.endswith("zarr"):  # an OME-TIFF has no position
        assert place.origin == pytest.approx((0.07 - 0.108333) / 2)
    record = read_record(target)
    assert (record["scale"], record["factor"]) == (2, "108333/70000")
    assert "--scale 108333/70000" in as_command(record)


def test_a_result_of_any_factor_has_a_map_and_a_spread(image, tmp_path):
    target, maps, spread = (tmp_path / f"{name}.ome.tif" for name in ("out", "map", "spread"))
    options = ["--scale", "2.5", "--device", "cpu", "--engine", "torch"]
    more = ["--maps", str(maps), "--uncertainty", str(spread)]

    found = CliRunner().invoke(app, ["upscale", str(image), str(target), *options, *more])
    again = CliRunner().invoke(app, ["check", str(image), str(target)])

    assert (found.exit_code, again.exit_code) == (0, 0), found.output + again.output
    source, result = open_lazy(image), open_lazy(target)
    assert open_lazy(maps).pixels.shape == source.pixels.shape
    assert open_lazy(spread).pixels.shape == result.pixels.shape
    assert "fsrcnn-x3, shrunk to x2.5" in result.name
    told = "The shrunk result differs from the source by"
    assert told in found.output
    assert again.output.split(told)[1][:20] == found.output.split(told)[1][:20]
    rms = read_record(target)["consistency"]["rms"]
    assert rms < 0.1 * np.std(source.pixels[:])
