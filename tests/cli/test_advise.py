"""`napari-sr advise`, and `--model auto`."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

import napari_sr
from napari_sr.cli.advise import advice_for
from napari_sr.cli.commands import app
from napari_sr.cli.model import CommandError
from napari_sr.files.lazy import open_lazy
from napari_sr.runs.record import read_record


@pytest.fixture
def noisy(tmp_path, random):
    path = tmp_path / "noisy.ome.tif"
    pixels = random.poisson(np.linspace(5, 60, 200)[:, None], (200, 210)).astype(np.uint16)
    tifffile.imwrite(path, pixels, metadata={"axes": "YX", "SignificantBits": 7})
    return path


def test_the_advice_is_printed_with_its_figures(noisy):
    done = CliRunner().invoke(app, ["advise", str(noisy)], catch_exceptions=False)

    lines = done.stdout.splitlines()
    assert lines[0].startswith("micrograph-x2: The image has noise of ")
    assert lines[1].startswith("noise: ")
    assert "per photon" in lines[1]
    assert lines[2].startswith("values: ")


def test_a_constant_image_gets_no_figures(tmp_path):
    """It was forecast to gain 30 dB."""
    tifffile.imwrite(tmp_path / "flat.tif", np.full((200, 210), 7, np.uint8))

    done = CliRunner().invoke(app, ["advise", str(tmp_path / "flat.tif")], catch_exceptions=False)

    assert done.stdout == (
        "bicubic-x2: The examined pixels are constant: there is nothing to sharpen.\n"
    )


def test_pixels_unlike_those_of_the_training_are_told(noisy, tmp_path):
    path = tmp_path / "fine.ome.tif"
    sizes = {"PhysicalSizeX": 65, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 65,
             "PhysicalSizeYUnit": "nm"}  # fmt: skip
    small = tifffile.imread(noisy)[:30]  # on which nothing is tried
    tifffile.imwrite(path, small, metadata={"axes": "YX", **sizes})

    done = CliRunner().invoke(app, ["advise", str(path)], catch_exceptions=False)

    assert "pixels of 0.065 µm" in done.stdout
    assert "was trained on pixels of 0.15 to 0.3 µm" in done.stdout


def test_several_images_get_a_line_each_and_a_failure_ends_none(noisy, tmp_path):
    small = tmp_path / "small.png"
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(small)

    done = CliRunner().invoke(app, ["advise", str(noisy), str(small), str(noisy)])

    assert done.exit_code == 1
    assert [line.partition(": The")[0] for line in done.stdout.splitlines()] == [
        f"{noisy}: micrograph-x2"
    ] * 2
    assert f"{small}: advice needs at least 24 x 24 pixels, got 9 x 9" in done.stderr


def test_auto_upscales_with_the_advised_model(noisy, tmp_path):
    words = ["upscale", str(noisy), str(tmp_path / "out.ome.tif"), "--model", "auto"]

    done = CliRunner().invoke(app, [*words, "--device", "cpu"], catch_exceptions=False)

    assert read_record(tmp_path / "out.ome.tif")["model"] == "micrograph-x2"
    assert "micrograph-x2: The image has noise" in " ".join(done.stderr.split())
    pixels = open_lazy(noisy).pixels[:]
    expected = napari_sr.upscale(pixels, "micrograph-x2", value_range=(0, 127), device="cpu")
    result = open_lazy(tmp_path / "out.ome.tif").pixels[:]
    np.testing.assert_array_equal(result, np.minimum(expected, 127))


def test_a_folder_needs_a_named_model(tmp_path):
    with pytest.raises(CommandError, match="advice needs one image, got the folder"):
        advice_for(tmp_path)
