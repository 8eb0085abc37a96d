"""The description of an exported package."""

from __future__ import annotations

import napari_sr
from napari_sr.onnx.package_description import About, described, document, least_side

NAMES = ("weights.onnx", "test_input.npy", "test_output.npy")


def of(network, about=None):
    return described(network, about or About(), least_side(network), dict.fromkeys(NAMES, b"x"))


def test_a_known_model_has_its_licence_and_its_paper():
    found = of(napari_sr.load("fsrcnn", 2))

    assert found["license"] == "BSD-3-Clause"
    assert found["cite"] == [{"text": "FSRCNN (2016)", "url": "https://arxiv.org/abs/1608.00367"}]
    assert found["name"] == "FSRCNN x2 (fsrcnn-x2)"


def test_the_user_says_author_licence_and_purpose(example):
    about = About(("Ada", "Bo"), "MIT", "Cells")
    found = of(example("edsr"), about)

    assert found["authors"] == [{"name": "Ada"}, {"name": "Bo"}]
    assert (found["license"], found["description"]) == ("MIT", "Cells")
    assert "license" not in of(example("edsr"))
    assert "Cells" in document(example("edsr"), about)


def test_tensors_state_sizes_scale_and_halo(example):
    network = example("edsr", scale=3)
    field = network.receptive_field

    found = of(network)

    before, after = found["inputs"][0]["axes"][2], found["outputs"][0]["axes"][3]
    assert before["size"] == {"min": 2 * field + 1, "step": 1}
    assert (after["halo"], after["scale"]) == (3 * field, 1 / 3)
    assert found["inputs"][0]["axes"][1]["channel_names"] == ["red", "green", "blue"]


def test_a_network_that_reads_whole_images_states_no_halo_but_its_steps(example):
    network = example("esrt")

    found = of(network)

    assert "halo" not in found["outputs"][0]["axes"][2]
    size = found["inputs"][0]["axes"][2]["size"]
    assert size["step"] == network.tile_alignment
    assert size["min"] >= network.least_size
    assert size["min"] % size["step"] == 0
    assert "the whole image" in document(network, About())


def test_names_have_only_the_letters_of_the_format(example):
    network = example("fsrcnn")
    network.provenance = {"model": "größe: a/b?" + "x" * 99}

    name = of(network)["name"]

    assert name.startswith("FSRCNN x2 (gr e a b x")
    assert len(name) <= 64
