"""Ops are found by their files' names, and imported one at a time."""

from __future__ import annotations

import subprocess
import sys

import pytest

import sr_kernels


def test_an_unknown_name_is_told_what_there_is():
    with pytest.raises(ValueError, match=r"no op is called 'fft'; there are"):
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
