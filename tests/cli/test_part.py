"""`napari-sr upscale --region`: the same pixels as in the whole result, in their place."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

import napari_sr
from napari_sr.batch.job import BlockOptions
from napari_sr.cli.commands import app
from napari_sr.cli.model import CommandError
from napari_sr.cli.part import check_options
from napari_sr.files.lazy import open_lazy
from napari_sr.runs.record import read_record
from napari_sr.runs.record_forms import as_command

REGION = ("--region", "10", "40", "5", "35")


@pytest.fixture
def source(tmp_path, random):
    path = tmp_path / "in.ome.tif"
    stack = random.integers(0, 4096, (2, 50, 60)).astype(np.uint16)
    sizes = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25, "SignificantBits": 12}
    tifffile.imwrite(path, stack, metadata={"axes": "ZYX", **sizes})
    return path


def upscale(source, target, *words):
    """Run the command; return what it printed."""
    given = ["upscale", str(source), str(target), "--model", "fsrcnn-x2", "--device", "cpu"]
    done = CliRunner().invoke(app, [*given, *words], catch_exceptions=True)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("name", ["part.ome.tif", "part.ome.zarr"])
def test_a_region_equals_this_part_of_the_whole_result(source, tmp_path, name):
    upscale(source, tmp_path / "whole.ome.tif", "--tile", "32")

    upscale(source, tmp_path / name, *REGION, "--tile", "32")

    part = open_lazy(tmp_path / name)
    whole = open_lazy(tmp_path / "whole.ome.tif")
    np.testing.assert_array_equal(part.pixels[:], whole.pixels[:, 20:80, 10:70])
    moved = {letter: part.places[letter].origin for letter in "YX"}
    # half a new pixel back from the centre of the first old one, in micrometres
    assert moved == pytest.approx({"Y": 10 * 0.25 - 0.0625, "X": 5 * 0.5 - 0.125})
    assert part.places["X"].size == 0.25


def test_its_record_gives_the_command_again(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    upscale(source, tmp_path / "part.ome.tif", *REGION)
    words = shlex.split(as_command(read_record(tmp_path / "part.ome.tif")))
    assert words[:2] == ["napari-sr", "upscale"]

    CliRunner().invoke(app, words[1:], catch_exceptions=False)

    expected = open_lazy(tmp_path / "part.ome.tif").pixels[:]
    np.testing.assert_array_equal(open_lazy(Path(words[3])).pixels[:], expected)


def test_a_photograph_needs_no_axes(tmp_path, random):
    pixels = random.integers(0, 256, (40, 50, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")

    upscale(tmp_path / "photo.png", tmp_path / "part.tif", "--region", "3", "33", "0", "50")

    expected = napari_sr.upscale(
        pixels, "fsrcnn-x2", axes="YXS", region=((3, 33), (0, 50)), device="cpu"
    )
    np.testing.assert_array_equal(open_lazy(tmp_path / "part.tif").pixels[:], expected)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--region", "0", "51", "0", "10"), "bottom <= 50"),
        ((*REGION, "--resume"), "give it without --resume"),
    ],
)
def test_nothing_is_written_where_it_cannot_be(source, tmp_path, words, what):
    with pytest.raises((CommandError, ValueError), match=what):
        upscale(source, tmp_path / "part.ome.tif", *words)

    assert not (tmp_path / "part.ome.tif").exists()


def test_the_source_is_never_replaced(source):
    before = source.read_bytes()

    with pytest.raises(ValueError, match=r"in\.ome\.tif"):
        upscale(source, source, *REGION, "--overwrite")

    assert source.read_bytes() == before


def test_the_default_way_of_large_images_is_no_contradiction():
    check_options(BlockOptions())
    with pytest.raises(CommandError, match="--workers"):
        check_options(BlockOptions(workers=2))
