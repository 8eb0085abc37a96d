"""Read the pickle in a PyTorch file without running any of its code.

A pickle is a program for a simple virtual machine, and can call any function by name. Here, calls
only make records: `_rebuild_tensor_v2` makes a `PickledTensor`, which says where the file stores
the values. So nothing is allocated before shapes are checked. The virtual machine is Python's
`pickle._Unpickler`, without the instructions that `torch.save` never writes, and with a memo that
cannot allocate much.
"""

from __future__ import annotations

import io
import pickle
import re
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from napari_sr.zoo.limits import MOST_STRUCTURE, RefusedError, size_of
from napari_sr.zoo.stored_tensor import Unusable
from napari_sr.zoo.torch_records import CALLED, KNOWN, Storage, mapping, put

if TYPE_CHECKING:
    from collections.abc import Callable

_OPERATIONS = (
    "PROTO STOP FRAME MARK POP POP_MARK DUP NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 "
    "LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE "
    "SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8 EMPTY_LIST LIST APPEND "
    "APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_DICT DICT SETITEM SETITEMS GET BINGET "
    "LONG_BINGET PUT BINPUT LONG_BINPUT MEMOIZE GLOBAL STACK_GLOBAL INST REDUCE BUILD BINPERSID"
)
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
NEAR = 2
"""A name that differs from a known name by at most this number of characters counts as damaged."""


def read_pickle(data: bytes, start: int = 0) -> tuple[Any, int]:
    """Return the content of a pickle, with records for tensors, and the position of its end.

    Parameters
    ----------
    data : bytes
        Bytes that contain the pickle.
    start : int
        Start of the pickle.

    Raises
    ------
    RefusedError
        If the pickle needs anything but tensors, or is too large.
    pickle.UnpicklingError, EOFError, ValueError, and other errors of Python's reader
        If it is damaged.
    """
    part = _Lines(data[start : start + MOST_STRUCTURE])
    try:
        return _Reader(part, encoding="utf-8").load(), start + part.tell()
    except (EOFError, pickle.UnpicklingError) as error:
        if part.tell() < MOST_STRUCTURE:
            raise
        raise RefusedError(
            f"is not a checkpoint: the list of its tensors is longer than {size_of(MOST_STRUCTURE)}"
        ) from error


class _Lines(io.BytesIO):
    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if not line.endswith(b"\n"):
            raise EOFError("it is cut off within a line")
        return line


class _Reader(pickle._Unpickler):
    """Python's own unpickler, restricted to what tensors need."""

    # attributes of Python's class, which declares no types for them
    stack: list[Any]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[Any]]

    def find_class(self, module: str, name: str) -> Any:
        """Return the record or function for a name.

        Raises
        ------
        RefusedError
            If the name is not one that tensors need.
        """
        wanted = f"{module.replace('__builtin__', 'builtins')}.{name}"
        if wanted in KNOWN:
            return KNOWN[wanted]
        if not _NAME.fullmatch(wanted) or _near_known(wanted):
            raise pickle.UnpicklingError(f"it names {wanted[:60]!r}, which does not exist")
        raise RefusedError(
            f"contains more than tensors: opening it would run {wanted[:100]}, which could "
            "start any program, so it is not opened; ask its author for the state_dict alone or "
            "a safetensors file"
        )

    def persistent_load(self, pid: Any) -> Storage | Unusable:
        """Return the record of a storage.

        Raises
        ------
        pickle.UnpicklingError
            If the object is not a storage.
        """
        kind, dtype, key, _, size, *view = pid
        if isinstance(dtype, Unusable):
            return dtype
        right = kind in ("storage", b"storage") and (dtype is None or type(dtype) is torch.dtype)
        if not right or type(size) is not int or size < 0 or type(key) not in (str, int):
            raise pickle.UnpicklingError(
                f"a storage needs a type, a key and a size, got {str(pid)[:60]}"
            )
        if not view or view[0] is None:
            return Storage(str(key), dtype, size)
        _, shift, size = view[0]
        if any(type(number) is not int or number < 0 for number in (shift, size)):
            raise pickle.UnpicklingError(
                f"a view of a storage needs an offset and a size of at least 0, got {view[0]}"
            )
        return Storage(str(key), dtype, size, shift)

    def _refuse(self) -> None:
        raise pickle.UnpicklingError("it contains an instruction that torch.save never writes")

    def load_reduce(self) -> None:
        arguments = self.stack.pop()
        function = self.stack[-1]
        if isinstance(function, Unusable):
            return
        if not isinstance(arguments, tuple) or function not in CALLED:
            raise pickle.UnpicklingError(
                f"it calls an object that is not a function, but a {type(function).__name__}"
            )
        self.stack[-1] = function(*arguments)

    def load_build(self) -> None:
        self.stack.pop()  # drops attributes, such as the versions of modules in `_metadata`

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        put(self.stack[-1], key, value)

    def load_setitems(self) -> None:
        items = self.pop_mark()
        for key, value in zip(items[::2], items[1::2], strict=True):
            put(self.stack[-1], key, value)

    def load_dict(self) -> None:
        items = self.pop_mark()
        self.append(mapping(zip(items[::2], items[1::2], strict=True)))

    dispatch: ClassVar[dict[int, Callable[..., None]]] = dict.fromkeys(range(256), _refuse)
    dispatch.update(
        (code, pickle._Unpickler.dispatch[code])
        for code in (getattr(pickle, name)[0] for name in _OPERATIONS.split())
    )
    dispatch |= {
        pickle.REDUCE[0]: load_reduce,
        pickle.BUILD[0]: load_build,
        pickle.SETITEM[0]: load_setitem,
        pickle.SETITEMS[0]: load_setitems,
        pickle.DICT[0]: load_dict,
    }


def _near_known(wanted: str) -> bool:
    """Return whether a name equals a known name except for a few damaged characters."""

    def differ(name: str) -> int:
        return sum(one != other for one, other in zip(name, wanted, strict=True))

    return any(len(name) == len(wanted) and differ(name) <= NEAR for name in KNOWN)
