"""Boxes with the settings of a run, and their explanations."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox, QSpinBox

from napari_sr.widgets.common.preferences import preference

ENGINES = {
    "automatic": ("auto", "auto"),
    "PyTorch": ("torch", "reference"),
    "OpenVINO": ("openvino", "auto"),
    "ONNX Runtime": ("onnxruntime", "auto"),
    "Triton kernels": ("auto", "triton"),
}
"""The settings `engine` and `kernels` for each choice of Engine."""


def usual_engine() -> str:
    """Return the engine that the user prefers."""
    preferred = preference("upscaling", "engine", "automatic")
    return preferred if preferred in ENGINES else "automatic"


def precision_box() -> QComboBox:
    """Return a box of precisions, whose data are values of the setting."""
    words = ("float32", "float16", "bfloat16")
    return _choices(
        {"automatic": "auto", **{word: word for word in words}},
        "Half precision is faster on GPUs; a tile that\n"
        "overflows is computed again in float32. Automatic uses it on CUDA only.",
    )


def outliers_box() -> QComboBox:
    """Return a box of treatments of outliers, whose data are values of the setting."""
    return _choices(
        {"clip": "clip", "mark as NaN": "mark", "keep": "keep"},
        "What to do with results far outside the range of the image's values. A network that\n"
        "does not suit the image may produce them; a message then tells how many.\n"
        "Only images of floats can hold NaN.",
    )


def border_box() -> QComboBox:
    """Return a box of treatments of the border, whose data are values of the setting."""
    return _choices(
        {"automatic": "auto", "reflect": "reflect", "zeros, as in papers": "zeros"},
        "What the network sees beyond the border of the image. Most networks see zeros, so the\n"
        "outermost rows are wrong even in a flat image. Automatic puts up to 6 reflected pixels\n"
        "before them, except for networks that gather values from the whole image.",
    )


def engine_box() -> QComboBox:
    """Return a box of engines, whose data are keys of `ENGINES`."""
    return _choices(
        {words: words for words in ENGINES},
        "The library that computes. Automatic takes the fastest one that is installed and agrees\n"
        "with PyTorch: OpenVINO or ONNX Runtime on a CPU, Triton kernels on a GPU by NVIDIA.\n"
        "A run never waits for it: PyTorch computes until it is ready.",
    )


def tile_box() -> QSpinBox:
    """Return a box with the side of tiles in LR pixels; 0 is automatic."""
    box = QSpinBox()
    box.setRange(0, 16384)
    box.setSingleStep(32)
    box.setSpecialValueText("automatic")
    box.setSuffix(" px")
    box.setToolTip(
        "Side of the tiles, in pixels of the source, halo included. 0 chooses it by memory and\n"
        "time. Smaller tiles take less memory and can be cancelled sooner; the result is the\n"
        "same."
    )
    return box


def _choices(choices: dict[str, str], tip: str) -> QComboBox:
    """Return a box with the choices in words, their values, and a tip."""
    box = QComboBox()
    for words, value in choices.items():
        box.addItem(words, value)
    box.setToolTip(tip)
    return box
