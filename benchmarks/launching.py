"""Launch an op otherwise than it would be.

Imported by processes that compile kernels and by such that interpret them.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest import mock

import sr_kernels
from sr_kernels import _configuration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor


@contextmanager
def launched_with(op: str, candidate: Mapping[str, int]) -> Iterator[dict[str, dict[str, int]]]:
    """Launch one op with other options inside.

    Yields
    ------
    dict of str to dict
        By op, the options that were asked for inside, with the values that would have held.
    """
    seen: dict[str, dict[str, int]] = {}
    real = _configuration.configuration

    def spy(name: str, x: Tensor, **usual: int) -> dict[str, int]:
        seen[name] = real(name, x, **usual)
        return {**seen[name], **(candidate if name == op else {})}

    # every op imports the function by name, and must not do so while it is another
    for name in sr_kernels.names():
        sr_kernels.op(name)
    homes = [
        module
        for name, module in sys.modules.items()
        if name.startswith("sr_kernels.")
        and module is not _configuration
        and getattr(module, "configuration", None) is real
    ]
    patches = [mock.patch.object(home, "configuration", spy) for home in homes]
    for patch in patches:
        patch.start()
    try:
        yield seen
    finally:
        for patch in patches:
            patch.stop()
