from __future__ import annotations

from napari_sr.batch.job import BlockOptions


def test_only_other_processes_compute_elsewhere():
    assert not BlockOptions(part=(1, 2)).elsewhere
    assert BlockOptions(workers=2).elsewhere
    assert BlockOptions(scheduler="tcp://here:1").elsewhere


def test_any_option_asks_for_blocks():
    assert not BlockOptions().asks
    assert BlockOptions(version="0.4").asks
