"""The command line upscales files with all they say, and fails in one line with nothing left."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import subprocess
import sys
import time

import imagecodecs
import numpy as np
import onnx
import pytest
import tifffile
from PIL import Image
from safetensors.torch import load_file, save_file

import napari_sr
from napari_sr.cli import app as cli
from napari_sr.files import formats
from napari_sr.zoo.download import SHIPPED
from napari_sr.zoo.registry import find


@pytest.fixture
def run(monkeypatch, capfd, tmp_path):
    """Run the command line in the test's folder; return exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["napari-sr", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        return ended.value.code, out, err

    return call


def noise(random, shape, dtype):
    """Return noise on a ramp, which overshoots too little to be told."""
    ramp = np.linspace(0.3, 0.7, math.prod(shape)).reshape(shape)
    values = ramp + 0.05 * random.random(shape)
    if np.dtype(dtype).kind == "f":
        return values.astype(dtype)
    return (values * np.iinfo(dtype).max).astype(dtype)


def failed(result, what):
    code, out, err = result
    assert code == 2, err
    assert out == ""
    assert re.fullmatch(rf"Error: .*{what}.*\n", err), err


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 2), (9, 7, 3), (9, 7, 4), (1, 1)], ids=str)
def test_a_png_of_any_kind_becomes_larger_and_keeps_its_kind(run, tmp_path, random, shape, dtype):
    pixels = noise(random, shape, dtype)
    (tmp_path / "in.png").write_bytes(imagecodecs.png_encode(pixels))

    code, out, err = run("upscale", "in.png", "out.png")

    assert (code, out, err) == (0, "", "")
    result = imagecodecs.png_decode((tmp_path / "out.png").read_bytes())
    assert result.shape == (shape[0] * 2, shape[1] * 2, *shape[2:])
    assert result.dtype == dtype
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.png", "out.png"]


def test_the_file_holds_what_the_function_returns(run, tmp_path, random):
    pixels = noise(random, (20, 30, 3), np.uint16)
    (tmp_path / "in.png").write_bytes(imagecodecs.png_encode(pixels))

    run("upscale", "in.png", "out.png", "--model", "fsrcnn", "--scale", 3, "--tile", 25)

    result = imagecodecs.png_decode((tmp_path / "out.png").read_bytes())
    expected = napari_sr.upscale(pixels, "fsrcnn-x3")
    # tiles differ from the whole by float rounding: by one step of 16 bits at most
    assert np.abs(result.astype(int) - expected).max() <= 1


def test_dots_per_inch_are_multiplied(run, tmp_path):
    Image.new("L", (7, 9)).save(tmp_path / "in.jpg", dpi=(100, 50))

    run("upscale", "in.jpg", "out.jpg", "--scale", 3)
    run("upscale", "in.jpg", "out.tif", "--scale", 4)

    assert Image.open(tmp_path / "out.jpg").info["dpi"] == (300, 150)
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        tags = file.pages.first.tags
        assert tags["XResolution"].value == (400, 1)
        assert tags["YResolution"].value == (200, 1)


def test_an_imagej_stack_stays_one_with_finer_pixels(run, tmp_path, random):
    pixels = noise(random, (2, 3, 9, 7), np.uint16)
    metadata = {"axes": "ZCYX", "spacing": 0.5, "unit": "micron", "Labels": list("abcdef")}
    tifffile.imwrite(
        tmp_path / "in.tif", pixels, imagej=True, resolution=(10, 8), metadata=metadata
    )

    code, _, err = run("upscale", "in.tif", "out.tif")

    assert (code, err) == (0, "")
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        assert file.series[0].axes == "ZCYX"
        assert file.series[0].shape == (2, 3, 18, 14)
        assert file.series[0].dtype == np.uint16
        assert file.imagej_metadata["spacing"] == 0.5
        assert file.imagej_metadata["unit"] == "micron"
        assert file.imagej_metadata["Labels"] == list("abcdef")
        assert file.pages.first.tags["XResolution"].value == (20, 1)
        known = f"napari-sr {napari_sr.__version__}, fsrcnn-x2, sha256 {find('fsrcnn-x2').sha256}"
        assert file.pages.first.software == known


def test_an_ome_stack_stays_one_with_smaller_pixels(run, tmp_path, random):
    pixels = noise(random, (2, 9, 7), np.float32)
    metadata = {
        "axes": "CYX",
        "PhysicalSizeX": 0.5,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.25,
        "PhysicalSizeYUnit": "nm",
        "Channel": {"Name": ["DAPI", "GFP"]},
    }
    tifffile.imwrite(tmp_path / "in.ome.tif", pixels, metadata=metadata)

    code, _, err = run("upscale", "in.ome.tif", "out.ome.tif")

    assert (code, err) == (0, "")
    with tifffile.TiffFile(tmp_path / "out.ome.tif") as file:
        found = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
        assert file.series[0].shape == (2, 18, 14)
    assert found["PhysicalSizeX"] == 0.25
    assert found["PhysicalSizeXUnit"] == "nm"
    assert found["PhysicalSizeY"] == 0.125
    assert [channel["Name"] for channel in found["Channel"]] == ["DAPI", "GFP"]


def test_floats_outside_their_range_are_warned_of_in_one_line(run, tmp_path, random):
    tifffile.imwrite(tmp_path / "in.tif", noise(random, (9, 7), np.float32) * 1000)

    code, _, err = run("upscale", "in.tif", "out.tif")

    assert code == 0
    assert re.match(
        r"Warning: this float image has values from .* to .* unless --value-range low high .*\n",
        err,
    )


@pytest.mark.parametrize("declared", [("--value-range", 0, 1000), ("--percentiles", 1, 99)])
def test_a_declared_range_is_used_and_not_warned_of(run, tmp_path, random, declared):
    pixels = noise(random, (9, 7), np.float32) * 1000
    tifffile.imwrite(tmp_path / "in.tif", pixels)

    code, _, err = run("upscale", "in.tif", "out.tif", *declared)

    assert code == 0
    assert "Warning" not in err
    result = tifffile.imread(tmp_path / "out.tif")
    assert result.mean() == pytest.approx(pixels.mean(), rel=0.1)


def test_overshoot_is_told_in_one_line(run, tmp_path):
    pixels = np.full((20, 20), 2, np.int16)
    pixels[:, 10:] = 255
    tifffile.imwrite(tmp_path / "in.tif", pixels)

    code, _, err = run("upscale", "in.tif", "out.tif", "--value-range", 0, 255)

    assert code == 0
    told = r"values of the result .* the image goes from 2 to 255, and the result from -\d+ to \d+,"
    assert len(re.findall(told, err)) == len(err.splitlines()) == 1


def test_values_beyond_a_declared_range_are_told(run, tmp_path):
    pixels = np.full((10, 10), 500, np.uint16)
    pixels[3, 4] = 5000
    tifffile.imwrite(tmp_path / "in.tif", pixels)

    code, _, err = run("upscale", "in.tif", "out.tif", "--value-range", 100, 4095)

    assert code == 0
    assert re.search("1.00% of the image's values, which go from 500 to 5000, are darker", err)


def test_negative_ranges_are_read(run, tmp_path):
    tifffile.imwrite(tmp_path / "in.tif", np.full((9, 7), -500, np.int16))

    code, _, err = run("upscale", "in.tif", "out.tif", "--value-range", -1000, 3000)

    assert (code, err) == (0, "")
    assert np.abs(tifffile.imread(tmp_path / "out.tif") + 500).max() < 100


def test_named_axes_are_used_and_written(run, tmp_path, random):
    tifffile.imwrite(tmp_path / "in.tif", noise(random, (3, 9, 7), np.uint8), metadata=None)

    run("upscale", "in.tif", "out.tif", "--axes", "tyx")

    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        assert (file.series[0].axes, file.series[0].shape) == ("TYX", (3, 18, 14))


def test_what_was_converted_is_told(run, tmp_path):
    Image.new("P", (7, 9)).save(tmp_path / "in.png")

    code, _, err = run("upscale", "in.png", "out.png")

    assert (code, err) == (0, "in.png: its palette was converted to RGB\n")


def test_a_checkpoint_file_is_a_model(run, tmp_path, random):
    # without the card, which tells the scale
    save_file(load_file(SHIPPED / "fsrcnn-x2.safetensors"), tmp_path / "mine.safetensors")
    tifffile.imwrite(tmp_path / "in.tif", noise(random, (9, 7), np.uint8))

    code, _, err = run("upscale", "in.tif", "out.tif", "--model", "mine.safetensors", "--scale", 2)
    again = run("upscale", "in.tif", "out.png", "--model", "mine.safetensors")

    assert (code, err) == (0, "")
    failed(
        again,
        r"this is FSRCNN, whose tensors do not show the scale: give --scale, such as --scale 2 \(",
    )


def test_two_checkpoints_are_blended_and_the_file_says_so(run, tmp_path, random):
    state = napari_sr.load("fsrcnn-x2").state_dict()
    save_file({key: 0.999 * value for key, value in state.items()}, tmp_path / "other.safetensors")
    pixels = noise(random, (9, 7), np.float32)
    tifffile.imwrite(tmp_path / "in.tif", pixels)

    code, _, err = run(
        "upscale", "in.tif", "out.tif", "--blend", "other.safetensors", "--weight", 0.25
    )

    assert (code, err) == (0, "")
    blended = napari_sr.blend("fsrcnn-x2", tmp_path / "other.safetensors", 0.25)
    expected = napari_sr.upscale(pixels, blended)
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        np.testing.assert_allclose(file.asarray(), expected, rtol=0, atol=1e-6)
        assert "0.75 fsrcnn-x2 + 0.25 other, sha256" in file.pages.first.software


def test_an_ensemble_is_what_the_function_returns_and_the_file_says_so(run, tmp_path, random):
    pixels = noise(random, (9, 7), np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", pixels)

    code, _, err = run("upscale", "in.tif", "out.tif", "--ensemble")

    assert (code, err) == (0, "")
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        np.testing.assert_array_equal(file.asarray(), napari_sr.upscale(pixels, ensemble=True))
        assert file.pages.first.software.endswith(", mean of 8 views")


def test_the_border_is_what_the_function_returns(run, tmp_path, random):
    pixels = noise(random, (9, 7), np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", pixels)

    for border in ("auto", "zeros"):
        out = f"{border}.tif"
        code, _, err = run("upscale", "in.tif", out, "--border", border)
        assert (code, err) == (0, "")
        expected = napari_sr.upscale(pixels, border=border)
        np.testing.assert_array_equal(tifffile.imread(tmp_path / out), expected)

    code, _, err = run("upscale", "in.tif", "out.tif", "--border", "mirror")
    assert code == 2
    assert "border must be one of auto, reflect, zeros, got 'mirror'" in err


def test_options_reach_the_network(run, tmp_path, random):
    tifffile.imwrite(tmp_path / "in.tif", noise(random, (9, 7), np.uint8))

    plain = run("upscale", "in.tif", "a.tif")
    wide = run("upscale", "in.tif", "b.tif", "--option", "input_range=255")

    assert plain[0] == wide[0] == 0
    assert (tifffile.imread(tmp_path / "a.tif") != tifffile.imread(tmp_path / "b.tif")).any()
    failed(run("upscale", "in.tif", "c.tif", "--option", "width=2"), r"no option width=2")
    failed(run("upscale", "in.tif", "c.tif", "--option", "width"), r"KEY=NUMBER.*got 'width'")


def test_an_old_result_is_replaced_only_when_told_to(run, tmp_path):
    for name in ("in.png", "out.png"):
        Image.new("L", (7, 9)).save(tmp_path / name)

    refused = run("upscale", "in.png", "out.png")
    replaced = run("upscale", "in.png", "out.png", "--overwrite")

    failed(refused, r"out\.png exists")
    assert replaced[0] == 0
    assert Image.open(tmp_path / "out.png").size == (14, 18)


def infinite(shape):
    pixels = np.zeros(shape, np.float32)
    pixels[..., 2, 3] = np.inf
    return pixels


@pytest.mark.parametrize(
    ("content", "arguments", "what"),
    [
        (b"", ("in.tif", "out.tif"), r"in\.tif is empty"),
        (b"some text", ("in.tif", "out.tif"), r"in\.tif is not a PNG, JPEG or TIFF"),
        (b"II*\0\x08\0\0\0", ("in.tif", "out.tif"), r"in\.tif cannot be read as TIFF"),
        (b"", ("absent.tif", "out.tif"), r"there is no file absent\.tif"),
        (infinite((9, 7)), ("in.tif", "out.tif"), r"one infinite value, at y=2, x=3"),
        (infinite((9, 7)), ("in.tif", "out.png"), r"PNG holds 8 or 16 bits, not float32"),
        (np.zeros((9, 7), np.uint16), ("in.tif", "out.jpg"), r"JPEG holds 8 bits, not uint16"),
        (np.zeros((3, 9, 7), np.uint8), ("in.tif", "out.png"), r"one plane.*axes .YX of shape"),
        (np.zeros((9, 7), np.complex64), ("in.tif", "out.tif"), r"integers or floats.*complex64"),
        (np.zeros((9, 7), np.uint8), ("in.tif", "in.tif"), r"in\.tif is the image to upscale"),
        (np.zeros((9, 7), np.uint8), ("in.tif", "out.xyz"), r"must end in one of .*, \.zarr"),
        (np.zeros((9, 7), np.uint8), ("in.tif", "no/out.tif"), r"written: there is no folder no"),
        *(
            (np.zeros((9, 7), np.uint8), ("in.tif", "out.tif", *more), what)
            for more, what in [
                (("--axes", "ZYX"), r"axes must be 2 .* got 'ZYX'"),
                (("--model", "bsrm-x4"), r"no model is called 'bsrm-x4'; did you mean"),
                (("--model", "absent.pth"), r"there is no checkpoint file absent\.pth"),
                (("--model", "in.tif"), r"in\.tif is not a checkpoint but a TIFF image"),
                (("--model", "fsrcnn"), r"comes with the scales 2, 3 and 4: give --scale, or"),
                (("--scale", "17"), r"from 1 to 16, got 17"),
                (("--device", "abacus"), r"abacus"),
                (("--precision", "int1"), r"int1"),
                (("--tile", "-4"), r"-4"),
                (("--halo", "-4"), r"-4"),
                (("--value-range", "5", "5"), r"--value-range must .* got \(5\.0, 5\.0\)"),
                (("--percentiles", "9", "1"), r"low < high <= 100"),
                (("--value-range", "0", "1", "--percentiles", "1", "9"), "not both, got"),
                (("--weight", "0.3"), r"needs --blend with a second model, got --weight 0\.3"),
                (("--blend", "absent.pth"), r"fsrcnn-x2 \(FSRCNN x2\) cannot .*: there is no"),
                (("--blend", "fsrcnn-x2", "--weight", "-1"), r"a number from 0 to 1, got -1"),
                (("--blend", "bsrn-x4"), r"fsrcnn-x2 .* cannot .* with bsrn-x4: .* 4 times, got"),
                (("--scale", "two"), r"--scale.*2\.5 or 5/2, got 'two'"),
                (("--colour",), r"--colour"),
            ]
        ),
        (b"", ("in.tif",), r"Missing argument"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_leaves_nothing(run, tmp_path, content, arguments, what):
    if isinstance(content, bytes):
        (tmp_path / "in.tif").write_bytes(content)
    else:
        tifffile.imwrite(tmp_path / "in.tif", content, photometric="minisblack")
    before = (tmp_path / "in.tif").read_bytes()

    failed(run("upscale", *arguments), what)

    assert [path.name for path in tmp_path.iterdir()] == ["in.tif"]
    assert (tmp_path / "in.tif").read_bytes() == before


def test_a_truncated_stack_is_refused(run, tmp_path, random):
    tifffile.imwrite(tmp_path / "in.tif", noise(random, (5, 40, 30), np.uint16), imagej=True)
    content = (tmp_path / "in.tif").read_bytes()
    (tmp_path / "in.tif").write_bytes(content[: len(content) // 2])

    failed(run("upscale", "in.tif", "out.tif"), r"in\.tif is damaged or cut off")

    assert not (tmp_path / "out.tif").exists()


def test_offline_a_model_that_must_be_downloaded_is_one_line(run, tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_SR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    Image.new("L", (7, 9)).save(tmp_path / "in.png")

    code, _, err = run("upscale", "in.png", "out.png", "--model", "bsrn-x4")

    assert code == 2
    told, error = err.splitlines()
    assert told == "downloading bsrn-x4, 1.5 MB, licence: MIT"
    assert error.startswith("Error: could not download bsrn-x4 (1.5 MB) from https://raw.")
    assert "NAPARI_SR_WEIGHTS" in error
    assert not (tmp_path / "out.png").exists()


def test_a_mirror_serves_models_without_a_network(run, tmp_path, monkeypatch, shared):
    monkeypatch.setenv("NAPARI_SR_WEIGHTS", str(shared / "weights"))
    Image.new("RGB", (7, 9), (9, 99, 200)).save(tmp_path / "in.png")

    code, _, err = run("upscale", "in.png", "out.png", "--model", "bsrn-x4")

    assert (code, err) == (0, "")
    assert Image.open(tmp_path / "out.png").size == (28, 36)


def test_models_are_listed_with_where_they_are(run, monkeypatch, tmp_path):
    monkeypatch.setenv("NAPARI_SR_CACHE", str(tmp_path / "cache"))

    code, out, _ = run("models")

    assert code == 0
    assert re.search(r"^fsrcnn-x2 +x2 +12,809 +\d\d\.\d\d dB +BSD-3-Clause .* shipped$", out, re.M)
    assert re.search(r"^lanczos-x4 +x4 +0 .* computed$", out, re.M)
    assert re.search(r"^imdn-x4 +x4 .* none stated .* to download \(2\.9 MB\)$", out, re.M)
    assert str(tmp_path / "cache") in out


def test_networks_are_listed_with_what_they_take(run):
    code, out, _ = run("models", "--wide")

    assert code == 0
    assert re.search(r"^EDSR +2017 +x2, x3, x4 .* 68 +- +arxiv\.org/abs/1707\.02921$", out, re.M)


def test_a_narrow_terminal_gets_narrow_tables(run, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")

    narrow, wide = run("models")[1], run("models", "--wide")[1]

    assert max(map(len, narrow.partition("Downloads")[0].splitlines())) <= 80
    assert max(map(len, wide.splitlines())) > 150


def test_models_can_be_read_by_programs(run):
    code, out, _ = run("models", "--json")

    assert code == 0
    assert {"networks", "models"} == json.loads(out).keys()


def test_models_in_a_mirror_are_listed_as_such(run, monkeypatch, shared):
    monkeypatch.setenv("NAPARI_SR_WEIGHTS", str(shared / "weights"))

    _, out, _ = run("models")

    assert re.search(r"^bsrn-x4 .* mirror$", out, re.M)
    assert f"mirror {shared / 'weights'} is searched first" in out


def test_a_network_is_exported_with_its_name(run, tmp_path):
    assert run("export", "fsrcnn", "a.onnx", "--scale", 3) == (0, "", "")

    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]
    about = {entry.key: entry.value for entry in onnx.load(tmp_path / "a.onnx").metadata_props}
    assert (about["model"], about["scale"]) == ("fsrcnn-x3", "3")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["fsrcnn", "a.png"], r"a\.png must end in one of \.onnx, \.zip"),
        (["fsrcnn-x2", "old.onnx"], r"old\.onnx exists: give another name, or --overwrite"),
        (["fsrcnn-x2", "a.onnx", "--opset", 9], "opset must be from 18 to 20, got 9"),
        (["micrograph-x2", "a.onnx", "--noise", 0.1], r"--noise is for packages \(\.zip\), got"),
        (["fsrcnn-x2", "a.onnx", "--author", "Ada"], "--author is for packages .* does not store"),
        (["fsrcnn-x2", "a.onnx", "--licence", "MIT"], "--licence is for packages"),
        (["fsrcnn-x2", "a.onnx", "--purpose", "actin"], "--purpose is for packages"),
        (["fsrcnn-x2", "a.zip", "--opset", 19], r"--opset is for \.onnx files, got --opset 19"),
        (["fsrcn", "a.onnx"], "no model is called 'fsrcn'"),
        (["a.pth", "a.onnx"], r"there is no checkpoint file a\.pth"),
    ],
)
def test_what_cannot_be_exported_is_one_line_and_leaves_all_as_it_was(
    run, tmp_path, arguments, what
):
    (tmp_path / "old.onnx").write_text("old")

    failed(run("export", *arguments), what)

    assert [path.name for path in tmp_path.iterdir()] == ["old.onnx"]
    assert (tmp_path / "old.onnx").read_text() == "old"


def test_the_version_and_the_help_are_told(run):
    assert run("--version") == (0, f"napari-sr {napari_sr.__version__}\n", "")
    assert "upscale" in run()[1]
    assert "--value-range" in run("upscale", "--help")[1]


def test_the_demo_is_handed_over_with_its_exit_code(run, monkeypatch):
    from napari_sr import demo

    monkeypatch.setattr(demo, "main", lambda: 7)

    assert run("demo")[0] == 7


def test_running_out_of_memory_is_one_line(run, tmp_path, monkeypatch):
    from napari_sr.engine.execution import prepared

    monkeypatch.setattr(prepared, "free_memory", lambda device: 10)
    Image.new("L", (7, 9)).save(tmp_path / "in.png")

    failed(run("upscale", "in.png", "out.png"), r"the result, \(18, 14\) of uint8, needs")

    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("arguments", [["--help"], ["models"], ["upscale", "--help"]])
def test_help_and_lists_import_neither_torch_nor_qt(arguments):
    code = (
        "import sys\n"
        f"sys.argv = ['napari-sr', *{arguments!r}]\n"
        "from napari_sr.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'qtpy', 'napari', 'tifffile'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert result.returncode == 0, result.stderr


def test_the_package_runs_as_a_module(tmp_path):
    Image.new("L", (7, 9)).save(tmp_path / "in.png")

    result = subprocess.run(
        [sys.executable, "-m", "napari_sr", "upscale", "in.png", "out.png"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert Image.open(tmp_path / "out.png").size == (14, 18)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_ctrl_c_during_the_run_leaves_nothing(tmp_path):
    # so many tiles that it takes minutes; each tile tells of itself
    tifffile.imwrite(tmp_path / "in.tif", np.zeros((400, 400, 400), np.uint8))
    code = (
        "import signal, sys\n"
        # a shell's job in the background is born deaf to it, and so would be its children
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from napari_sr.cli import app\n"
        "from napari_sr.runs import run\n"
        "follow = run.drive\n"
        "def told(steps, show):\n"
        "    def also(step): show(step); print('tile', flush=True)\n"
        "    return follow(steps, also)\n"
        "run.drive = told\n"
        "sys.argv = ['napari-sr', 'upscale', 'in.tif', 'out.tif', '--scale', '4']\n"
        "app.main()\n"
    )
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout.readline() == "tile\n"

    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert err == "Interrupted: nothing was written.\n"
    assert time.monotonic() - began < 20
    assert [path.name for path in tmp_path.iterdir()] == ["in.tif"]


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (signal.SIGINT, (130, "", "Interrupted: nothing was written.\n")),
        (signal.SIGTERM, (143, "", "Terminated: nothing was written.\n")),
    ],
)
def test_a_signal_during_the_writing_leaves_the_old_file(run, tmp_path, monkeypatch, number, told):
    Image.new("L", (7, 9)).save(tmp_path / "in.png")
    (tmp_path / "out.tif").write_bytes(b"old")

    def killed(image, file, name):
        file.write(b"half")
        os.kill(os.getpid(), number)
        time.sleep(5)  # until the signal comes

    monkeypatch.setattr("napari_sr.files.tiff_writer.write_tiff", killed)

    result = run("upscale", "in.png", "out.tif", "--overwrite")

    assert result == told
    assert (tmp_path / "out.tif").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.png", "out.tif"]
    # the process is ending: a second signal must not add a traceback to what was told
    assert signal.getsignal(number) is signal.SIG_IGN


def test_libraries_do_not_speak_of_odd_metadata(run, tmp_path, recwarn):
    built = Image.Exif()
    built[0x010F] = "Camera of a name that is too long for four bytes"
    Image.new("L", (7, 9)).save(tmp_path / "in.jpg", exif=built.tobytes()[:-20])

    code, _, err = run("upscale", "in.jpg", "out.png")

    assert (code, err) == (0, "")
    assert [str(one.message) for one in recwarn if "TiffImagePlugin" in one.filename] == []


def test_a_full_disk_is_one_line(run, tmp_path, monkeypatch):
    Image.new("L", (7, 9)).save(tmp_path / "in.png")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    failed(run("upscale", "in.png", "out.png"), r"out\.png could not be written: No space left")
    assert [path.name for path in tmp_path.iterdir()] == ["in.png"]


def test_a_tilde_is_the_home_folder_in_every_path(run, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    (home / "mine.safetensors").write_bytes((SHIPPED / "fsrcnn-x2.safetensors").read_bytes())
    (home / "set").mkdir()
    Image.new("L", (24, 24), 9).save(home / "set" / "in.png")
    model = ("--model", "~/mine.safetensors", "--scale", 2)

    upscaled = run("upscale", "~/set/in.png", "~/out.png", *model)
    judged = run("evaluate", "~/set", *model, "--table", "~/t.md", "--picture", "~/p.png")
    exported = run("export", "~/mine.safetensors", "~/x.onnx", "--scale", 2)
    trained = run("train", "~/none.toml", "--data", "~/set", "--out", "~/run")

    assert (upscaled[0], judged[0], exported[0]) == (0, 0, 0), (upscaled, judged, exported)
    failed(trained, f"there is no recipe file {home}/none.toml")
    made = {"out.png", "t.md", "p.png", "x.onnx"}
    assert made < {path.name for path in home.iterdir()}
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_a_name_that_begins_with_a_tilde_is_no_home_folder(run, tmp_path):
    Image.new("L", (7, 9)).save(tmp_path / "~cells.png")

    assert run("upscale", "~cells.png", "~large.png") == (0, "", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["~cells.png", "~large.png"]


def test_a_checkpoint_of_an_unknown_network_is_one_line(run, tmp_path, random):
    import torch

    save_file({"a": torch.zeros(3)}, tmp_path / "odd.safetensors")
    tifffile.imwrite(tmp_path / "in.tif", noise(random, (9, 7), np.uint8))

    result = run("upscale", "in.tif", "out.tif", "--model", "odd.safetensors")

    failed(result, r"matches none of .* it has 1 tensors, the first of them a")


def test_models_are_judged_by_the_metrics_that_are_named(run, tmp_path, random):
    (tmp_path / "set").mkdir()
    Image.fromarray(noise(random, (48, 40, 3), np.uint8)).save(tmp_path / "set" / "a.png")

    code, out, _ = run(
        "evaluate", "set", "--model", "bicubic", "--metric", "FRC", "--metric", "ssim"
    )

    assert code == 0
    heads = [cell.strip() for cell in out.splitlines()[0].split("|")]
    assert heads[4:6] == ["FRC with the truth, px (less is better)", "SSIM"]


def test_an_unknown_metric_is_told_with_those_there_are(run):
    failed(
        run("evaluate", "nowhere", "--metric", "fid"), "psnr, ssim, frc, lpips, dists, got 'fid'"
    )


@pytest.mark.parametrize("name", ["read", "check_holds", "write"])
@pytest.mark.parametrize(
    "error",
    [MemoryError("Unable to allocate 9.00 TiB"), MemoryError(), RuntimeError("out of memory")],
    ids=str,
)
def test_lack_of_memory_is_one_line(run, tmp_path, monkeypatch, name, error):
    def fails(*args, **options):
        raise error

    Image.new("L", (20, 20)).save(tmp_path / "image.png")
    monkeypatch.setattr(formats, name, fails)

    code, _, told = run("upscale", "image.png", "large.png")

    assert code == 2
    assert told.startswith("Error: memory ran out while the command ran: close other programs")
    assert len(told.splitlines()) == 1
