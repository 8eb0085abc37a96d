"""`napari-sr check SOURCE RESULT`."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_sr.cli import check
from napari_sr.cli.commands import app
from napari_sr.cli.model import CommandError
from napari_sr.files.lazy import open_lazy


@pytest.fixture
def pair(tmp_path, random):
    """Return a source and its result."""
    source, result = tmp_path / "in.ome.tif", tmp_path / "out.ome.tif"
    pixels = random.integers(0, 4096, (2, 50, 60)).astype(np.uint16)
    tifffile.imwrite(
        source, pixels, metadata={"axes": "ZYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    )
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
    assert shown.pixels.shape == image.pixels.shape
    assert shown.pixels.dtype == np.float32
    assert {letter: shown.places[letter] for letter in "YX"} == {
        letter: image.places[letter] for letter in "YX"
    }


def test_the_model_is_that_of_the_record(pair, monkeypatch):
    seen = []
    original = check.check

    def watched(source, result, model, **options):
        seen.append(model)
        return original(source, result, model, **options)

    monkeypatch.setattr(check, "check", watched)
    check.run(*pair)
    check.run(*pair, "microscope")

    assert seen == ["bicubic-x2", "microscope"]


def test_a_part_and_a_wrong_pair_are_refused(pair, tmp_path):
    source, result = pair
    words = ["upscale", str(source), str(tmp_path / "part.ome.tif"), "--region", "0", "40", "0"]
    CliRunner().invoke(app, [*words, "40", "--model", "bicubic-x2"], catch_exceptions=False)

    with pytest.raises(CommandError, match="a part of its source"):
        check.run(source, tmp_path / "part.ome.tif")
    with pytest.raises(ValueError, match="microscpe"):
        check.run(source, result, "microscpe")
    with pytest.raises(ValueError, match="a result needs the source's shape"):
        check.run(result, source)
    with pytest.raises(ValueError, match=r"out\.ome\.tif"):
        check.run(source, result, target=result, overwrite=True)
