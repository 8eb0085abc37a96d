"""Super-resolution for napari: upscale images with networks, aligned with their source.

Most scripts need only `upscale`, `advise`, `check`, `load`, `blend`, `series`, `export`,
`fine_tune`, `resolution` and `run`. `import napari_sr` imports neither torch nor Qt; the functions
import them when they need them.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_sr.advice.advise import advise
    from napari_sr.api import upscale, upscale_lazy
    from napari_sr.batch.upscale_folder import upscale_folder
    from napari_sr.evaluation._resolution import resolution
    from napari_sr.evaluation.consistency import check
    from napari_sr.evaluation.uncertainty import uncertainty
    from napari_sr.loading import blend, load, series
    from napari_sr.onnx.export import export
    from napari_sr.runs.prefetch import prefetch
    from napari_sr.streaming.repeat import run
    from napari_sr.training.calibration import calibrate
    from napari_sr.training.finetuning.api import fine_tune

# PyTorch reads this variable when it allocates its first large tensor. On Linux, it then uses
# memory pages of 2 MiB, with which FSRCNN x2 took two thirds of the time on a CPU (one tile of
# 1024 x 1024 px)
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
# with this variable, the CPU computes the operations that an Apple GPU does not support; without
# it, they raise errors
os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")

__version__ = "0.1.0"
__all__ = [
    "__version__", "advise", "blend", "calibrate", "check", "export", "fine_tune", "load",
    "prefetch", "resolution", "run", "series", "uncertainty", "upscale", "upscale_folder",
    "upscale_lazy",
]  # fmt: skip
_ELSEWHERE = {
    "advise": "advice.advise",
    "blend": "loading",
    "calibrate": "training.calibration",
    "check": "evaluation.consistency",
    "export": "onnx.export",
    "fine_tune": "training.finetuning.api",
    "load": "loading",
    "prefetch": "runs.prefetch",
    "resolution": "evaluation._resolution",
    "run": "streaming.repeat",
    "series": "loading",
    "uncertainty": "evaluation.uncertainty",
    "upscale_folder": "batch.upscale_folder",
}


def __getattr__(name: str) -> Any:
    """Import a public function on its first use."""
    if name in __all__:
        home = _ELSEWHERE.get(name, "api")
        return getattr(import_module(f"napari_sr.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
