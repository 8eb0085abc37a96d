"""Draw batches in advance with threads, so that the device never waits for them.

Symbols: N crops, C channels, H x W pixels, S scale.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

Pair: TypeAlias = tuple[Tensor, Tensor]


class BatchLoader:
    """A queue of batches that threads draw in advance, in the order of their numbers.

    Parameters
    ----------
    draw : callable
        Takes a number and returns LR and HR crops on any device; any thread may call it.
    device : torch.device
        The device that needs the crops.
    threads : int, optional
        Number of threads; by default, up to 8 for a CUDA device, and 1 for the CPU, which is busy
        with training.
    """

    def __init__(
        self, draw: Callable[[int], Pair], device: torch.device, threads: int | None = None
    ) -> None:
        self._cuda = device.type == "cuda"
        if threads is None:
            threads = max(1, min(8, (os.cpu_count() or 2) - 1)) if self._cuda else 1
        self._draw = draw
        self._device = device
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="napari-sr-crops")
        self._ahead = 2 * threads
        self._waiting: dict[int, Future[Pair]] = {}

    def __call__(self, number: int) -> Pair:
        """Return batch `number`, (N, C, H, W) and (N, C, S * H, S * W), on the device."""
        for wanted in range(number, number + self._ahead + 1):
            if wanted not in self._waiting:
                self._waiting[wanted] = self._pool.submit(self._drawn, wanted)
        lr, hr = self._waiting.pop(number).result()
        return (
            lr.to(self._device, non_blocking=self._cuda),
            hr.to(self._device, non_blocking=self._cuda),
        )

    def _drawn(self, number: int) -> Pair:
        lr, hr = self._draw(number)
        if not self._cuda or lr.is_cuda:
            return lr, hr
        return lr.pin_memory(), hr.pin_memory()

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)
