"""Follow the operations of a network on meta tensors, without slow imports.

`torch.utils.flop_counter`, and torch's meta kernels, which are written in Python, import
torch.compile and SymPy. This takes a second of processor time. The mode here computes the shapes of
the operations that most networks consist of by itself (`meta_shapes`), and leaves others to torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.utils._python_dispatch import TorchDispatchMode

from napari_sr.graph.meta_shapes import empty_result

if TYPE_CHECKING:
    from collections.abc import Sequence


class MetaMode(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's has no types
    """A mode that, while active, passes each operation and its result to `follow`."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # likewise

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # if True, torch imports torch.compile, so that it can exclude `__torch_dispatch__` from it
        return False

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        result = empty_result(func, args, kwargs)
        if result is None:
            result = func(*args, **kwargs)
        self.follow(func, args, kwargs, result)
        return result

    def follow(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Take account of an operation of torch, its arguments and its result."""
        raise NotImplementedError(f"{type(self).__name__} must define follow")
