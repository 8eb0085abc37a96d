"""Which network a command asks for, and what the file says of who made it."""

from __future__ import annotations

import pytest

import napari_sr
from napari_sr.cli import terminal
from napari_sr.cli.model import CommandError, load, reference
from napari_sr.cli.upscale import declared
from napari_sr.runs.file_record import software


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
