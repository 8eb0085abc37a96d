"""Blocks of 64 pixels, so that small images have many."""

from __future__ import annotations

import pytest


@pytest.fixture
def small_blocks(monkeypatch):
    from napari_sr.streaming import result

    monkeypatch.setattr("napari_sr.engine.planning.blocks.SIDES", (64,))
    result.opened.cache_clear()
    yield
    result.opened.cache_clear()
