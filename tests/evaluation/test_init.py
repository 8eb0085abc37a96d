"""The metrics, handed on when they are asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

import napari_sr.evaluation as evaluation


def test_every_name_is_a_function():
    assert all(callable(getattr(evaluation, name)) for name in dir(evaluation))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'mse'"):
        _ = evaluation.mse


def test_metrics_need_no_torch():
    code = (
        "import sys; from napari_sr.evaluation import psnr, ssim; sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_metric_stays_a_function_when_its_file_was_imported_before():
    code = (
        "import sys, napari_sr.evaluation._psnr, napari_sr.evaluation._ssim; "
        "from napari_sr.evaluation import psnr, ssim; "
        "from napari_sr.evaluation._psnr import psnr as same; "
        "sys.exit(not (callable(psnr) and callable(ssim) and psnr is same))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
