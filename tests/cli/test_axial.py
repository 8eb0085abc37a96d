"""`napari-sr upscale --axial`: Z is enlarged too, at its place, and the run can be repeated."""

from __future__ import annotations

import shlex

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

import napari_sr
from napari_sr.cli.commands import app
from napari_sr.cli.how import read_axial
from napari_sr.cli.model import CommandError
from napari_sr.files.lazy import open_lazy
from napari_sr.runs.axial import CUBES, Axial
from napari_sr.runs.record import read_record
from napari_sr.runs.record_forms import as_command, as_python

HOW = ("--device", "cpu", "--engine", "torch")


@pytest.fixture
def source(tmp_path, random):
    """Write two channels of a stack of 12 bits; planes are 2.5 pixels apart."""
    path = tmp_path / "in.ome.tif"
    stack = random.integers(0, 4096, (5, 2, 20, 24)).astype(np.uint16)
    sizes = {"PhysicalSizeX": 0.2, "PhysicalSizeY": 0.2, "PhysicalSizeZ": 0.5}
    tifffile.imwrite(path, stack, metadata={"axes": "ZCYX", "SignificantBits": 12, **sizes})
    return path


def run(*words):
    """Run a command; return what it printed."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("name", ["out.ome.tif", "out.ome.zarr"])
@pytest.mark.parametrize("by", ["interpolation", "network"])
def test_the_file_has_the_stack_at_its_place(source, tmp_path, name, by):
    run("upscale", source, tmp_path / name, "--axial", "cubes", "--axial-by", by, *HOW,
        "--model", "fsrcnn-x2")  # fmt: skip

    found = open_lazy(tmp_path / name)
    image = open_lazy(source)
    axes = image.axes
    expected = napari_sr.upscale(
        image.pixels[:], "fsrcnn", 2, axes=axes, axial=5, axial_by=by, value_range=(0, 4095),
        device="cpu", engine="torch",
    )  # fmt: skip
    assert sorted(found.axes) == sorted(axes)
    pixels = found.pixels[:].transpose([found.axes.index(axis) for axis in axes])
    assert pixels.shape == (25, 2, 40, 48)
    np.testing.assert_allclose(pixels.astype(int), expected.clip(max=4095).astype(int), atol=1)
    for letter, size, step in (("Z", 0.1, 0.5), ("Y", 0.1, 0.2), ("X", 0.1, 0.2)):
        place = found.places[letter]
        assert place.size == pytest.approx(size)
        # the outer edge stays: half a source pixel before the source's first centre
        assert place.origin - size / 2 == pytest.approx(-step / 2)
        assert place.unit == "micrometer"


@pytest.mark.parametrize("by", ["interpolation", "network"])
def test_a_run_repeats_from_its_record(source, tmp_path, by):
    first, second = tmp_path / "out.ome.zarr", tmp_path / "again.ome.zarr"
    run("upscale", source, first, "--axial", 3, "--axial-by", by, "--model", "micrograph-x2", *HOW)

    run("run", first, "--output", second)

    record, again = read_record(first), read_record(second)
    np.testing.assert_array_equal(open_lazy(second).pixels[:], open_lazy(first).pixels[:])
    assert (record["axial"], record["axial_by"]) == (3, by)
    assert again["settings"] == record["settings"]
    result = napari_sr.run(record, source)  # in memory
    assert result.shape == (15, 2, 40, 48)
    words = shlex.split(as_command(record))
    assert words[words.index("--axial") :][:4] == ["--axial", "3.0", "--axial-by", by]
    assert f"axial=3.0,\n    axial_by='{by}'" in as_python(record).replace('"', "'")
    assert f"along Z: enlarged 3 times by {by}" in run("show", first)


@pytest.mark.parametrize("by", ["interpolation", "network"])
def test_overshoot_is_said_to_be_that_before_z_is_enlarged(tmp_path, random, by):
    stack = np.where(random.random((4, 30, 32)) < 0.5, 20, 240).astype(np.uint8)
    tifffile.imwrite(tmp_path / "in.tif", stack, metadata={"axes": "ZYX"})
    target = tmp_path / "out.ome.tif"

    told = run("upscale", tmp_path / "in.tif", target, "--axial", "2", "--axial-by", by, *HOW,
               "--model", "bicubic", "--scale", "2")  # fmt: skip

    assert "the result, before it is enlarged along Z and rounded, from -" in " ".join(told.split())
    guards = read_record(target)["guards"]
    assert guards["counted_before"] == "enlarging Z, and rounding"
    assert "cut_off_at_type" not in guards


def test_pixel_sizes_are_checked(source, tmp_path):
    told = run("upscale", source, tmp_path / "a.ome.tif", "--axial", 2, *HOW)
    assert "voxels are no cubes; 5 would make cubes" in " ".join(told.split())

    fine = tmp_path / "fine.ome.tif"
    sizes = {"PhysicalSizeX": 0.2, "PhysicalSizeY": 0.2, "PhysicalSizeZ": 0.1}
    tifffile.imwrite(fine, np.zeros((4, 30, 30), np.uint8), metadata={"axes": "ZYX", **sizes})
    with pytest.raises(ValueError, match=r"their distance is 0\.5 pixels"):
        run("upscale", fine, tmp_path / "b.ome.tif", "--axial", 2, "--axial-by", "network", *HOW)
    assert not (tmp_path / "b.ome.tif").exists()

    plain = tmp_path / "plain.tif"
    tifffile.imwrite(plain, np.zeros((4, 30, 30), np.uint8), metadata={"axes": "ZYX"})
    with pytest.raises(ValueError, match="needs pixel sizes along Z and X"):
        run("upscale", plain, tmp_path / "b.ome.tif", "--axial", "cubes", *HOW)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--resume",), "--axial computes in memory"),
        (("--maps", "map.ome.tif"), "--axial works without --maps, got --maps map"),
        (("--uncertainty", "map.ome.tif"), "--axial works without --uncertainty"),
        (("--axes", "TCYX"), "an axis Z, got the axes TCYX"),
    ],
)
def test_what_does_not_fit_is_refused(source, tmp_path, words, told):
    with pytest.raises((CommandError, ValueError), match=told):
        run("upscale", source, tmp_path / "out.ome.tif", "--axial", "2", *words, *HOW)


def test_options_are_read():
    assert read_axial("2.5", "network") == Axial(2.5, "network")
    assert read_axial("cubes", None) == Axial(CUBES)
    assert read_axial(None, None) is None
    with pytest.raises(CommandError, match="--axial needs a number or cubes, got 'x'"):
        read_axial("x", None)
    with pytest.raises(CommandError, match="--axial-by network needs --axial"):
        read_axial(None, "network")
