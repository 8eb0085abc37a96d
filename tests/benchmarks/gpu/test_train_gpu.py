"""The script for a bare machine with a GPU reads every recipe as it was meant, without pydantic."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from napari_sr.training import recipe

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "gpu" / "train_gpu.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("train_gpu", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", recipe.names())
def test_a_packed_recipe_is_the_same(script, name):
    config = recipe.read(name)
    packed = json.loads(json.dumps(recipe.as_table(config)))

    assert script.made(script.Config, packed) == config
