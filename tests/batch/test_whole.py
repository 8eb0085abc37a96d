"""An image that does not fit into memory is refused before it is read."""

from __future__ import annotations

import numpy as np
import psutil
import pytest
import tifffile

from napari_sr.batch.whole import least_scale, read
from napari_sr.runs.model import ModelReference


@pytest.mark.parametrize(
    ("model", "factor"),
    [(ModelReference("fsrcnn", 4), 17), (ModelReference("fsrcnn-x3"), 10), (ModelReference(), 5)],
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
