"""An exported network says the same as the network, at any size, and nothing else is written."""

from __future__ import annotations

import onnx
import onnxruntime
import pytest
import torch
from fakes import Chunked, Nearest

import napari_sr
from napari_sr import models
from napari_sr.files.image import FileError
from napari_sr.onnx import export as onnx_export
from napari_sr.onnx.export import TOLERANCE, ExportError, export
from napari_sr.onnx.probes import probes

KINDS = [
    *((name, {}) for name in models.names()),
    ("interpolation", {"method": "nearest"}),
    ("interpolation", {"method": "bicubic-torch"}),
    ("johnson", {"norm": "instance"}),
    ("rfdn", {"reduction": 4}),
]
SIZES = [(1, 1, 2), (3, 23, 40)]
"""Images, height and width, as near as a network takes; none is traced, or checked by `export`."""


def sizes_of(network):
    for images, *sides in SIZES:
        step = network.multiple
        yield images, *(-(-max(side, network.least_size) // step) * step for side in sides)


def run(path, image):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (result,) = session.run(["result"], {"image": image.numpy()})
    return torch.from_numpy(result)


def label(path):
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


@pytest.fixture
def small(example):
    return example("fsrcnn")


@pytest.mark.parametrize(("name", "options"), KINDS, ids=str)
def test_the_file_says_what_the_network_says_at_every_size(name, options, example, tmp_path):
    network = example(name, **options)

    path = export(network, tmp_path / "a.onnx")

    graph = onnx.load(path).graph
    assert {node.domain for node in graph.node} == {""}, "only programs with our kernels can run it"
    for images, height, width in sizes_of(network):
        image = torch.rand(images, network.channels, height, width)
        with torch.inference_mode():
            expected = network(image)
        result = run(path, image)
        assert result.dtype == torch.float32
        # in one pixel, results may all be equal
        spread = max(float(expected.max() - expected.min()), 1e-2)
        assert (result - expected).abs().max() <= TOLERANCE * spread


def test_the_opset_is_the_one_that_is_asked_for(small, tmp_path):
    model = onnx.load(export(small, tmp_path / "a.onnx", opset=20))

    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 20)]
    assert not model.functions


def test_number_of_images_height_and_width_are_open(small, tmp_path):
    path = export(small, tmp_path / "a.onnx")

    (entry,) = onnx.load(path).graph.input
    dimensions = entry.type.tensor_type.shape.dim
    assert [size.dim_param or size.dim_value for size in dimensions] == [
        "images", 1, "height", "width",
    ]  # fmt: skip


def test_the_file_says_what_it_is(tmp_path):
    path = napari_sr.export("fsrcnn", tmp_path / "a.onnx", 2)

    about = label(path)
    entry = napari_sr.zoo.registry.find("fsrcnn-x2")
    assert about["model"] == "fsrcnn-x2"
    assert (about["scale"], about["channels"], about["value_range"]) == ("2", "1", "0..1")
    assert about["sees"] == "luma, 16/255 black, 235/255 white"
    assert (about["weights_sha256"], about["licence"]) == (entry.sha256, entry.licence)
    assert about["napari_sr"] == napari_sr.__version__
    assert float(about["max_error"]) < TOLERANCE


def test_of_a_network_just_built_nothing_is_claimed(small, tmp_path):
    about = label(export(small, tmp_path / "a.onnx"))

    assert about["model"] == about["network"] == "FSRCNN"
    assert about["weights_sha256"] == about["licence"] == "unknown"


def test_the_network_stays_as_it_is_and_the_file_is_in_float32(small, tmp_path):
    small.half().train()

    path = export(small, tmp_path / "a.onnx")

    assert small.training
    assert {parameter.dtype for parameter in small.parameters()} == {torch.float16}
    assert {tensor.data_type for tensor in onnx.load(path).graph.initializer} <= {
        onnx.TensorProto.FLOAT, onnx.TensorProto.INT64,
    }  # fmt: skip


class Fixed(Nearest):
    """Divides by the width, of which tracing makes a constant."""

    def compute(self, image):
        return super().compute(image / int(image.shape[-1]))


@pytest.mark.parametrize(
    ("network", "what"),
    [
        (Fixed, r"not written, .* those of Fixed by .* in a range"),
        (Chunked, r"onnxruntime cannot run the exported file: .*cannot be reshaped"),
    ],
)
def test_what_is_wrong_at_another_size_is_found_and_not_written(network, what, tmp_path):
    with pytest.raises(ExportError, match=what):
        export(network(), tmp_path / "a.onnx")

    assert not list(tmp_path.iterdir())


def test_the_check_looks_at_images_and_not_at_noise(small):
    # BSRN's x2 weights blow up what noise leaves of roundings: a right file would be refused
    point, *images = probes(small)

    assert point.shape == (1, 1, 1, 1)
    for image in images:
        assert max(float(image.diff(dim=axis).abs().max()) for axis in (2, 3)) < 0.5
        assert image.std() > 0.1


class Untraceable(Nearest):
    """Uses an operator that ONNX has not."""

    def compute(self, image):
        return super().compute(torch.special.bessel_j0(image))


def test_what_pytorch_cannot_export_is_named(tmp_path):
    with pytest.raises(ExportError, match=r"PyTorch cannot export Untraceable: .*bessel_j0"):
        export(Untraceable(), tmp_path / "a.onnx")

    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named_with_what_to_install(small, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, "find_spec", lambda name: name == "onnx" or None)

    with pytest.raises(
        ExportError, match=r"onnxruntime cannot be found: pip install 'napari-sr\[onnx\]'"
    ):
        export(small, tmp_path / "a.onnx")


@pytest.mark.parametrize("opset", [17, 21])
def test_an_opset_that_cannot_be_written_is_refused(opset, small, tmp_path):
    with pytest.raises(ValueError, match=f"opset must be from 18 to 20, got {opset}"):
        export(small, tmp_path / "a.onnx", opset=opset)


def test_a_file_that_exists_stays_unless_it_may_be_replaced(small, tmp_path):
    path = tmp_path / "a.onnx"
    path.write_text("old")

    with pytest.raises(FileError, match=r"a\.onnx exists"):
        export(small, path)
    assert path.read_text() == "old"

    assert label(export(small, path, overwrite=True))["network"] == "FSRCNN"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("wrong", [{"scale": 3}, {"scale": 2, "input_range": 255}], ids=str)
def test_a_network_that_is_loaded_takes_no_other_scale_or_options(wrong, small, tmp_path):
    with pytest.raises(
        ValueError, match=r"not be given for a loaded network, got scale=.* of scale 2"
    ):
        export(small, tmp_path / "a.onnx", **wrong)
