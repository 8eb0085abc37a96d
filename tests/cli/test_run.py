"""The command `napari-sr run`: the same pixels again, or what differs."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import torch
from records import record_of
from typer.testing import CliRunner

from napari_sr import models
from napari_sr.batch.job import BlockOptions, FileJob
from napari_sr.cli import upscale
from napari_sr.cli.commands import app
from napari_sr.cli.model import CommandError, reference
from napari_sr.cli.run import Again, run
from napari_sr.engine.planning.settings import Settings
from napari_sr.files.image import FileError
from napari_sr.files.lazy import open_lazy
from napari_sr.runs.record import RecordError, as_toml, read_record


@pytest.fixture
def source(tmp_path, random):
    path = tmp_path / "in.tif"
    stack = random.integers(0, 4096, (2, 50, 60)).astype(np.uint16)
    tifffile.imwrite(path, stack, metadata={"axes": "ZYX"})
    return path


def pixels(path):
    return np.squeeze(open_lazy(path).pixels[:])


def made(source, target, how=None, **changes):
    """Upscale a file by the command; return the result's pixels."""
    wanted = reference("fsrcnn-x2")
    settings = Settings(**{"value_range": (0, 4095), "tile": 32, **changes})
    upscale.run(FileJob(source, target, wanted, settings), how or BlockOptions())
    return pixels(target)


def toml_of(path, **changes):
    """Write the record of a result beside it."""
    record = {**read_record(path), **changes}
    target = path.with_name("record.toml")
    target.write_text(as_toml(record), encoding="utf-8")
    return target


@pytest.mark.parametrize("name", ["out.tif", "out.ome.tif", "out.ome.zarr"])
def test_a_result_is_made_again_from_its_own_file(source, tmp_path, name):
    expected = made(source, tmp_path / name)

    run(Again(tmp_path / name, target=tmp_path / "again.tif"))

    np.testing.assert_array_equal(pixels(tmp_path / "again.tif"), expected)


def test_toml_names_the_result(source, tmp_path):
    expected = made(source, tmp_path / "out.tif")

    run(Again(toml_of(tmp_path / "out.tif")))

    np.testing.assert_array_equal(pixels(tmp_path / "record.ome.tif"), expected)
    with pytest.raises(FileError, match=r"record\.ome\.tif exists"):
        run(Again(tmp_path / "record.toml"))
    run(Again(tmp_path / "record.toml", overwrite=True))


def test_another_image_is_upscaled_in_the_same_way(source, tmp_path, random):
    made(source, tmp_path / "out.tif")
    tifffile.imwrite(tmp_path / "other.tif", random.integers(0, 4096, (30, 40)).astype(np.uint16))

    run(Again(toml_of(tmp_path / "out.tif"), tmp_path / "other.tif", tmp_path / "again.tif"))

    expected = made(tmp_path / "other.tif", tmp_path / "expected.tif")
    np.testing.assert_array_equal(pixels(tmp_path / "again.tif"), expected)


def test_a_part_of_a_file_is_made_again(source, tmp_path):
    whole = made(source, tmp_path / "out.tif")
    part = toml_of(tmp_path / "out.tif", plane=(1,), region=((10, 40), (0, 30)))

    run(Again(part, target=tmp_path / "part.ome.tif"))

    np.testing.assert_array_equal(pixels(tmp_path / "part.ome.tif"), whole[1, 20:80, :60])


def test_the_result_of_a_layer_is_made_from_the_file_that_is_given(source, tmp_path):
    record = record_of(source_shape=(2, 50, 60), source_dtype="uint16", axes="ZYX")
    record["value_range"] = (0.0, 65535.0)
    (tmp_path / "record.toml").write_text(as_toml(record), encoding="utf-8")

    with pytest.raises(RecordError, match="the layer 'cells', not a file"):
        run(Again(tmp_path / "record.toml"))
    run(Again(tmp_path / "record.toml", source))

    expected = made(source, tmp_path / "expected.tif", value_range=None, tile=512, border="zeros")
    np.testing.assert_array_equal(pixels(tmp_path / "record.ome.tif"), expected)


def test_other_versions_and_another_source_are_told(source, tmp_path, capfd):
    made(source, tmp_path / "out.tif")
    record = toml_of(tmp_path / "out.tif", versions={"torch": "1.0"})
    stack = tifffile.imread(source)
    stack[0, 0, 0] += 1
    tifffile.imwrite(source, stack, metadata={"axes": "ZYX"})

    run(Again(record))

    told = capfd.readouterr().err
    assert "record.toml: Warning: the record was made with torch 1.0" in told
    assert "in.tif is not the recorded file, or has changed since" in told


@pytest.mark.needs("zarr")
def test_whole_planes_into_an_ome_zarr_are_told(source, tmp_path, capfd):
    made(source, tmp_path / "out.tif")

    run(Again(tmp_path / "out.tif", target=tmp_path / "again.ome.zarr"))

    assert "this run computes blocks: pixels may differ by rounding" in capfd.readouterr().err


def test_other_weights_are_refused(source, tmp_path):
    record = models.architecture("edsr")
    for seed, name in enumerate(("mine.pth", "other.pth")):
        torch.manual_seed(seed)
        torch.save(record.network(**record.example).state_dict(), tmp_path / name)
    job = FileJob(
        source, tmp_path / "out.tif", reference(str(tmp_path / "mine.pth"), 2), Settings()
    )
    upscale.run(job, BlockOptions())
    (tmp_path / "mine.pth").unlink()
    with pytest.raises(RecordError, match=r"mine with sha256 .*, but there is no file mine.pth"):
        run(Again(tmp_path / "out.tif", target=tmp_path / "again.tif"))
    (tmp_path / "other.pth").rename(tmp_path / "mine.pth")

    with pytest.raises(RecordError, match=r"the record needs weights of mine with"):
        run(Again(tmp_path / "out.tif", target=tmp_path / "again.tif"))


def test_a_result_needs_another_name(source, tmp_path):
    made(source, tmp_path / "out.tif")

    with pytest.raises(CommandError, match=r"out\.tif is a result itself: name another file"):
        run(Again(tmp_path / "out.tif"))


@pytest.mark.parametrize("name", ["out.tif", "out.ome.zarr"])
def test_a_consistent_result_is_made_again(source, tmp_path, name):
    target = tmp_path / name
    words = ["--model", "fsrcnn-x2", "--tile", "64", "--device", "cpu", "--engine", "torch"]
    given = ["upscale", str(source), str(target), *words, "--value-range", "0", "4095"]
    CliRunner().invoke(app, [*given, "--consistent"], catch_exceptions=False)
    plain = made(source, tmp_path / "plain.tif", tile=64)

    run(Again(target, target=tmp_path / "again.tif"))

    expected = pixels(target)
    np.testing.assert_array_equal(pixels(tmp_path / "again.tif"), expected)
    record, before = read_record(target), read_record(tmp_path / "plain.tif")
    assert record["consistent"] is True
    # noise from black to white: most of what is left was cut off at white
    assert record["consistency"]["rms"] < before["consistency"]["rms"]
    assert (expected != plain).any()
    again = read_record(tmp_path / "again.tif")
    assert again["consistency"] == record["consistency"]
