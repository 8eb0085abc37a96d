import subprocess
import sys

import numpy as np

from napari_sr.engine.planning.settings import Settings
from napari_sr.engine.planning.tiling import Region
from napari_sr.runs.model import ModelReference
from napari_sr.runs.source import Source
from napari_sr.streaming.preview_request import PreviewRequest, run_in_view


def test_a_request_brings_no_torch():
    code = "import sys, napari_sr.streaming.preview_request; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_nothing_is_computed_before_the_first_step(loader):
    data = np.zeros((40, 50), np.uint8)
    source = Source("cells", data, data.shape, "YX", False)
    region = Region(slice(0, 40), slice(0, 50))

    steps = run_in_view(
        PreviewRequest(source, (), region, ModelReference("fsrcnn-x2"), Settings(device="cpu"))
    )

    assert loader.asked == []
    assert next(steps) is None
    assert loader.asked[0][0] == "fsrcnn-x2"
    steps.close()
