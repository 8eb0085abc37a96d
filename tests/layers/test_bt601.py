from __future__ import annotations

import numpy as np
import pytest

from napari_sr.layers.bt601 import LUMA_OF_BLACK, LUMA_OF_WHITE, OFFSET, TO_YCBCR


@pytest.mark.parametrize(
    ("rgb", "ycbcr"),
    # what MATLAB's rgb2ycbcr([0 0 0]), ([1 1 1]) and ([1 0 0]) return
    [((0, 0, 0), (16, 128, 128)), ((1, 1, 1), (235, 128, 128)), ((1, 0, 0), (81.481, 90.203, 240))],
)
def test_colours_have_the_luma_and_chroma_that_matlab_gives_them(rgb, ycbcr):
    found = np.array(TO_YCBCR) @ rgb + OFFSET

    assert found == pytest.approx(ycbcr, abs=1e-9)
    assert {(0, 0, 0): LUMA_OF_BLACK, (1, 1, 1): LUMA_OF_WHITE}.get(rgb, found[0] / 255) * 255 == (
        pytest.approx(ycbcr[0])
    )
