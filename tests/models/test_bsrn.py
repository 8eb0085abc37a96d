"""BSRN against its authors' code and counts."""

from __future__ import annotations

import pytest
import torch
from pieces import run_in_pieces
from reference import cases
from torch.nn import functional

from napari_sr.graph.cost import multiply_adds
from napari_sr.layers.blocks import rename
from napari_sr.models.bsrn import ACTIVATIONS, BSRN
from napari_sr.models.rfdn import RFDN
from napari_sr.zoo import recognition


@pytest.mark.parametrize("name", cases("BSRN_", "synth_BSRN"))
def test_agrees_with_the_authors_code(name, case_of):
    case = case_of(name)

    network = recognition.build(case.state)

    errors = case.errors(network)
    # on noise, BSRN x2 is chaotic: it maps 0..1 to -2080..1700
    assert name != "BSRN_x2" or errors.pop("rand") <= 2e-3
    assert max(errors.values()) <= 1e-4
    assert sum(parameter.numel() for parameter in network.parameters()) == case.parameters


def test_paper_has_no_bias_between_the_halves():
    with torch.device("meta"):
        network = BSRN(scale=2)

    assert not [key for key in network.state_dict() if key.endswith("pointwise.bias")]


def test_checkpoint_shows_all_but_the_activation(case_of):
    case = case_of("synth_BSRN_small_x4")

    _, _, options = recognition.recognise(case.state)

    assert options == {
        "scale": 4,
        "channels": 3,
        "features": 16,
        "blocks": 8,
        "reduction": 16,
        "spatial": True,
        "convolution": "bsconv_u",
    }


def authors_keys(state):
    """Undo `adapt`, in another way."""
    narrow = any(".narrow." in key for key in state)
    return rename(
        state,
        [
            (r"^blocks\.(\d+)\.", lambda match: f"B{int(match[1]) + 1}."),
            (r"\.front\.distil\.(\d)", lambda match: f".c{int(match[1]) + 1}_d"),
            (r"\.front\.refine\.(\d)", lambda match: f".c{int(match[1]) + 1}_r"),
            (r"\.front\.last", ".c4"),
            (r"\.front\.fuse", ".c5"),
            (r"\.spatial\.low\.0", ".esa.conv_max"),
            (r"\.spatial\.low\.1", ".esa.conv3"),
            (r"\.spatial\.low\.2", ".esa.conv3_"),
            (r"\.spatial\.squeeze", ".esa.conv1"),
            (r"\.spatial\.pool", ".esa.conv2"),
            (r"\.spatial\.skip", ".esa.conv_f"),
            (r"\.spatial\.excite", ".esa.conv4"),
            (r"\.channel\.squeeze", ".cca.conv_du.0"),
            (r"\.channel\.excite", ".cca.conv_du.2"),
            (r"\.narrow\.", ".pw1."),
            (r"\.pointwise\.", ".pw2." if narrow else ".pw."),
            (r"\.depthwise\.", ".dw."),
            (r"^head", "fea_conv"),
            (r"^fuse", "c1"),
            (r"^merge", "c2"),
            (r"^tail", "upsampler.upsampleOneStep.0"),
        ],
    )


class Definition:
    """Variants of the network, computed from the authors' tensors by the paper's formulas."""

    def __init__(self, state, convolution, activate):
        self.state, self.depthwise_first = state, convolution == "dsconv"
        self.activate = activate

    def plain(self, x, key):
        weight, bias = self.state[f"{key}.weight"], self.state.get(f"{key}.bias")
        return functional.conv2d(x, weight, bias, padding=weight.shape[-1] // 2)

    def separable(self, x, key, stride=1, padding=1):
        weight, bias = self.state[f"{key}.dw.weight"], self.state[f"{key}.dw.bias"]
        pointwise = [name for name in ("pw", "pw1", "pw2") if f"{key}.{name}.weight" in self.state]

        def mix(x):
            for name in pointwise:
                x = self.plain(x, f"{key}.{name}")
            return x

        def spread(x):
            return functional.conv2d(x, weight, bias, stride, padding, groups=len(bias))

        return mix(spread(x)) if self.depthwise_first else spread(mix(x))

    def esa(self, x, key):
        inner = self.plain(x, f"{key}.conv1")
        low = self.separable(inner, f"{key}.conv2", stride=2, padding=0)
        low = functional.max_pool2d(low, 7, stride=3)
        low = self.activate(self.separable(low, f"{key}.conv_max"))
        low = self.activate(self.separable(low, f"{key}.conv3"))
        low = self.separable(low, f"{key}.conv3_")
        size = x.shape[2:]
        low = functional.interpolate(low, size, mode="bilinear", align_corners=False)
        return x * self.plain(low + self.plain(inner, f"{key}.conv_f"), f"{key}.conv4").sigmoid()

    def cca(self, x, key):
        contrast = x.mean((2, 3), True) + x.var((2, 3), correction=0, keepdim=True).sqrt()
        inner = self.plain(contrast, f"{key}.conv_du.0").relu()
        return x * self.plain(inner, f"{key}.conv_du.2").sigmoid()

    def block(self, x, key):
        parts, refined = [], x
        for step in "123":
            parts.append(self.activate(self.plain(refined, f"{key}.c{step}_d")))
            refined = self.activate(self.separable(refined, f"{key}.c{step}_r") + refined)
        parts.append(self.activate(self.separable(refined, f"{key}.c4")))
        y = self.plain(torch.cat(parts, 1), f"{key}.c5")
        if f"{key}.esa.conv1.weight" in self.state:
            y = self.esa(y, f"{key}.esa")
        if f"{key}.cca.conv_du.0.weight" in self.state:
            y = self.cca(y, f"{key}.cca")
        return y + x

    def __call__(self, image, blocks, scale):
        x = shallow = self.separable(torch.cat([image] * 4, 1), "fea_conv")
        outputs = []
        for index in range(blocks):
            x = self.block(x, f"B{index + 1}")
            outputs.append(x)
        fused = self.activate(self.plain(torch.cat(outputs, 1), "c1"))
        deep = self.separable(fused, "c2") + shallow
        return functional.pixel_shuffle(self.plain(deep, "upsampler.upsampleOneStep.0"), scale)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"activation": "relu"},
        {"activation": "leaky_relu"},
        {"activation": "hard_swish"},
        {"spatial": False},
        {"reduction": None},
        {"spatial": False, "reduction": None},
        {"convolution": "bsconv_s"},
        {"convolution": "dsconv"},
        {"convolution": "bsconv_s", "activation": "hard_swish", "reduction": None},
        {"convolution": "dsconv", "activation": "leaky_relu", "spatial": False},
        {"convolution": "dsconv", "activation": "relu", "features": 12},
    ],
    ids=str,
)
def test_each_exchange_of_parts_is_its_definition_whole_and_in_pieces(options, example):
    network = example("bsrn", scale=3, **options).double()
    state = authors_keys(network.state_dict())
    image = torch.rand(1, 3, 22, 27, dtype=torch.float64)
    activate = ACTIVATIONS[options.get("activation", "gelu")]
    define = Definition(state, options.get("convolution"), activate)

    _, _, found = recognition.recognise(state)
    again = recognition.build(state, activation=options.get("activation")).double()

    with torch.no_grad():
        expected, result = define(image, blocks=2, scale=3), again(image)
        pieces = run_in_pieces(again.chain(), image, 10)
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(pieces, expected, rtol=0, atol=1e-12)
    told = {**options, "activation": None}
    assert {key: found.get(key) for key in told} == told


@pytest.mark.parametrize(
    ("option", "named"),
    [("convolution", "bsconv_u, bsconv_s, dsconv"), ("activation", "gelu, relu, leaky_relu, hard")],
)
def test_an_unknown_option_is_refused_with_those_that_are_known(option, named):
    with pytest.raises(ValueError, match=rf"BSRN takes one of {named}.*got {option}='tanh'"):
        BSRN(scale=2, **{option: "tanh"})


def test_without_gates_it_is_local_and_takes_one_pixel(example):
    network = example("bsrn", spatial=False, reduction=None)

    # 1 head, 2 blocks of 4, 1 after them, 1 tail
    assert network.receptive_field == 11
    assert network(torch.rand(1, 3, 1, 1)).shape == (1, 3, 2, 2)


def test_a_gate_without_a_channel_inside_is_refused():
    with pytest.raises(ValueError, match="8 features and reduction=16"):
        BSRN(scale=2, features=8)


def test_bsrn_2_computes_as_much_as_rfdn():
    with torch.device("meta"):
        rfdn = RFDN(scale=4)
        first, second = (BSRN(scale=4, features=many, blocks=4) for many in (50, 100))

    counts = [multiply_adds(network, 180, 320) for network in (second, rfdn)]

    assert (first.features, len(first.blocks)) == (rfdn.features, len(rfdn.blocks))
    assert counts[0] == pytest.approx(counts[1], rel=0.005)
