"""`napari-sr upscale --uncertainty`: the result of --ensemble, and its spread in its place."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

import napari_sr
from napari_sr.cli import uncertainty
from napari_sr.cli.commands import app
from napari_sr.cli.model import CommandError
from napari_sr.engine.planning import block_size
from napari_sr.evaluation.spread_figures import spread_figures
from napari_sr.files.image import FileError
from napari_sr.files.lazy import open_lazy
from napari_sr.runs.record import read_record


@pytest.fixture
def source(tmp_path, random):
    path = tmp_path / "in.ome.tif"
    stack = random.integers(0, 4096, (2, 30, 40)).astype(np.uint16)
    sizes = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25, "SignificantBits": 12}
    tifffile.imwrite(path, stack, metadata={"axes": "ZYX", **sizes})
    return path


def upscale(source, target, *words, code=0):
    """Run the command; return what it printed."""
    given = ["upscale", str(source), str(target), "--model", "fsrcnn-x2", "--device", "cpu"]
    done = CliRunner().invoke(app, [*given, *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.output


@pytest.mark.parametrize("suffix", [".ome.tif", ".ome.zarr"])
@pytest.mark.parametrize("region", [(), ("--region", "4", "24", "5", "35")], ids=["whole", "part"])
def test_both_files_lie_in_place_and_equal_the_function_s(source, tmp_path, suffix, region):
    paths = [tmp_path / f"{name}{suffix}" for name in ("result", "spread")]

    upscale(source, paths[0], "--uncertainty", str(paths[1]), *region)

    result, spread = map(open_lazy, paths)
    place = ((4, 24), (5, 35)) if region else None
    expected = napari_sr.uncertainty(
        tifffile.imread(source), "fsrcnn-x2", axes="ZYX", value_range=(0, 4095), region=place,
        device="cpu",
    )  # fmt: skip
    np.testing.assert_array_equal(result.pixels[:], np.minimum(expected.result, 4095))
    np.testing.assert_array_equal(spread.pixels[:], expected.spread)
    assert spread.places == result.places
    assert spread.places["X"].size == 0.25
    assert spread.name.endswith("spread of 8 views]")


def test_the_record_of_the_result_names_the_ensemble(source, tmp_path):
    told = upscale(source, tmp_path / "out.tif", "--uncertainty", str(tmp_path / "map.ome.tif"))

    measured = spread_figures("fsrcnn-x2")["Set14"]["spearman"]
    assert (
        f"map.ome.tif: the spread ranks errors with a Spearman correlation of {measured:.2f}"
        in (" ".join(told.split()))
    )
    assert read_record(tmp_path / "out.tif")["ensemble"] is True


def test_what_does_not_go_together_is_refused(source, tmp_path):
    target, spread = tmp_path / "out.ome.tif", tmp_path / "map.ome.tif"

    with pytest.raises(CommandError, match="need two files"):
        upscale(source, target, "--uncertainty", str(target))
    with pytest.raises(CommandError, match="need two files"):  # the same file by another path
        upscale(source, target, "--uncertainty", str(tmp_path / "x" / ".." / target.name))
    with pytest.raises(CommandError, match="--uncertainty computes in memory"):
        upscale(source, target, "--uncertainty", str(spread), "--workers", "2")
    with pytest.raises(FileError, match=str(source)):
        upscale(source, target, "--uncertainty", str(source), "--overwrite")
    with pytest.raises(ValueError, match="--uncertainty is for one image"):
        upscale(tmp_path, tmp_path / "out", "--pattern", "*.tif", "--uncertainty", str(spread))
    assert not target.exists()


@pytest.mark.needs("zarr")
@pytest.mark.parametrize("suffix", [".ome.tif", ".ome.zarr"])
@pytest.mark.parametrize("axes", ["ZYX", "YXS"])
def test_an_image_larger_than_memory_gets_the_same_bits_block_by_block(
    tmp_path, random, suffix, axes, monkeypatch
):
    source, paths = tmp_path / "in.tif", [tmp_path / f"{name}{suffix}" for name in ("out", "map")]
    pixels = random.integers(0, 65536, (2, 130, 70) if axes == "ZYX" else (130, 70, 3))
    tifffile.imwrite(source, pixels.astype(np.uint16), photometric="rgb" if "S" in axes else None)
    monkeypatch.setattr(block_size, "SIDES", (64,))
    monkeypatch.setattr(uncertainty, "IN_MEMORY", 2**50)

    told = upscale(source, paths[0], "--uncertainty", str(paths[1]), "--axes", axes)

    result, spread = map(open_lazy, paths)
    expected = napari_sr.uncertainty(pixels.astype(np.uint16), "fsrcnn-x2", axes=axes, device="cpu")
    np.testing.assert_array_equal(result.pixels[:], expected.result)
    np.testing.assert_array_equal(spread.pixels[:], expected.spread)
    assert read_record(paths[0])["block"] == [64, 64]
    assert (result.name, spread.name) == ("in [fsrcnn-x2]", "in [fsrcnn-x2, spread of 8 views]")
    assert "90% probability" in " ".join(told.split())
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(
        one.name for one in (source, *paths)
    )
