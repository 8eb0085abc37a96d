"""Descriptions as public packages have them, with small weights made here.

Axes, sizes, steps, types and formats are those of the examples of the format itself
(github.com/bioimage-io/spec-bioimage-io, `example_descriptions/models`, read in November 2026), and
of Noise2Void's exporter (github.com/juglab/n2v).
"""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import torch
from bioimage_packages import Enlarger, npy, sha, weights, write

from napari_sr.zoo.bioimage.load import open_package
from napari_sr.zoo.checkpoint import CheckpointError

pytestmark = pytest.mark.needs("onnx")
ANY = [float("-inf"), float("inf")]
RAW = np.random.default_rng(0).integers(100, 4000, (64, 64)).astype(np.float32)


def space(name, size, **more):
    """Return an axis of the format 0.5; X needs no name."""
    return {"type": "space", "size": size, **({} if name == "x" else {"id": name}), **more}


def newer(before, after, size=64, scale=1, halo=32, first="raw", version="0.5.11"):
    """Return a description in the style of `unet2d_nuclei_broad/bioimageio.yaml`."""
    channel = {"type": "channel", "channel_names": ["raw_intensity"]}
    outputs = [
        space(
            name,
            {"tensor_id": first or "input", "axis_id": name},
            halo=halo,
            scale=1 / scale,
        )
        for name in "yx"
    ]
    tensor = {
        "axes": [{"type": "batch", "size": 1}, channel, space("y", size), space("x", size)],
        "preprocessing": before,
        "test_tensor": {"source": "test_input.npy"},
    }
    return {
        "format_version": version,
        "type": "model",
        "name": "As published",
        "inputs": [{**tensor, **({"id": first} if first else {})}],
        "outputs": [
            {
                "id": "result",
                "axes": [{"type": "batch"}, channel, *outputs],
                "postprocessing": after,
                "test_tensor": {"source": "test_output.npy"},
            }
        ],
    }


def older(before, after, shape, result, axes="bcyx", halo=None):
    """Return a description in the style of the format 0.4."""
    tensor = {"axes": axes, "data_range": ANY, "data_type": "float32"}
    return {
        "format_version": "0.4.9",
        "type": "model",
        "name": "As published",
        "inputs": [{**tensor, "name": "input", "shape": shape, "preprocessing": before}],
        "outputs": [
            {
                **tensor,
                "name": "output",
                "shape": result,
                "postprocessing": after,
                "halo": halo or [0, 0, 8, 8],
            }
        ],
        "test_inputs": ["test_input.npy"],
        "test_outputs": ["test_output.npy"],
    }


def step(name, **kwargs):
    return {"id": name, "kwargs": kwargs}


def old_step(name, **kwargs):
    return {"name": name, "kwargs": kwargs}


FLOAT = step("ensure_dtype", dtype="float32")


def standardised(x):
    return (x - x.mean()) / (x.std() + 1e-6)


def scaled(x):
    low, high = np.percentile(x.astype(np.float64), (1.0, 99.8))
    return (x - low) / (high - low + 1e-6)


def fixed(x):
    return (x - 2000.0) / (1100.0 + 1e-6)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def same(x):
    return x


CASES = {
    "unet2d_nuclei_broad": (
        newer([FLOAT, step("zero_mean_unit_variance", axes=["x", "y"]), FLOAT], [step("sigmoid")]),
        standardised, sigmoid, 1,
    ),
    "unet2d_diff_output_shape, enlarging": (
        newer(
            [FLOAT, step("zero_mean_unit_variance", axes=["channel", "y", "x"]), FLOAT], [FLOAT],
            {"min": 32, "step": 16}, 2, 0, first="", version="0.5.13",
        ),
        standardised, same, 2,
    ),
    "unet2d_fixed_shape": (
        older(
            [old_step("zero_mean_unit_variance", axes="cyx", mode="per_sample")], [],
            [1, 1, 64, 64], [1, 1, 64, 64],
        ),
        standardised, same, 1,
    ),
    "upsample_test_model": (
        older(
            [], [], {"min": [1, 1, 5, 5], "step": [0, 0, 5, 5]},
            {"reference_tensor": "input", "scale": [1.0, 0.0, 4.0, 4.0], "offset": [0, 0.5, 0, 0]},
            halo=[0, 0, 0, 0],
        ),
        same, same, 4,
    ),
    "unet2d_keras_tf2, one channel": (
        older(
            [old_step("scale_range", axes="xyc", min_percentile=1.0, max_percentile=99.8,
                      mode="per_sample")],
            [], [1, 64, 64, 1],
            {"reference_tensor": "input", "scale": [1.0] * 4, "offset": [0.0] * 4}, axes="bxyc",
        ),
        scaled, same, 1,
    ),
    "n2v": (
        older(
            [old_step("zero_mean_unit_variance", mode="fixed", axes="cyx", mean=2e3, std=1100.0)],
            [old_step("scale_linear", axes="cyx", gain=1100.0, offset=2e3)],
            {"min": [1, 1, 4, 4], "step": [0, 0, 4, 4]},
            {"reference_tensor": "input", "scale": [1.0] * 4, "offset": [0.0] * 4},
        ),
        fixed, lambda x: x * 1100.0 + 2000.0, 1,
    ),
    "n2v, statistics of the data set": (
        older(
            [old_step("zero_mean_unit_variance", mode="per_dataset", axes="yx")], [],
            {"min": [1, 1, 4, 4], "step": [0, 0, 4, 4]},
            {"reference_tensor": "input", "scale": [1.0] * 4, "offset": [0.0] * 4},
        ),
        standardised, same, 1,
    ),
}  # fmt: skip


def channels_last(scale):
    """Return TorchScript weights for tensors with the channel last and X before Y."""

    class Turned(Enlarger):
        def forward(self, image):
            return super().forward(image.permute(0, 3, 2, 1)).permute(0, 3, 2, 1)

    module, file = Turned(scale=scale).eval(), io.BytesIO()
    torch.jit.save(torch.jit.trace(module, torch.rand(1, 20, 16, 1)), file)
    return file.getvalue()


def package(path, about, before, after, scale, kinds=("torchscript", "pytorch_state_dict")):
    """Write a package whose test result its author's program computed."""
    last = about["inputs"][0]["axes"] == "bxyc"
    raw = RAW[:60, :60] if scale == 4 else RAW  # sizes that the network takes
    with torch.inference_mode():
        entering = torch.from_numpy(before(raw).astype(np.float32))[None, None]
        large = Enlarger(scale=scale).eval()(entering).numpy()
    pair = [raw[None, None], after(large.astype(np.float64)).astype(np.float32)]
    if last:
        pair = [np.ascontiguousarray(one.transpose(0, 3, 2, 1)) for one in pair]
    content = channels_last(scale) if last else weights("torchscript", scale=scale)
    entries = {"source": "weights.pt", "sha256": sha(content)}
    about["weights"] = {kind: {**entries, "architecture": "unet.py:UNet"} for kind in kinds}
    parts = {"rdf.yaml": json.dumps(about).encode(), "weights.pt": content}
    parts |= {"test_input.npy": npy(pair[0]), "test_output.npy": npy(pair[1])}
    return write(path, parts)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_opens_and_gives_its_author_s_result(tmp_path, case):
    about, before, after, scale = case
    found = open_package(package(tmp_path / "a.zip", about, before, after, scale))

    assert found.network.scale == scale
    assert "gives its author's result" in found.remarks[-1]
    per_data_set = "Statistics of the data set are those of each plane." in found.remarks
    assert per_data_set is ("per_dataset" in json.dumps(about))


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (step("softmax", axis="channel"), "softmax, which turns channels into probabilities"),
        (
            step("scale_mean_variance", reference_tensor="raw"),
            "scale_mean_variance, which gives the whole result .* tiles would differ",
        ),
        (step("stardist_postprocessing"), "which finds objects"),
        (step("custom"), "is a program of its author"),
        (step("zero_mean_unit_variance", axes=["x", "y"]), "needs values of the whole result"),
    ],
    ids=lambda one: one["id"] if isinstance(one, dict) else "",
)
def test_steps_that_do_not_fit_images_are_refused_with_the_reason(tmp_path, after, why):
    path = package(tmp_path / "a.zip", newer([FLOAT], [after]), same, same, 1)

    with pytest.raises(CheckpointError, match=why):
        open_package(path)


@pytest.mark.parametrize(
    ("kinds", "why"),
    [
        (("pytorch_state_dict",), "weights in the formats pytorch_state_dict, but only onnx and"),
        (("keras_hdf5", "tensorflow_saved_model_bundle"), "keras_hdf5, tensorflow_saved_model"),
    ],
)
def test_weights_that_need_its_author_s_program_are_refused(tmp_path, kinds, why):
    path = package(tmp_path / "a.zip", newer([FLOAT], []), same, same, 1, kinds)

    with pytest.raises(CheckpointError, match=why):
        open_package(path)


def test_a_network_that_shrinks_is_refused(tmp_path):
    path = package(tmp_path / "a.zip", newer([FLOAT], [], scale=0.5), same, same, 1)

    with pytest.raises(CheckpointError, match=r"enlarges 0\.5 and 0\.5 times: only whole numbers"):
        open_package(path)
