from __future__ import annotations

import pytest

from napari_sr.files.patterns import read_patterns


def test_a_pattern_has_a_text_for_each_folder():
    assert read_patterns(["*.tif", "**/x/*"]) == [("*.tif",), ("**", "x", "*")]


@pytest.mark.parametrize("text", ["", "/a", "../a"])
def test_a_pattern_stays_below_the_folder(text):
    with pytest.raises(ValueError, match="names below the folder"):
        read_patterns([text])
