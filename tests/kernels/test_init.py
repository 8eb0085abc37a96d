"""Ops are found by their files' names, and imported one at a time."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sr_kernels

SOURCES = sorted(Path(sr_kernels.__file__).parent.glob("*.py"))


def test_an_unknown_name_is_told_what_there_is():
    with pytest.raises(ValueError, match=r"there is no op 'fft'; the ops are"):
        sr_kernels.op("fft")


def test_files_with_an_underscore_are_no_ops():
    assert [name for name in sr_kernels.names() if name.startswith("_")] == []


@pytest.mark.parametrize("name", sr_kernels.names())
def test_a_record_describes_the_function_of_its_name(name):
    assert sr_kernels.op(name).public.__name__ == name


def test_importing_the_package_brings_neither_torch_nor_triton():
    code = "import sys, sr_kernels; print([m for m in ('torch', 'triton') if m in sys.modules])"

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert printed.stdout.strip() == "[]"


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"'sr_kernels' has no attribute 'fuse'"):
        _ = sr_kernels.fuse


@pytest.mark.parametrize("name", sr_kernels.names())
def test_a_file_names_its_paper_its_traffic_and_its_best_possible_speed_up(name):
    words = importlib.import_module(f"sr_kernels.{name}").__doc__

    assert "https://" in words
    assert re.search(r"Bytes[:,]|number of\s+launches", words)
    assert re.search(r"at\s+best", words, re.IGNORECASE)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_launched_kernel_begins_with_what_one_program_owns(path):
    source = path.read_text()
    lines = source.splitlines()
    kernels = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef)
        and node.name.endswith("_kernel")
        and node.decorator_list
    ]

    for kernel in kernels:
        first = lines[kernel.body[0].lineno - 2 :: -1]
        comments = next(at for at, line in enumerate(first) if not line.lstrip().startswith("#"))
        assert comments, kernel.name
        assert first[comments - 1].lstrip().startswith("# one program: "), kernel.name
