"""Blends of two checkpoints: the paper's formula, its ends, and what cannot be blended."""

from __future__ import annotations

import pytest
import torch
from fakes import Nearest

from napari_sr import models
from napari_sr.graph.foreign import Foreign, Hints
from napari_sr.zoo.blend import blend, check_weight


def network(name, seed, **changes):
    torch.manual_seed(seed)
    record = models.architecture(name)
    return record.network(**{**record.example, **changes}).eval()


@pytest.fixture
def psnr():
    made = network("rrdbnet", 0)
    made.provenance = {"model": "psnr", "scale": made.scale, "sha256": "aa"}
    return made


@pytest.fixture
def gan():
    made = network("rrdbnet", 1)
    made.provenance = {"model": "gan", "scale": made.scale, "sha256": "bb"}
    return made


def test_every_weight_is_the_paper_s_sum(psnr, gan):
    before = {key: value.clone() for key, value in psnr.state_dict().items()}

    result = blend(psnr, gan, 0.3).state_dict()

    others = gan.state_dict()
    assert result.keys() == before.keys()
    for key, value in result.items():
        wanted = 0.7 * before[key].double() + 0.3 * others[key].double()
        torch.testing.assert_close(value.double(), wanted, rtol=1e-6, atol=1e-8)
        torch.testing.assert_close(psnr.state_dict()[key], before[key], rtol=0, atol=0)


def test_both_ends_are_the_checkpoints_themselves(psnr, gan):
    image = torch.rand(1, 3, 8, 10)

    with torch.inference_mode():
        for weight, end in ((0, psnr), (1, gan)):
            torch.testing.assert_close(blend(psnr, gan, weight)(image), end(image), rtol=0, atol=0)


def test_a_blend_s_result_is_not_the_blend_of_results(psnr, gan):
    image = torch.rand(1, 3, 8, 10)

    with torch.inference_mode():
        between, mean = blend(psnr, gan, 0.5)(image), (psnr(image) + gan(image)) / 2

    assert (between - mean).abs().max() > 1e-4


def test_running_means_are_blended_and_counts_are_the_first_s():
    first, second = network("srgan", 0), network("srgan", 1)
    for made, mean, count in ((first, 1.0, 7), (second, 3.0, 9)):
        for key, value in made.state_dict().items():
            if key.endswith("running_mean"):
                value.fill_(mean)
            elif key.endswith("num_batches_tracked"):
                value.fill_(count)

    result = blend(first, second, 0.25).state_dict()

    means = [value for key, value in result.items() if key.endswith("running_mean")]
    counts = [value for key, value in result.items() if key.endswith("num_batches_tracked")]
    assert means
    assert all(torch.equal(mean, torch.full_like(mean, 1.5)) for mean in means)
    assert [count.item() for count in counts] == [7] * len(means)


def test_the_first_decides_precision_and_nothing_is_rounded_twice(psnr, gan):
    half = network("rrdbnet", 0).half()

    result = blend(half, gan, 0.5)

    assert {value.dtype for value in result.parameters()} == {torch.float16}
    key = next(iter(half.state_dict()))
    wanted = (half.state_dict()[key].float() + gan.state_dict()[key]) / 2
    assert torch.equal(result.state_dict()[key], wanted.half())


def test_the_provenance_holds_both_and_the_weight(psnr, gan):
    known = blend(psnr, gan, 0.3).provenance

    assert known == {
        "model": "0.7 psnr + 0.3 gan",
        "scale": psnr.scale,
        "weight": 0.3,
        "blended": [psnr.provenance, gan.provenance],
    }


@pytest.mark.parametrize("weight", [-0.1, 1.0001, float("nan"), "0.3", None, True])
def test_a_weight_outside_the_two_is_refused(weight):
    with pytest.raises(ValueError, match=f"from 0 to 1, got {weight!r}"):
        check_weight(weight)


@pytest.mark.parametrize(
    ("one", "two", "difference"),
    [
        (("rrdbnet", {}), ("edsr", {}), "architecture: RRDBNet and EDSR"),
        (("edsr", {"scale": 2}), ("edsr", {"scale": 3}), "scale: 2 and 3"),
        (
            ("edsr", {"input_range": 1.0}),
            ("edsr", {"input_range": 255.0}),
            "input_range: 1.0 and 255.0",
        ),
        (
            ("edsr", {"res_scale": 1.0}),
            ("edsr", {"res_scale": 0.1}),
            r"blocks\.0\.\w+: 1\.0 and 0\.1",
        ),
        (("edsr", {"blocks": 2}), ("edsr", {"blocks": 1}), "4 tensors that only the first has"),
        (("edsr", {"blocks": 1}), ("edsr", {"blocks": 2}), "4 tensors that only the second has"),
        (
            ("fsrcnn", {"features": 8}),
            ("fsrcnn", {"features": 12}),
            r"the shape of '\S+': \(8, .* and \(12, ",
        ),
        # which tensors do not show: each recursion has the same
        (("mslapsrn", {"recursions": 2}), ("mslapsrn", {"recursions": 5}), "recursions: 2 and 5"),
        (("imdn", {"slope": 0.05}), ("imdn", {"slope": 0.2}), r"slope: 0\.05 and 0\.2"),
    ],
)
def test_networks_that_differ_are_refused_with_both(one, two, difference):
    first, second = (network(name, 0, **changes) for name, changes in (one, two))
    first.provenance, second.provenance = {"model": "psnr"}, {"model": "gan"}

    with pytest.raises(ValueError, match=f"got psnr and gan, which differ in .*{difference}"):
        blend(first, second, 0.5)


def foreign(title):
    module = torch.nn.Conv2d(3, 3, 3, padding=1)
    return Foreign(
        module=module,
        call=lambda module, image: module(image).repeat_interleave(2, -1).repeat_interleave(2, -2),
        title=title,
        scale=2,
        channels=3,
        hints=Hints(),
    )


def test_networks_of_others_are_blended_and_told_apart_like_ours():
    first, second, image = foreign("DAT"), foreign("DAT"), torch.rand(1, 3, 5, 6)

    with torch.inference_mode():
        # of one linear layer, the blend's result is the blend of results
        wanted = 0.75 * first(image) + 0.25 * second(image)
        torch.testing.assert_close(blend(first, second, 0.25)(image), wanted)
    with pytest.raises(ValueError, match="which differ in architecture: DAT and SwinIR"):
        blend(first, foreign("SwinIR"), 0.25)


def test_a_formula_has_nothing_to_blend(psnr):
    formula = network("interpolation", 0)

    with pytest.raises(ValueError, match="Interpolation, has none"):
        blend(formula, formula, 0.5)


def test_a_network_just_built_is_named_by_what_it_is():
    assert blend(Nearest(), Nearest(), 0.5).provenance["model"] == "0.5 Nearest + 0.5 Nearest"
