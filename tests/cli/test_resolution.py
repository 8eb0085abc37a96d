"""`napari-sr resolution SOURCE [RESULT]`."""

from __future__ import annotations

import csv
import io
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from napari_sr.cli.commands import app
from napari_sr.cli.model import CommandError
from napari_sr.cli.resolution import Request, _pixel, measured, plane_of
from napari_sr.evaluation import frc, single_frc
from napari_sr.evaluation.resolution_images import Camera
from napari_sr.files.lazy_image import Axis


@pytest.fixture
def exposures(tmp_path, random):
    """Write two exposures of two planes, (Z, Y, X), at 0.2 µm; return their paths and pixels."""
    scene = gaussian_filter(random.random((2, 96, 110)), (0, 3, 3), mode="wrap")
    scene = (scene - scene.min()) / np.ptp(scene) * 200
    stacks = [random.poisson(scene).astype(np.uint16) for _ in range(2)]
    paths = [tmp_path / f"{name}.ome.tif" for name in ("first", "second")]
    for path, stack in zip(paths, stacks, strict=True):
        sizes = {"PhysicalSizeX": 0.2, "PhysicalSizeY": 0.2}
        tifffile.imwrite(path, stack, metadata={"axes": "ZYX", **sizes})
    return paths, stacks


def upscaled(path, *words):
    target = path.with_name(f"large {path.name}")
    command = ["upscale", str(path), str(target), "--model", "bicubic-x2", "--device", "cpu"]
    options = ["--value-range", "0", "400", *words]
    assert CliRunner().invoke(app, [*command, *options], catch_exceptions=False).exit_code == 0
    return target


def test_figures_have_the_unit_of_the_file(exposures):
    (first, second), stacks = exposures

    found = measured(Request(first, second=second, camera=Camera(1), plane=(1,)))

    by_name = {row.name: row for row in found.rows}
    pair = frc(stacks[0][1], stacks[1][1], pixel_size=0.2)
    assert by_name["FRC, two exposures"].unit == "µm"
    assert by_name["FRC, two exposures"].source == pytest.approx(pair.resolution)
    counts = single_frc(stacks[0][1], "counts", gain=1, pixel_size=0.2)
    assert by_name["FRC, split photons"].source == pytest.approx(counts.resolution)


@pytest.mark.parametrize(("size", "unit"), [(1, "px"), (0.1, "units")])
def test_a_scale_without_a_unit_is_not_read_as_pixels(size, unit):
    place = Axis(size, 0.0, "")

    assert _pixel(SimpleNamespace(places={"Y": place, "X": place}), None) == (size, unit)


def test_halves_of_photons_are_upscaled_as_the_result_was(exposures):
    (first, _), _ = exposures
    result = upscaled(first)

    row = measured(Request(first, result, camera=Camera(1))).figure("FRC, split photons")

    assert row.result == pytest.approx(row.source, rel=0.1)  # interpolation resolves nothing


def test_text_and_csv_are_printed(exposures):
    (first, second), _ = exposures

    def run(*words):
        command = ["resolution", str(first), *words]
        return CliRunner().invoke(app, command, catch_exceptions=False).stdout

    assert "Sharper is not more resolved" in run()
    rows = list(csv.DictReader(io.StringIO(run("--second", str(second), "--csv"))))
    assert [row["measure"] for row in rows][-2:] == ["FRC, two exposures", "decorrelation"]
    assert rows[0]["source file"] == str(first)
    assert "FRC, checkerboard, units" in run("--pixel-size", "3")


def test_wrong_planes_and_parts_are_refused(exposures):
    (first, second), _ = exposures
    part = upscaled(first, "--region", "0", "80", "0", "80")

    with pytest.raises(CommandError, match=r"needs 1 indices, up to \(1,\).*got \(2,\)"):
        measured(Request(first, plane=(2,)))
    with pytest.raises(CommandError, match="a part of its source"):
        measured(Request(first, part))
    with pytest.raises(ValueError, match="enlarged a whole number of times"):
        measured(Request(upscaled(second), first))
    with pytest.raises(CommandError, match="got 'middle'"):
        plane_of("middle")
    assert plane_of("0,3") == (0, 3)


def test_pixels_that_are_not_square_are_refused(tmp_path, random):
    sizes = {"PhysicalSizeX": 0.2, "PhysicalSizeY": 0.3}
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, random.random((70, 70)), metadata={"axes": "YX", **sizes})

    with pytest.raises(CommandError, match=r"got 0\.3 micrometer by 0.2 micrometer"):
        measured(Request(path))
