"""Fields that magicgui makes from a function: its types, its defaults and its docstring."""

from __future__ import annotations

from contextlib import suppress
from functools import wraps
from inspect import Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from magicgui.widgets import FunctionGui
from magicgui.widgets.bases import CategoricalWidget

from napari_sr.widgets.common.memory import remember, remembered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

NONE = "none"
"""What a list shows in place of a layer that need not be chosen."""


class RememberedGui(FunctionGui):  # type: ignore[type-arg]  # magicgui 0.7 is not generic
    """The fields of a function; `memory.py` saves their values for the next session.

    magicgui itself would pickle the values into its own folder, from a timer's thread.

    Parameters
    ----------
    function : callable
        A function whose parameters have types and are described in its docstring.
    options : mapping
        magicgui's options for parameters, by parameter name.
    forgotten : iterable of str
        Parameters whose values are not saved.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        options: Mapping[str, dict[str, Any]],
        forgotten: Iterable[str] = (),
    ) -> None:
        self._forgotten = frozenset(forgotten)
        super().__init__(
            _with_types(function),
            call_button=False,
            labels=False,
            persist=True,
            param_options=dict(options),
        )
        for widget in self:
            if isinstance(widget, CategoricalWidget):
                widget.null_string = NONE
                widget.reset_choices()

    def _dump(self, path: object = None) -> None:
        """Save the values; magicgui calls this after each change."""
        kept = {
            name: str(value) if isinstance(value, Path) else value
            for name, value in self.asdict().items()
            if name not in self._forgotten and isinstance(value, str | int | float | Path)
        }
        remember(self.name, kept)

    def _load(self, path: object = None, quiet: bool = False) -> None:
        """Restore the saved values that are still valid."""
        for name, value in remembered(self.name).items():
            widget: Any = getattr(self, name, None)
            if name not in self._forgotten and hasattr(widget, "value"):
                with suppress(ValueError, TypeError):
                    widget.value = value


def _with_types(function: Callable[..., Any]) -> Callable[..., Any]:
    """Resolve the types that a signature names, because magicgui cannot.

    Keyword-only parameters are left out: they are for scripts.
    """

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        return function(*args, **options)

    found = signature(function).replace(return_annotation=Signature.empty)
    shown = [one for one in found.parameters.values() if one.kind is not one.KEYWORD_ONLY]
    call.__annotations__ = {one.name: one.annotation for one in shown}
    kinds = get_type_hints(call)
    shown = [one.replace(annotation=kinds[one.name]) for one in shown]
    call.__signature__ = found.replace(parameters=shown)  # type: ignore[attr-defined]
    return call
