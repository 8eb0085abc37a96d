"""Which network a command asks for, and what the file says of who made it."""

from __future__ import annotations

import numpy as np
import psutil
import pytest
import tifffile

import napari_sr
from napari_sr.cli import terminal
from napari_sr.cli.model import CommandError, load, reference
from napari_sr.cli.upscale import declared, least_scale, read, software


def test_no_two_ranges_are_taken():
    assert declared((0, 9), None) == (0, 9)
    assert declared(None, (1, 99)).high == 99
    with pytest.raises(CommandError, match=r"got \(0, 9\) and \(1, 99\)"):
        declared((0, 9), (1, 99))


def test_the_file_says_all_that_made_it(pair):
    with terminal.bars() as bars:
        network = load(reference(pair[0], 2, {}, pair[1], 0.3), bars)
    hashes = [each["sha256"] for each in network.provenance["blended"]]

    told = software({**network.provenance, "ensemble": True})

    assert told == (
        f"napari-sr {napari_sr.__version__}, 0.7 psnr + 0.3 gan, "
        f"sha256 {hashes[0]} and {hashes[1]}, mean of 8 views"
    )
    plain = {"model": "near", "sha256": "12", "ensemble": False}
    assert software(plain).endswith(", near, sha256 12")


@pytest.mark.parametrize(
    ("model", "factor"),
    [(reference("fsrcnn", 4), 17), (reference("fsrcnn-x3"), 10), (reference(None), 5)],
)
def test_a_result_that_cannot_fit_is_refused_before_the_image_is_read(
    tmp_path, monkeypatch, model, factor
):
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, np.zeros((1000, 1000), np.uint8))
    memory = type("Memory", (), {"available": factor * 10**6 - 1})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(tifffile.TiffFile, "asarray", lambda *args, **options: pytest.fail("read"))

    with pytest.raises(ValueError, match=r"need 1 MiB of memory, its result \d+ MiB more"):
        read(path, None, least_scale(model))
