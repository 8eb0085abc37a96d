"""What kernel tests need: a device, its dtypes, and the kernels chosen."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
import torch

import sr_kernels
from sr_kernels._triton import HAS_TRITON, INTERPRETED

# where there is no Triton (macOS), there are no kernels to test
collect_ignore_glob = [] if HAS_TRITON else ["test_*"]

ON_GPU = torch.cuda.is_available()

if INTERPRETED and find_spec("triton._utils"):  # older versions have another interpreter
    import quick_interpreter

    quick_interpreter.install()

DTYPES = (
    [torch.float16, torch.bfloat16] if ON_GPU else [torch.float32, torch.float16, torch.bfloat16]
)


@pytest.fixture(params=[pytest.param("cuda", marks=pytest.mark.gpu) if ON_GPU else "cpu"])
def device(request):
    """The GPU, or the CPU under Triton's interpreter where there is none."""
    return torch.device(request.param)


@pytest.fixture(params=DTYPES, ids=lambda dtype: str(dtype).removeprefix("torch."))
def dtype(request):
    return request.param


@pytest.fixture
def kernels():
    """Choose the kernels, and start their count from zero."""
    sr_kernels.reset_launched()
    with sr_kernels.use_kernels("triton"):
        yield


@pytest.fixture
def nan_in_new_memory():
    """Fill new tensors with NaN, so that what a kernel leaves unwritten shows."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)
