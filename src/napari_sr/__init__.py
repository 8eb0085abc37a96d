"""Super-resolution for napari: upscale images with networks, exactly in place.

`upscale`, `load` and `blend` are all that most scripts need. Nothing heavy is imported before it is
used: `import napari_sr` brings neither torch nor Qt.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_sr.api import blend, load, upscale
    from napari_sr.onnx.export import export

__version__ = "0.1.0"
__all__ = ["__version__", "blend", "export", "load", "upscale"]


def __getattr__(name: str) -> Any:
    """Import the public functions when they are first asked for."""
    if name in __all__:
        home = "onnx.export" if name == "export" else "api"
        return getattr(import_module(f"napari_sr.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
