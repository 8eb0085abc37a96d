from __future__ import annotations

import subprocess
import sys

from napari_sr.streaming import layer, layer_request


def test_the_run_begins_when_it_is_driven(monkeypatch):
    def steps(request):
        yield request
        return {"source": request}

    monkeypatch.setattr(layer, "run_layer", steps)
    run = layer_request.run_in_folder("cells")

    assert next(run) == "cells"


def test_the_form_that_offers_it_does_not_import_torch():
    code = "import sys, napari_sr.streaming.layer_request; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
