"""Every Python block of the README and of docs/ runs, or its page says why it is not run.

A comment `<!-- not run: REASON -->` above a block says so. Such a block must still compile, and its
imports and the keywords of its calls of napari_sr must exist.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import re
import shutil
from importlib import import_module
from pathlib import Path
from textwrap import indent
from types import SimpleNamespace
from typing import NamedTuple

import extras
import numpy as np
import pytest
import torch
from reference import SHARED
from tifffile import imread, imwrite

import napari_sr
from napari_sr import models
from napari_sr.cli.commands import app
from napari_sr.runs.record import as_toml, read_record
from napari_sr.training.finetuning.api import fine_tune as real_fine_tune
from napari_sr.zoo.download import SHIPPED

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(?:<!-- not run: (?P<why>.+?) -->\n+)?```python\n(?P<code>.*?)```", re.DOTALL)
SMALL = np.random.default_rng(0).integers(60, 200, (2, 64, 72), np.uint8)
"""Two planes of noise between bright and dark."""


SPECIAL = {
    "README.md": {"stack": SMALL[None]},
    "guide.md": {"result": SMALL},
    "region.md": {"image": np.tile(SMALL[0], (5, 7))},
}
"""Variables that are special on a page."""


class Block(NamedTuple):
    page: str
    code: str
    why: str | None
    """Why the block is not run; None if it is."""


def blocks():
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for found in BLOCK.finditer(path.read_text(encoding="utf-8")):
            yield Block(path.name, found["code"], found["why"])


BLOCKS = list(blocks())
RUN = [block for block in BLOCKS if block.why is None]
NOT_RUN = [block for block in BLOCKS if block.why is not None]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Return a folder with the files that blocks read."""
    folder = tmp_path_factory.mktemp("files")
    with contextlib.chdir(folder):
        write_files()
    return folder


@pytest.fixture
def names(prepared, tmp_path, monkeypatch):
    """Return the variables that blocks use, in a folder with the files that they read.

    Training is replaced by a copy of a network, once its arguments have been checked.
    """
    from napari.components import ViewerModel

    monkeypatch.chdir(shutil.copytree(prepared, tmp_path / "files"))
    monkeypatch.setenv("NAPARI_SR_WEIGHTS", str(SHARED / "weights"))
    monkeypatch.setenv("NAPARI_SR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(napari_sr, "fine_tune", fine_tune, raising=False)
    image, result = SMALL[0], imread("cells_x2.ome.tif")
    layer = SimpleNamespace(
        data=result,
        metadata={"napari-sr": read_record(Path("cells_x2.ome.tif"))},
        scale=np.ones(3),
        translate=np.zeros(3),
    )
    return {
        **dict.fromkeys(("image", "cells", "first"), image),
        **dict.fromkeys(("second", "other"), SMALL[1]),
        **dict.fromkeys(("result", "truth"), result),
        "other_result": result[::-1],
        "napari_sr": napari_sr,  # a page imports it once
        "stack": SMALL,
        "low": 0,
        "high": 255,
        "pairs": [(image, result)],
        "viewer": ViewerModel(),
        "layer": layer,
        "zarr_in": image,
        "zarr_out": np.empty_like(result),
        "zarr_spread": np.empty(result.shape, np.float32),
    }


def fine_tune(*arguments, **options):
    bound = inspect.signature(real_fine_tune).bind(*arguments, **options)
    shutil.copy(SHIPPED / "fsrcnn-x2.safetensors", bound.arguments["target"])
    return SimpleNamespace(verdict="better", path=Path(bound.arguments["target"]))


def write_files():
    for seed, name in enumerate(("psnr.pth", "gan.pth", "my_checkpoint.pth")):
        torch.manual_seed(seed)
        record = models.architecture("edsr")
        torch.save(record.network(**record.example).state_dict(), name)
    compact = models.architecture("compact")
    restoring = compact.network(**{**compact.example, "scale": 1, "channels": 3})
    torch.save(restoring.state_dict(), "restore.pth")
    imwrite("cells.tif", SMALL[0])
    app(["upscale", "cells.tif", "cells_x2.ome.tif"], standalone_mode=False)
    record = as_toml(read_record(Path("cells_x2.ome.tif")))
    Path("record.toml").write_text(record, encoding="utf-8")


@pytest.mark.parametrize("block", RUN, ids=lambda block: block.page)
def test_a_block_runs(block, names):
    if re.search(r"\"(bsrn|rfdn)", block.code) and not SHARED.is_dir():
        pytest.skip("needs authors' checkpoints in ../shared")
    if "zarr" in block.code and (why := extras.missing("zarr")):
        pytest.skip(why)
    if "import zarr" in block.code:
        import zarr

        zarr.save_array("slide.zarr", SMALL[0])

    names["__name__"] = "block"  # not "__main__"
    exec(compile(block.code, block.page, "exec"), {**names, **SPECIAL.get(block.page, {})})


@pytest.mark.parametrize("block", NOT_RUN, ids=lambda block: block.page)
def test_a_block_that_is_not_run_names_what_exists(block):
    # inside a function, because a block may be part of one
    tree = ast.parse("def block():\n" + indent(block.code, "    "))
    compile(tree, block.page, "exec")

    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("napari_sr"):
            module = import_module(node.module)
            assert [name.name for name in node.names if not hasattr(module, name.name)] == []
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("napari_sr."):
            function = getattr(napari_sr, ast.unparse(node.func).partition(".")[2])
            keywords = [keyword.arg for keyword in node.keywords]
            inspect.signature(function).bind_partial(*node.args, **dict.fromkeys(keywords))
