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
    """Return a box to choose the precision; item data are the setting's values."""
    words = ("float32", "float16", "bfloat16")
    return _choices(
        {"automatic": "auto", **{word: word for word in words}},
        "float16 and bfloat16 are faster on GPUs; a tile that overflows is computed again in\n"
        "float32. Automatic uses them on CUDA only.",
    )


def outliers_box() -> QComboBox:
    """Return a box to choose what to do with outliers; item data are the setting's values."""
    return _choices(
        {"clip": "clip", "mark as NaN": "mark", "keep": "keep"},
        "What to do with values of the result far outside the range of the image's values. A\n"
        "network that does not suit the image may produce them; a message then says how many.\n"
        "Only images of floats can contain NaN.",
    )


def border_box() -> QComboBox:
    """Return a box to choose how to extend the border; item data are the setting's values."""
    return _choices(
        {"automatic": "auto", "reflect": "reflect", "zeros, as in papers": "zeros"},
        "What the network sees beyond the border of the image. With zeros, the outermost rows of\n"
        "the result are wrong even in a flat image. Automatic puts up to 6 reflected pixels\n"
        "between image and zeros, except for networks that use values of the whole image.",
    )


def engine_box() -> QComboBox:
    """Return a box to choose the engine; item data are keys of `ENGINES`."""
    return _choices(
        {words: words for words in ENGINES},
        "The software that runs the network. Automatic takes the fastest one that is installed\n"
        "and agrees with PyTorch: OpenVINO or ONNX Runtime on a CPU, Triton kernels on an NVIDIA\n"
        "GPU. A run in memory never waits for it: PyTorch computes until it is ready. A run into\n"
        "a folder that takes minutes waits, so that one engine computes all blocks.",
    )


def tile_box() -> QSpinBox:
    """Return a box with the side of tiles in LR pixels; 0 is automatic."""
    box = QSpinBox()
    box.setRange(0, 16384)
    box.setSingleStep(32)
    box.setSpecialValueText("automatic")
    box.setSuffix(" px")
    box.setToolTip(
        "Side of the tiles in pixels of the source, including their overlap (halo). 0 chooses the\n"
        "side by memory and time. Smaller tiles take less memory and can be cancelled sooner; the\n"
        "result is the same."
    )
    return box


def _choices(choices: dict[str, str], tip: str) -> QComboBox:
    """Return a box with a tooltip and choices: words as text, values as item data."""
    box = QComboBox()
    for words, value in choices.items():
        box.addItem(words, value)
    box.setToolTip(tip)
    return box
