"""Parameters and multiply-adds of networks, compared with counts by hand, papers and code."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from napari_sr import models
from napari_sr.graph.chain import IMAGE, RESULT, ChunkedAttention, Step
from napari_sr.graph.cost import multiply_adds, parameters
from napari_sr.graph.network import Network


class Small(Network):
    """A network with every operation that counts, and some that do not count."""

    def __init__(self, *, scale=2, channels=3):
        super().__init__(scale=scale, channels=channels)
        self.plain = nn.Conv2d(3, 4, 3, padding=1)
        self.strided = nn.Conv2d(4, 4, 3, stride=2, padding=1, groups=2, bias=False)
        self.transposed = nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1)
        self.linear = nn.Linear(6, 5)
        self.last = nn.Linear(5, 3, bias=False)
        self.filter = torch.ones(3, 1, 5, 5, device=self.plain.weight.device)

    def chain(self):
        attend = ChunkedAttention(("x", "x"), "x", lambda pixels: 3, self.attend)
        return (
            Step(self.first, (IMAGE,), ("x",)),
            attend,
            Step(self.end, (IMAGE, "x"), (RESULT,), scale=2),
        )

    def first(self, image):
        return self.transposed(self.strided(self.plain(image)))

    def attend(self, queries, keys):
        (others,) = keys
        return ((queries.mT @ others).softmax(-1) @ others.mT).mT

    def end(self, image, x):
        x = self.last(self.linear(x.movedim(1, 3))).movedim(3, 1)
        return functional.interpolate(
            x + functional.conv2d(image, self.filter, padding=2, groups=3), scale_factor=2
        )


@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_multiply_adds_are_those_counted_by_hand(device):
    with torch.device(device):
        network = Small()

    pixels = 6 * 10
    by_hand = pixels * 3 * 4 * 9  # plain
    by_hand += pixels // 4 * (4 * 4 // 2) * 9  # strided, in two groups
    by_hand += pixels // 4 * 4 * 6 * 16  # transposed, at the pixels that enter
    by_hand += pixels * (6 * 5 + 5 * 3)  # linear
    assert multiply_adds(network, 6, 10) == by_hand
    assert parameters(network) == (3 * 4 * 9 + 4) + (8 * 9) + (4 * 6 * 16 + 6) + (6 * 5 + 5) + 15


def test_a_formula_multiplies_no_trained_weights(example):
    assert multiply_adds(example("interpolation"), 20, 20) == 0


def test_a_size_that_a_network_refuses_is_not_counted(example):
    with pytest.raises(ValueError, match="multiples of 2, got 7 x 8"):
        multiply_adds(example("rrdbnet"), 7, 8)


STYLE = {
    "features": 32, "blocks": 5, "halvings": 2, "by": "nearest", "norm": "instance",
    "padding": "reflect", "squash": False,
}  # fmt: skip
TWTYGQYY = {"norm": "instance", "parametric": False, "bias": False, "end": "plain"}
MATLAB = "the authors' .mat file"
CODE = "reference code"
PARAMETERS = [
    ("srcnn", {"kernels": (9, 1, 5)}, (2, 3, 4), 8_129, MATLAB),
    ("srcnn", {"kernels": (9, 3, 5)}, (2, 3, 4), 24_513, MATLAB),
    ("srcnn", {"kernels": (9, 5, 5)}, (2, 3, 4), 57_281, MATLAB),
    ("fsrcnn", {}, (2, 3, 4), 12_809, CODE + "; 12,464 in the paper: no biases, no slopes"),
    ("fsrcnn", {"features": 32, "shrunk": 5, "layers": 1}, (2, 3, 4), 4_086, "as above: 3,937"),
    ("espcn", {}, (2,), 21_284, CODE),
    ("espcn", {}, (3,), 22_729, CODE),
    ("espcn", {}, (4,), 24_752, CODE + "; 25 K in tables"),
    # 1,774 K in tables: the weights of five layers, without 1,025 biases and the sum's 16 weights
    ("drcn", {}, (2, 3, 4), 1_774_080 + 1_025 + 16, "IMDN's tables, DRCN's paper"),
    ("drcn", {"features": 96, "depth": 9, "joined": True}, (2,), 250_963, "jiny2001's arrays"),
    ("drrn", {"units": 9, "norm": False, "bias": False}, (2, 3, 4), 297_216, CODE + "; 297 K"),
    ("drrn", {"units": 25, "norm": False}, (2, 3, 4), 297_601, "298 K: normalisations not counted"),
    # 2 for the image's normalisation, 256 for each of 2 * 9 + 1 others
    ("drrn", {"units": 9}, (2, 3, 4), 297_601 + 2 + 256 * 19, "the authors' Caffe file"),
    ("lapsrn", {}, (2,), 407_441, MATLAB),
    ("lapsrn", {}, (4,), 814_242, MATLAB),
    ("lapsrn", {"depth": 5}, (8,), 667_123, MATLAB),
    ("lapsrn", {"bias": False}, (4,), 812_768, "812 K in the paper, which leaves biases out"),
    ("lapsrn", {"depth": 5, "kernel": 4}, (2,), 251_473, "251 K in later papers"),
    ("lapsrn", {"depth": 5, "kernel": 4}, (3,), 502_306, "502 K in later papers"),
    ("lapsrn", {"kernel": 4, "bias": False}, (4,), 870_112, "twtygqyy's code"),
    *(
        ("mslapsrn", {"recursions": r}, (2, 3, 4, 8), 222_801, "222 K, " + MATLAB)
        for r in (2, 5, 8)
    ),
    ("srgan", {}, (4,), 1_549_462, "1.5 M in tables"),
    ("srgan", {}, (2,), 1_401_749, "the paper's layers"),
    ("srgan", {"blocks": 5, "end": "tanh"}, (4,), 734_219, "leftthomas's code"),
    ("srgan", TWTYGQYY, (4,), 1_546_752, "twtygqyy's code"),
    ("srresnet", {}, (4,), 1_517_571, "BasicSR's code"),
    ("rrdbnet", {}, (4,), 16_697_987, CODE + "; 16.7 M in the paper"),
    ("edsr", {}, (2,), 1_369_859, "1,370 K"),
    ("edsr", {}, (3,), 1_554_499, "1,555 K"),
    ("edsr", {}, (4,), 1_517_571, "1,518 K"),
    ("edsr", {"features": 256, "blocks": 32}, (2,), 40_729_603, "40.7 M"),
    ("edsr", {"features": 256, "blocks": 32}, (3,), 43_680_003, "43.7 M"),
    ("edsr", {"features": 256, "blocks": 32}, (4,), 43_089_923, "43.1 M"),
    ("mdsr", {"scales": (2, 3, 4)}, (2, 3, 4), 7_953_987, "7.95 M: all scales together"),
    ("mdsr", {"blocks": 16, "scales": (2, 3, 4)}, (2, 3, 4), 3_227_203, "the authors' baseline"),
    ("mdsr", {}, (2,), 6_506_499, "what one scale uses of 7.95 M"),
    ("mdsr", {}, (3,), 6_691_139, "likewise"),
    ("mdsr", {}, (4,), 6_654_211, "likewise"),
    ("johnson", STYLE, (1,), 1_679_235, "PyTorch's example"),
    ("imdn", {}, (2,), 694_404, "694 K"),
    ("imdn", {}, (3,), 703_059, "703 K"),
    ("imdn", {}, (4,), 715_176, "715 K"),
    ("imdn_as", {}, (2, 3, 4), 752_104, CODE),
    ("imdn_ntire", {}, (4,), 893_936, "0.894 M in the challenge's table"),
    ("rfdn", {}, (4,), 433_448, "0.433 M in the challenge's table, released"),
    ("rfdn", {"features": 48, "blocks": 6, "reduction": 4}, (2,), 534_036, "534 K in the paper"),
    ("rfdn", {"features": 48, "blocks": 6, "reduction": 4}, (3,), 540_531, "541 K"),
    ("rfdn", {"features": 48, "blocks": 6, "reduction": 4}, (4,), 549_624, "550 K"),
    ("rfdn", {"features": 52, "blocks": 6, "reduction": 4}, (2,), 625_962, "RFDN-L: 626 K"),
    ("rfdn", {"features": 52, "blocks": 6, "reduction": 4}, (3,), 632_997, "633 K"),
    ("rfdn", {"features": 52, "blocks": 6, "reduction": 4}, (4,), 642_846, "643 K"),
    ("bsrn", {}, (2,), 331_628, "332 K"),
    ("bsrn", {}, (3,), 340_283, "340 K"),
    ("bsrn", {}, (4,), 352_400, "352 K"),
    ("bsrn", {"convolution": "bsconv_s"}, (4,), 292_544, CODE),
    ("bsrn", {"convolution": "dsconv"}, (4,), 354_440, CODE),
    ("bsrn", {"spatial": False}, (4,), 319_888, CODE + " without ESA"),
    ("bsrn", {"reduction": None}, (4,), 347_760, CODE + " without CCA"),
    ("bsrn", {"features": 50, "blocks": 4}, (4,), 124_606, CODE + ": BSRN-1"),
    ("bsrn", {"features": 100, "blocks": 4}, (4,), 433_872, CODE + ": BSRN-2"),
    ("bsrn_s", {}, (2,), 140_700, CODE),
    ("bsrn_s", {}, (3,), 147_195, CODE),
    ("bsrn_s", {}, (4,), 156_288, "0.156 M in the challenge's table"),
    ("compact", {"convolutions": 32}, (4,), 1_213_296, CODE + ": realesr-general-x4v3"),
    ("compact", {}, (4,), 621_424, CODE + ": realesr-animevideov3"),
    ("span", {"features": 52}, (2,), 481_324, "481 K in the paper"),
    ("span", {"features": 52}, (4,), 498_208, "498 K"),
    ("span", {}, (2,), 410_700, "411 K: SPAN-S"),
    ("span", {}, (4,), 426_288, "426 K: SPAN-S"),
    ("span", {"features": 28}, (4,), 150_688, "the baseline in the challenge's table"),
    ("spanplus", {}, (4,), 426_288, "as many as SPAN-S, whose layers it has"),
    # no 3x3 convolution of 48 to 48 channels at the end, but three of 1x1 (the buffer is no weight)
    (
        "spanplus",
        {"sampled": True},
        (4,),
        426_288 - 20_784 + (48 * 128 + 128) + 48 * 128 + (48 * 3 + 3),
        "the author's layers",
    ),
    ("spanv2", {}, (4,), 139_104, "0.139 M in the challenge's table"),
    # the released files have 12 unused parameters more, one for each residual block
    ("esrt", {}, (2,), 677_783 - 12, "677 K, released"),
    ("esrt", {}, (3,), 770_263 - 12, "770 K, released"),
    ("esrt", {}, (4,), 751_767 - 12, "751 K, released"),
]
"""Network, options, scales, number of parameters, and its source."""


@pytest.mark.parametrize(
    ("name", "options", "scales", "expected"),
    [row[:4] for row in PARAMETERS],
    ids=[f"{name}-{source}" for name, _, _, _, source in PARAMETERS],
)
def test_parameters_are_as_many_as_published(name, options, scales, expected):
    network = models.architecture(name).network

    with torch.device("meta"):
        counts = {parameters(network(scale=scale, **options)) for scale in scales}

    assert counts == {expected}


def test_every_network_with_weights_is_in_the_table():
    assert {row[0] for row in PARAMETERS} == set(models.names()) - {"interpolation"}


def test_pytorchs_style_network_multiplies_as_measured_on_its_code():
    with torch.device("meta"):
        network = models.architecture("johnson").network(scale=1, **STYLE)

    assert round(multiply_adds(network, 720, 1280) / 1e9, 1) == 141.7
