"""Count what exists in this process: threads, widgets, timers, Python objects, memory."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import threading
from collections import Counter

from odd_checks import resident
from qtpy.QtCore import QEvent, QThreadPool, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

KEPT_BY_NAPARI = (
    "napari_sr.widgets.common.worker._Quit",
    "napari.utils.task_status.TaskStatusItem",
    "uuid.UUID",
    "weakref.WeakMethod",
)
"""napari's list of tasks keeps an object of these classes for each run, until the window closes."""
SHOWN = "Qt widgets", "Python objects", "heap, MiB", "resident, MiB"
"""What the table shows of each count."""


class _Memory(ctypes.Structure):
    """The result of glibc's `mallinfo2`; see mallinfo(3)."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


TUNABLES = (
    "glibc.malloc.arena_max=1:glibc.malloc.mmap_threshold=65536:glibc.malloc.trim_threshold=65536"
)
"""Settings of glibc with which freed memory soon returns to the system.

Otherwise, each thread's arena keeps up to 64 MiB of freed memory at its top, for later use: then
the resident size jumps, although the memory in use stays the same.
"""

_LIBC = ctypes.CDLL("libc.so.6")
_LIBC.mallinfo2.restype = _Memory


def return_freed_memory() -> None:
    """Start this script again with `TUNABLES`, which glibc reads only when a program starts."""
    if os.environ.get("GLIBC_TUNABLES") != TUNABLES:
        os.environ["GLIBC_TUNABLES"] = TUNABLES
        os.execv(sys.executable, [sys.executable, *sys.argv])  # this script


def heap() -> float:
    """Return the MiB that were allocated with `malloc` and not freed yet, in all arenas.

    The resident size also counts freed memory that lies between blocks in use.
    """
    info = _LIBC.mallinfo2()
    return float(info.uordblks + info.hblkhd) / 2**20


def count() -> dict[str, float]:
    """Return what exists, by name, after deleted widgets and unreachable objects were freed."""
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QTest.qWait(30)
    gc.collect()
    kinds = Counter(_name(one) for one in gc.get_objects())
    for name in KEPT_BY_NAPARI:
        kinds.pop(name, None)
    widgets = QApplication.allWidgets()
    found = {name: float(number) for name, number in kinds.items()}
    found["threads"] = float(threading.active_count())
    found["Qt threads"] = float(QThreadPool.globalInstance().activeThreadCount())
    found["Qt widgets"] = float(len(widgets))
    found["timers"] = float(sum(len(one.findChildren(QTimer)) for one in widgets))
    found["Python objects"] = float(kinds.total())
    del kinds, widgets
    found["Python blocks"] = float(sys.getallocatedblocks())
    found["heap, MiB"] = heap()
    _LIBC.malloc_trim(0)  # return free memory to the system
    found["resident, MiB"] = resident()
    return found


def _name(one: object) -> str:
    kind = type(one)
    return f"{kind.__module__}.{kind.__qualname__}"
