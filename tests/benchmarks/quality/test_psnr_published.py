"""Published figures are measured again by their authors' protocol."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from napari_sr import models
from napari_sr.zoo.registry import entries


@torch.inference_mode()
def directly(image, network):
    """Upscale without the engine, which would come to the same."""
    return network(image.float())


@pytest.mark.parametrize(
    ("file", "scale"),
    [
        ("fsrcnn/fsrcnn_x2.npz", 2),
        ("fsrcnn/fsrcnn_x4.npz", 4),
        ("srcnn/official_915_91_x4.mat", 4),
        ("rfdn/RFDN_AIM.pth", 4),
    ],
)
def test_published_figures_on_set5_are_reproduced(benchmark, shared, file, scale):
    published = benchmark("quality/psnr_published")
    (check,) = (one for one in published.CHECKS if (one.file, one.scale) == (file, scale))
    network = published.load(check, shared / "weights")

    pairs = published.ImageSet(shared / "data/Set5").pairs(scale)
    values = [published.judged(pair, network, check.way, directly) for pair in pairs]

    psnr, ssim = check.found["Set5"]
    assert np.mean(values, axis=0)[0] == pytest.approx(psnr, abs=published.ENOUGH)
    assert np.mean(values, axis=0)[1] == pytest.approx(ssim, abs=3e-4)


def test_files_are_found_as_prefetch_names_them(benchmark, shared, tmp_path):
    published = benchmark("quality/psnr_published")
    sums = {entry.file: entry.sha256 for entry in entries()}

    for file, name in published.PREFETCHED.items():
        content = (shared / "weights" / file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == sums[name], file
    (check,) = (one for one in published.CHECKS if one.file == "bsrn/net_g_BSRN_x2.pth")
    assert published.file_of(check, tmp_path) is None
    (tmp_path / "bsrn-x2.pth").touch()
    assert published.file_of(check, tmp_path) == tmp_path / "bsrn-x2.pth"


def test_quarters_of_an_image_are_put_back_in_their_places(benchmark, monkeypatch):
    published = benchmark("quality/psnr_published")
    monkeypatch.setattr(published, "LARGEST", 1500)
    monkeypatch.setattr(published, "whole", directly)
    network = models.architecture("fsrcnn").network(**models.architecture("fsrcnn").example).eval()
    image = torch.rand(1, 1, 71, 50)

    quarters, whole = published.in_quarters(image, network), directly(image, network)

    # the overlap is wider than what the network sees
    torch.testing.assert_close(quarters, whole, rtol=0, atol=1e-6)
