"""Records of runs: one that is complete, and Hypothesis' strategies for others."""

from __future__ import annotations

from hypothesis import strategies as st

from napari_sr.zoo.registry import find

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: round(number, 3))
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1
)
NAMES = TEXTS.filter(lambda name: name.strip(" ./~-") and "/" not in name and name[0] not in "~-")
RANGES = st.tuples(NUMBERS, NUMBERS).filter(lambda pair: pair[0] < pair[1])


def record_of(**changes):
    """Return the record of a run of the default model on a layer."""
    entry = find("fsrcnn-x2")
    return {
        "model": "fsrcnn-x2",
        "scale": 2,
        "file": "/home/alice/.cache/napari-sr/fsrcnn-x2.safetensors",
        "sha256": entry.sha256,
        "options": {},
        "tile": 50,
        "value_range": (0.0, 255.0),
        "notes": ["'quoted' \"text\"", "line\nbreak"],
        "guards": {"outliers": 0, "outliers_from_to": None, "result_from_to": (0.0, 255.0)},
        "versions": {"napari-sr": "0.1.0", "torch": "2.13.0", "numpy": "2.4.6"},
        "settings": {
            "tile": 512,
            "halo": None,
            "device": "cpu",
            "precision": "float32",
            "value_range": None,
            "kernels": "auto",
            "outliers": "clip",
            "ensemble": False,
            "engine": "torch",
        },
        "source": "cells",
        "source_path": None,
        "source_shape": (40, 50),
        "source_dtype": "uint8",
        "axes": "YX",
        "plane": None,
        **changes,
    }


@st.composite
def settings(draw):
    """Draw the settings of a run as a record has them."""
    return {
        "tile": draw(st.integers(16, 4096)),
        "halo": draw(st.none() | st.integers(0, 64)),
        "device": draw(st.sampled_from(["cpu", "cuda:0", "mps"])),
        "precision": draw(st.sampled_from(["float32", "float16", "bfloat16"])),
        "value_range": draw(st.none() | RANGES),
        "kernels": draw(st.sampled_from(["auto", "reference", "triton"])),
        "outliers": draw(st.sampled_from(["clip", "mark", "keep"])),
        "ensemble": draw(st.booleans()),
        "engine": draw(st.sampled_from(["torch", "openvino", "onnxruntime"])),
        "border": draw(st.sampled_from(["reflect", "zeros"])),
    }


@st.composite
def weights(draw):
    """Draw a checkpoint of the user's own."""
    name = draw(NAMES)
    numbers = NUMBERS.filter(lambda number: number == number) | st.integers(-9, 9) | st.booleans()
    keys = st.sampled_from(["res_scale", "input_range", "groups"])
    return {
        "model": name,
        "scale": 3,
        "file": f"/data/my weights/{name}.pth",
        "sha256": draw(st.text("0123456789abcdef", min_size=64, max_size=64)),
        "options": draw(st.dictionaries(keys, numbers, max_size=2)),
    }


@st.composite
def records(draw):
    """Draw the record of a run on a file."""
    first = draw(weights())
    model = first
    if draw(st.booleans()):
        both = [first, {**draw(weights()), "options": first["options"]}]
        share = draw(st.floats(0, 1).map(lambda number: round(number, 3)))
        model = {"model": "a blend", "scale": 3, "weight": share, "blended": both}
        model |= {"sha256": None, "file": None, "options": None}
    decided = draw(settings())
    return record_of(
        **model,
        settings=decided,
        source=None,
        source_path=f"/data/{draw(NAMES)}.tif",
        source_axes=draw(st.none() | st.just("ZYX")),
        source_shape=(3, 40, 50),
        source_dtype="uint16",
        axes="ZYX",
        value_range=decided["value_range"] or (0.0, 65535.0),
    )
