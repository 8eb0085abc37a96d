"""Choose between deterministic and fast computation on a GPU."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def arithmetic(device: torch.device, *, deterministic: bool) -> Iterator[None]:
    """Context manager: make a CUDA device deterministic or fast; other devices do not change.

    PyTorch warns about operations that have no deterministic algorithm.
    """
    if device.type != "cuda":
        yield
        return
    # cuBLAS reads this variable at its first use
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    backend: Any = torch.backends.cudnn
    utils: Any = torch.utils.deterministic
    before = (
        backend.deterministic,
        backend.benchmark,
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        utils.fill_uninitialized_memory,
        torch.get_float32_matmul_precision(),
    )
    backend.deterministic, backend.benchmark = deterministic, not deterministic
    torch.use_deterministic_algorithms(deterministic, warn_only=True)
    utils.fill_uninitialized_memory = False  # filling would write all new memory twice
    torch.set_float32_matmul_precision("highest" if deterministic else "high")
    try:
        yield
    finally:
        backend.deterministic, backend.benchmark = before[:2]
        torch.use_deterministic_algorithms(before[2], warn_only=before[3])
        utils.fill_uninitialized_memory = before[4]
        torch.set_float32_matmul_precision(before[5])
