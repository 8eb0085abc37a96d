from __future__ import annotations

import pytest

from napari_sr.runs.failure import EXPECTED, in_words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device", "a.tif"), "a.tif: No space left on device"),
        (OSError("gone"), "gone"),
        (ValueError("no"), "no"),
        (ValueError(), "ValueError"),
        (RuntimeError("odd"), "odd"),
    ],
)
def test_an_error_is_told_in_its_own_words(error, words):
    assert isinstance(error, EXPECTED)
    assert in_words(error) == words


def test_a_lack_of_memory_is_told_in_ours():
    assert "memory" in in_words(MemoryError())
