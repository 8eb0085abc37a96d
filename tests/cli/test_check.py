"""`napari-sr check SOURCE RESULT`."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

import napari_sr
from napari_sr.cli import check
from napari_sr.cli.commands import app
from napari_sr.files.lazy import open_lazy
from napari_sr.runs.record import read_record


@pytest.fixture
def pair(tmp_path, random):
    """Return a source and its result."""
    source, result = tmp_path / "in.ome.tif", tmp_path / "out.ome.tif"
    pixels = random.integers(0, 4096, (2, 50, 60)).astype(np.uint16)
    metadata = {"axes": "CYX", "Name": "cells", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    metadata["Channel"] = {"Name": ["DAPI", "GFP"]}
    tifffile.imwrite(source, pixels, metadata=metadata)
    words = ["upscale", str(source), str(result), "--model", "bicubic-x2", "--device", "cpu"]
    CliRunner().invoke(app, words, catch_exceptions=False)
    return source, result


def test_the_figures_are_printed_and_the_map_lies_on_the_source(pair, tmp_path):
    source, result = pair
    target = tmp_path / "map.ome.tif"

    done = CliRunner().invoke(
        app, ["check", str(source), str(result), "--maps", str(target)], catch_exceptions=False
    )

    assert done.stdout.startswith("The shrunk result differs from the source by ")
    image, shown = open_lazy(source), open_lazy(target)
    assert shown.name == "cells [consistency, in noise]"
    assert shown.pixels.shape == image.pixels.shape
    assert shown.pixels.dtype == np.float32
    assert [one["label"] for one in shown.channels] == ["DAPI", "GFP"]
    assert {letter: shown.places[letter] for letter in "YX"} == {
        letter: image.places[letter] for letter in "YX"
    }


def test_the_model_is_that_of_the_record(pair, monkeypatch):
    seen = []
    original = check.check_steps

    def watched(source, result, model, **options):
        seen.append(model)
        return original(source, result, model, **options)

    monkeypatch.setattr(check, "check_steps", watched)
    check.run(*pair)
    check.run(*pair, "microscope")

    assert seen == ["bicubic-x2", "microscope"]


def upscaled(source, target, *words):
    """Upscale a file by the command; return what it printed."""
    words = [
        "upscale",
        str(source),
        str(target),
        "--model",
        "bicubic-x2",
        "--device",
        "cpu",
        *words,
    ]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("suffix", [".ome.tif", ".ome.zarr"])
def test_a_region_is_checked_against_its_part_and_the_map_lies_there(pair, tmp_path, suffix):
    source, _ = pair
    part, target = tmp_path / "part.ome.tif", tmp_path / f"map{suffix}"
    upscaled(source, part, "--region", "8", "48", "10", "60")

    check.run(source, part, target=target)

    image, shown = open_lazy(source), open_lazy(target)
    assert shown.pixels.shape == (2, 40, 50)
    assert shown.places["Y"].origin == pytest.approx(image.places["Y"].origin + 8 * 0.5)
    assert shown.places["X"].origin == pytest.approx(image.places["X"].origin + 10 * 0.5)
    assert shown.places["X"].size == 0.5
    assert shown.places["X"].unit == image.places["X"].unit
    values = shown.pixels[:]
    assert np.isnan(values[:, :2]).all()  # at inner borders, nothing is known
    assert np.isnan(values[:, :, :2]).all()
    assert np.isfinite(values[:, 2:-2, 2:]).all()
    known = napari_sr.check(
        image.pixels, open_lazy(part).pixels, axes="ZYX", region=((8, 48), (10, 60))
    )
    np.testing.assert_array_equal(np.asarray(known.map), values)


@pytest.mark.needs("zarr")
def test_axes_in_another_order_are_compared_by_their_letters(tmp_path, random):
    source, target = tmp_path / "in.ome.tif", tmp_path / "out.ome.zarr"
    pixels = random.integers(0, 255, (2, 2, 40, 50)).astype(np.uint8)  # as many Z as C
    tifffile.imwrite(source, pixels, metadata={"axes": "ZCYX"})
    upscaled(source, target)
    assert (open_lazy(source).axes, open_lazy(target).axes) == ("ZCYX", "CZYX")

    told = check.run(source, target, target=tmp_path / "map.ome.tif")

    record = read_record(target)["consistency"]
    assert f"by {record['rms']:.3g} (RMS)" in told
    assert record["pixels"] == record["of"] == pixels.size


def test_a_wrong_pair_is_refused(pair, tmp_path):
    source, result = pair
    with pytest.raises(ValueError, match="microscpe"):
        check.run(source, result, "microscpe")
    with pytest.raises(ValueError, match="a result needs the source's shape"):
        check.run(result, source)
    with pytest.raises(ValueError, match=r"out\.ome\.tif"):
        check.run(source, result, target=result, overwrite=True)
    small = tmp_path / "small.ome.tif"
    tifffile.imwrite(small, np.zeros((2, 30, 30), np.uint16), metadata={"axes": "ZYX"})
    part = tmp_path / "part.ome.tif"
    upscaled(source, part, "--region", "0", "40", "0", "40")
    with pytest.raises(ValueError, match="the result shows the part"):
        check.run(small, part)


@pytest.mark.parametrize("path", ["in.ome.tif", "folder/../in.ome.tif", "link.tif", "hard.tif"])
def test_one_file_given_twice_is_refused(pair, tmp_path, path):
    source, _ = pair
    (tmp_path / "folder").mkdir()
    if path == "link.tif":
        (tmp_path / path).symlink_to(source)
    if path == "hard.tif":
        (tmp_path / path).hardlink_to(source)

    with pytest.raises(ValueError, match="a source and its result, got the same file twice: "):
        check.run(source, tmp_path / path)


# napari-sr upscale --maps


def placed(path):
    """Return shape, axes and places of an image."""
    image = open_lazy(path)
    return image.pixels.shape, image.axes, {letter: image.places.get(letter) for letter in "YX"}


@pytest.mark.parametrize("result", ["out2.ome.tif", "out2.png", "out2.ome.zarr"])
@pytest.mark.parametrize("suffix", [".ome.tif", ".ome.zarr"])
def test_upscale_writes_the_map_beside_the_result(pair, tmp_path, random, result, suffix):
    source = pair[0]
    if result.endswith("png"):
        source = tmp_path / "in.tif"
        pixels = random.integers(0, 255, (40, 50, 3)).astype(np.uint8)
        tifffile.imwrite(source, pixels, photometric="rgb")
    target, maps = tmp_path / result, tmp_path / f"map{suffix}"

    told = upscaled(source, target, "--maps", str(maps))

    assert told.startswith("The shrunk result differs from the source by ")
    assert placed(maps)[:2] == placed(source)[:2]
    if not result.endswith("png"):  # it has no pixel size
        assert placed(maps)[2] == placed(source)[2]
    assert open_lazy(maps).pixels.dtype == np.float32
    larger = open_lazy(target).pixels
    whole = napari_sr.check(open_lazy(source).pixels, larger, "bicubic", axes=placed(source)[1])
    np.testing.assert_array_equal(open_lazy(maps).pixels[:], np.asarray(whole.map))
    figures = read_record(target)["consistency"]
    assert figures["rms"] == pytest.approx(whole.rms, rel=1e-9)
    assert figures["pixels"] == whole.pixels


@pytest.mark.needs("zarr")
def test_the_maps_of_a_region_and_of_named_axes(tmp_path, random):
    source = tmp_path / "in.tif"
    tifffile.imwrite(source, random.integers(0, 255, (3, 40, 50)).astype(np.uint8))
    first, second = tmp_path / "a.ome.zarr", tmp_path / "b.ome.zarr"
    words = ("--axes", "tyx", "--maps")

    upscaled(source, tmp_path / "whole.ome.zarr", *words, str(first))
    upscaled(
        source, tmp_path / "part.ome.zarr", "--region", "0", "30", "5", "50", *words, str(second)
    )

    assert open_lazy(first).axes == "TYX"
    assert open_lazy(second).pixels.shape == (3, 30, 45)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--maps", "OUT"), "new.ome.zarr is the result: give the map another name"),
        (("--maps", "IN"), "in.ome.tif is the image to upscale: give the map another name"),
        (
            ("--uncertainty", "u.ome.tif", "--maps", "u.ome.tif"),
            "u.ome.tif is the spread: give the map another name",
        ),
        (("--maps", "map.png"), "must end in"),
        (("--maps", "nowhere/map.ome.tif"), "there is no folder"),
        (("--maps", "map.ome.zarr", "--part", "1/2"), "with --finish"),
    ],
)
def test_a_map_that_cannot_be_written_is_refused_before_the_run(
    pair, tmp_path, monkeypatch, words, why
):
    monkeypatch.chdir(tmp_path)
    target = tmp_path / "new.ome.zarr"
    named = {"OUT": str(target), "IN": str(pair[0])}
    words = [named.get(word, word) for word in words]

    done = CliRunner().invoke(app, ["upscale", str(pair[0]), str(target), *words])

    assert why in str(done.exception)
    assert not target.exists()


@pytest.mark.parametrize("size", [(1, 1), (40, 23)])
def test_a_map_of_too_small_an_image_is_refused_before_the_run(tmp_path, size):
    source, target = tmp_path / "one.tif", tmp_path / "one_x2.tif"
    tifffile.imwrite(source, np.full(size, 7, np.uint8))
    words = ["upscale", str(source), str(target), "--model", "bicubic-x2", "--maps"]

    done = CliRunner().invoke(app, [*words, str(tmp_path / "map.ome.tif")])

    told = f"a check needs at least 24 x 24 pixels, got {size[0]} x {size[1]}"
    assert str(done.exception) == told
    assert list(tmp_path.iterdir()) == [source]


def test_alpha_is_left_out_of_the_figures_of_commands_and_records(tmp_path, random):
    pixels = random.integers(0, 255, (40, 50, 4)).astype(np.uint8)
    pixels[..., 3] = 255
    told, figures = [], []
    for name, channels in (("rgb", 3), ("rgba", 4)):
        source, target = tmp_path / f"{name}.png", tmp_path / f"{name}_x2.png"
        Image.fromarray(pixels[..., :channels]).save(source)
        upscaled(source, target)
        told.append(check.run(source, target))
        figures.append(read_record(target)["consistency"])

    assert "RMS" in told[0]
    assert told[1] == told[0]
    assert figures[1] == pytest.approx(figures[0])
    assert figures[0]["pixels"] == figures[0]["of"] == 40 * 50 * 3


def test_a_folder_has_no_map(pair, tmp_path):
    words = ["upscale", str(tmp_path), str(tmp_path / "results"), "--pattern", "*.tif"]

    done = CliRunner().invoke(app, [*words, "--maps", str(tmp_path / "map.ome.tif")])

    assert "for one image" in str(done.exception)
