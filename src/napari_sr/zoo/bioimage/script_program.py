"""Run a foreign TorchScript file, on the CPU.

TorchScript is no Python: PyTorch's own interpreter runs it. But a program could still write or read
files, also while it is loaded. So its text is checked first, its operators when it is loaded, and
only plain computations are run.
"""

from __future__ import annotations

import io
import re
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from napari_sr.zoo.bioimage.own_thread import OwnThread
from napari_sr.zoo.limits import BROKEN, RefusedError, first_line
from napari_sr.zoo.zip_archive import ZipArchive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_GAP = r"(?:\s|\\|#[^\n]*\n)*"
"""What PyTorch's interpreter skips between two words: spaces, ends of lines, comments."""
_FORBIDDEN = re.compile(
    rf"\b(__setstate__|__getstate__|from_file|save|load|PythonOp|"
    rf"torch{_GAP}\.{_GAP}classes{_GAP}\.{_GAP}\w+|rpc_\w+|fork|wait|system|open){_GAP}\("
    rf"|\bops{_GAP}\.(?!{_GAP}(?:prim|aten){_GAP}\.)"
)
"""What a program must not contain: reading, writing, threads, custom operators, and code that runs
while the program is loaded."""
_CODE = ".py"
_OPERATORS = ("aten::", "prim::")
_HARMFUL = re.compile(r"::(_?save|_?load|from_file|PythonOp|fork|awaitable\w*|Call\w+|rpc\w*)$")
"""Operators that read or write files or run other code, and calls that are not known before."""


class ScriptProgram:
    """A network in a TorchScript file.

    Parameters
    ----------
    content : bytes
        The file.

    Raises
    ------
    RefusedError
        If it is damaged, or contains more than plain computations.
    """

    def __init__(self, content: bytes) -> None:
        try:
            archive = ZipArchive(content)
            texts = [archive.read(name) for name in archive.names if name.endswith(_CODE)]
            found = [_FORBIDDEN.search(text.decode("utf-8")) for text in texts]
            if not texts:
                raise RefusedError("has a TorchScript file that contains no program")
            forbidden = next((one[0] for one in found if one is not None), None)
            if forbidden is not None:
                raise RefusedError(
                    f"has a TorchScript program that contains {forbidden!r}: only plain "
                    "computations are run"
                )
            load: Any = torch.jit.load
            self._module = load(io.BytesIO(content), map_location="cpu").eval()
            # the text may call an operator by another name
            for kind in _kinds(self._module.inlined_graph):
                if not kind.startswith(_OPERATORS) or _HARMFUL.search(kind):
                    raise RefusedError(
                        f"has a TorchScript program that uses {kind!r}: only plain computations "
                        "are run"
                    )
        except RefusedError:
            raise
        except BROKEN as error:
            raise RefusedError(f"has a damaged TorchScript file ({first_line(error)})") from error
        self.weights = sum(one.numel() for one in self._module.parameters())
        """Number of weights."""
        self._thread = OwnThread()
        self._peak: dict[tuple[int, ...], float] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> ScriptProgram:
        """Return the same program: it is never changed."""
        return self

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the output for an input; the first one if there are several.

        Raises
        ------
        ValueError
            If the program fails; the message has the reason.
        CancelledError
            If the user cancelled the run meanwhile; a program that never ends goes on computing
            in a thread of its own until Python ends.
        """
        return self._thread.call(self._compute, image)

    def _compute(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            with torch.inference_mode():
                found = self._module(torch.from_numpy(np.ascontiguousarray(image)))
        except BROKEN as error:
            lines = [line for line in str(error).splitlines() if "Error" in line]
            reason = lines[-1][:120] if lines else first_line(error)
            raise ValueError(
                f"the TorchScript program failed for an input of {image.shape}: {reason}"
            ) from error
        found = found[0] if isinstance(found, tuple | list) and found else found
        if not isinstance(found, torch.Tensor):
            raise ValueError(f"the TorchScript program returned a {type(found).__name__}")
        result: NDArray[np.float32] = found.float().numpy()
        return result

    def values_at_once(self, shape: tuple[int, ...]) -> float:
        """Return the largest number of values in memory at once, for an input of this shape.

        It is measured with an image of this shape, so use small shapes.
        """
        if shape not in self._peak:
            with _Counter() as counter:  # it counts in this thread only
                self._compute(np.zeros(shape, np.float32))
            self._peak[shape] = counter.peak
        return self._peak[shape]


def _kinds(block: Any) -> Iterator[str]:
    """Yield the operators of a graph, and those in its loops and branches."""
    for node in block.nodes():
        yield node.kind()
        for inner in node.blocks():
            yield from _kinds(inner)


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no types here
    """A mode that counts the elements of tensors that exist at the same time, and their peak."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # as above
        self.alive = self.peak = 0
        self._seen: weakref.WeakSet[Any] = weakref.WeakSet()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation, and count its results."""
        result = func(*args, **(kwargs or {}))
        for one in tree_leaves(result):
            if isinstance(one, torch.Tensor):
                self._add(one.untyped_storage())
        return result

    def _add(self, storage: Any) -> None:
        if storage not in self._seen:
            self._seen.add(storage)
            self.alive += storage.nbytes() // 4
            self.peak = max(self.peak, self.alive)
            weakref.finalize(storage, self._remove, storage.nbytes() // 4)

    def _remove(self, count: int) -> None:
        self.alive -= count
