"""The network of the perceptual losses, against PyTorch's example and the paper's tables."""

from __future__ import annotations

import pytest
import torch
from pieces import run_in_pieces

from napari_sr import upscale
from napari_sr.models.johnson import Johnson
from napari_sr.zoo import recognition

STYLE = {"halvings": 2, "by": "nearest", "norm": "instance", "padding": "reflect", "squash": False}


def size_of(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.fixture
def case(case_of):
    return case_of("synth_Johnson_TransformerNet")


def test_agrees_with_pytorchs_example(case):
    network = recognition.build(case.state)

    assert max(case.errors(network).values()) <= 1e-4
    assert size_of(network) == case.parameters == 1_679_235
    assert (network.scale, network.multiple) == (1, 4)


def test_running_moments_of_the_oldest_checkpoints_are_passed_over(case):
    older = dict(case.state)
    for name in ("in1", "in4", "res2.in2"):
        width = len(older[f"{name}.weight"])
        older |= {f"{name}.running_{kind}": torch.rand(width) for kind in ("mean", "var")}

    assert max(case.errors(recognition.build(older)).values()) <= 1e-4


def layers(stages, kernel):
    """Count what the paper's table lists: 9x9, four blocks, strided convolutions, 9x9."""
    normalised = 64 + 2 * 64  # bias, and scale and shift of the normalisation
    ends = (81 * 3 * 64 + normalised) + (81 * 64 * 3 + 3)
    return ends + 8 * (9 * 64 * 64 + normalised) + stages * (kernel**2 * 64 * 64 + normalised)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        # the supplement's table of x4 and of x8, counted layer by layer
        ({"scale": 4}, layers(2, 3)),
        ({"scale": 8}, layers(3, 3)),
        ({"scale": 4, "by": "nearest"}, layers(2, 3)),
        ({"scale": 4, "kernel": 4}, layers(2, 4)),
        # PyTorch's example, measured on that code
        ({"scale": 1, "features": 32, "blocks": 5, **STYLE}, 1_679_235),
    ],
)
def test_parameters_are_as_many_as_the_papers_layers_have(options, expected):
    with torch.device("meta"):
        network = Johnson(**options)

    assert size_of(network) == expected


FORMS = [
    {"kernel": 4},
    {"by": "nearest"},
    {"by": "nearest", "padding": "reflect"},
    {"norm": "instance"},
    {"norm": "instance", "kernel": 4, "scale": 4},
    {"norm": "instance", "by": "nearest", "scale": 3},
    {"halvings": 1},
    {"halvings": 2, "by": "nearest", "scale": 4},
    {**STYLE, "scale": 1},
    {**STYLE, "norm": "batch", "scale": 1},
]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_pieces_of_every_form_give_the_whole(form, example):
    network = example("johnson", **{"features": 4, **form}).double()
    image = torch.rand(1, 3, 36, 40, dtype=torch.float64)

    with torch.inference_mode():
        whole = network(image)
        pieces = run_in_pieces(network.chain(), image, 12, network.multiple)

    assert whole.shape[-2:] == (36 * network.scale, 40 * network.scale)
    torch.testing.assert_close(pieces, whole, rtol=0, atol=1e-10)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_every_form_is_read_off_its_tensors(form, example):
    network = example("johnson", **form)
    image = torch.rand(1, 3, 16, 16)
    hidden = {key: form[key] for key in ("padding", "squash") if key in form}

    again = recognition.build(network.state_dict(), scale=network.scale, **hidden)

    with torch.inference_mode():
        torch.testing.assert_close(again(image), network(image), rtol=0, atol=0)


def test_scale_is_asked_for_where_one_stage_may_be_of_2_or_of_3(example):
    with pytest.raises(ValueError, match="Johnson, whose tensors do not show the scale"):
        recognition.build(example("johnson", scale=3).state_dict())


@pytest.mark.parametrize("kernel", [3, 4])
@pytest.mark.parametrize("scale", [2, 4, 8])
def test_radius_of_transposed_convolutions_is_exact(kernel, scale, example):
    options = {"scale": scale, "kernel": kernel, "features": 2, "blocks": 0, "squash": False}
    network = example("johnson", **options).double()
    for parameter in network.parameters():  # so that no rectifier hides anything
        torch.nn.init.uniform_(parameter, 0.1, 1)
    side = 2 * network.receptive_field + 5
    image = torch.rand(1, 3, side, side, dtype=torch.float64)
    other = image.clone()
    other[..., side // 2] += 1

    with torch.inference_mode():
        touched = (network(image) - network(other)).abs().amax(dim=(0, 1, 2)).nonzero()[:, 0]

    seen = [int(pixel) // scale - side // 2 for pixel in (touched[0], touched[-1])]
    assert max(-seen[0], seen[1]) == network.receptive_field


def test_tiles_of_the_style_form_leave_no_trace(example, random):
    network = example("johnson", scale=1, blocks=1, **STYLE)
    image = random.random((41, 50, 3), dtype="float32")

    whole, tiled = (upscale(image, network, device="cpu", tile=tile) for tile in (52, 28))

    assert abs(tiled - whole).max() <= 1e-5 * (whole.max() - whole.min())


def test_reflection_needs_what_it_mirrors(example):
    network = example("johnson", scale=1, **STYLE)

    assert network(torch.rand(1, 3, 8, 8)).shape == (1, 3, 8, 8)
    with pytest.raises(ValueError, match="at least 8 x 8 pixels, got 4 x 8"):
        network(torch.rand(1, 3, 4, 8))


def test_result_is_squashed_into_the_range_unless_told_otherwise(example):
    network = example("johnson")
    torch.nn.init.constant_(network.tail.bias, 9.0)
    image = torch.rand(1, 3, 8, 8)

    assert network(image).max() <= 1
    assert recognition.build(network.state_dict(), scale=2, squash=False)(image).max() > 2


@pytest.mark.parametrize(
    "wrong", [{"by": "shuffle"}, {"kernel": 5}, {"by": "nearest", "kernel": 4}, {"padding": "same"}]
)
def test_form_that_does_not_exist_is_named(wrong, example):
    key, value = list(wrong.items())[-1]

    with pytest.raises(ValueError, match=f"got .*{key}={value!r}"):
        example("johnson", **wrong)
