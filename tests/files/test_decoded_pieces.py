"""Decoded strips and tiles of a TIFF are kept within a budget."""

from __future__ import annotations

import numpy as np

from napari_sr.files import decoded_pieces
from napari_sr.files.decoded_pieces import DecodedPieces


def test_the_piece_that_was_used_longest_ago_is_dropped(monkeypatch):
    monkeypatch.setattr(decoded_pieces, "BUDGET", 20)
    pieces = DecodedPieces()
    for number in (0, 1):
        pieces.put((0, number), np.zeros(10, np.uint8))
    pieces.get((0, 0))

    pieces.put((0, 2), np.zeros(10, np.uint8))

    assert [pieces.get((0, number)) is not None for number in range(3)] == [True, False, True]


def test_the_last_piece_is_kept_even_if_it_exceeds_the_budget(monkeypatch):
    monkeypatch.setattr(decoded_pieces, "BUDGET", 20)
    pieces, large = DecodedPieces(), np.zeros(30, np.uint8)

    pieces.put((0, 0), large)

    assert pieces.get((0, 0)) is large
