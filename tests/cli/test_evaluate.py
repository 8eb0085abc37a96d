"""Judging models on a set, as the command line does."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image

from napari_sr.cli.evaluate import Request, label_of, run
from napari_sr.cli.model import CommandError, reference
from napari_sr.evaluation import perceptual
from napari_sr.evaluation.benchmark import Protocol
from napari_sr.files.image import FileError
from napari_sr.zoo._torchvision import import_on_torchvision

NEAREST = [reference("nearest", 2), reference("bilinear-x2")]


@pytest.fixture
def folder(tmp_path):
    """Return a set of two small images."""
    rng = np.random.default_rng(0)
    (tmp_path / "cells").mkdir()
    for name in "ab":
        pixels = rng.integers(0, 256, (24, 30, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "cells" / f"{name}.png")
    return tmp_path / "cells"


def test_a_table_and_a_picture_are_written(folder, tmp_path):
    table, picture = tmp_path / "t.csv", tmp_path / "p.png"

    printed = run(Request(folder, NEAREST, Protocol(), table=table, picture=picture))

    assert [line.split(" | ")[2] for line in printed.splitlines()[2:]] == ["nearest", "bilinear"]
    assert table.read_text().count("mean") == 2
    assert Image.open(picture).mode == "RGB"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cells", "p.png", "t.csv"]


def test_a_markdown_table_is_what_is_printed(folder, tmp_path):
    table = tmp_path / "t.md"

    printed = run(Request(folder, NEAREST, Protocol(), table=table))

    assert table.read_text().strip() == printed


def test_networks_of_luma_show_colours(folder, tmp_path, monkeypatch):
    picture = tmp_path / "p.png"

    run(Request(folder, [reference("fsrcnn", 2)], Protocol(), picture=picture))

    pixels = np.array(Image.open(picture)).astype(int)
    detail = pixels[8 : 8 + 80, -100:-10]
    assert np.ptp(detail, axis=2).max() > 20


def test_an_image_that_is_not_there_is_told_before_anything_is_written(folder, tmp_path):
    request = Request(
        folder, NEAREST, Protocol(), table=tmp_path / "t.csv", picture=tmp_path / "p.png",
        pictured="c",
    )  # fmt: skip

    with pytest.raises(CommandError, match="no image 'c' in the set: it has a, b"):
        run(request)

    assert [path.name for path in tmp_path.iterdir()] == ["cells"]


def test_a_metric_s_missing_package_is_told_before_a_model_is_looked_for(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "piq", None)
    for kept in (perceptual._metric, import_on_torchvision):
        kept.cache_clear()
    request = Request(folder, [reference("no model", 2)], Protocol(metrics=("psnr", "lpips")))

    with pytest.raises(CommandError, match=r"LPIPS needs .* 'napari-sr\[perceptual\]'"):
        run(request)


@pytest.mark.parametrize("wrong", [{"table": "t.txt"}, {"picture": "p.jpg"}, {"table": "x/t.md"}])
def test_a_place_that_cannot_be_written_is_told_first(tmp_path, wrong):
    places = {what: tmp_path / name for what, name in wrong.items()}

    # the folder does not exist either, which would be noticed later
    with pytest.raises(FileError, match=r"must end in|no folder .*x"):
        run(Request(tmp_path / "nowhere", NEAREST, Protocol(), **places))


def test_models_are_called_without_scale_and_files_by_name(tmp_path):
    file = tmp_path / "mine-x2.pth"
    file.touch()

    assert [label_of(reference(name)) for name in ("bsrn-x4", "bsrn", str(file))] == [
        "bsrn",
        "bsrn",
        "mine-x2.pth",
    ]
