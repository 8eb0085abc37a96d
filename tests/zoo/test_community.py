"""Checkpoints that only spandrel knows run like ours; others are told apart from them."""

from __future__ import annotations

import copy
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import napari_sr
from napari_sr.zoo import community
from napari_sr.zoo._torchvision import import_on_torchvision
from napari_sr.zoo.recognition import UnknownNetworkError

if find_spec("spandrel") is None:
    pytest.skip("spandrel is not installed: the extra `spandrel`", allow_module_level=True)
spandrel = import_on_torchvision("spandrel")


@pytest.fixture
def plksr():
    """Return a small network of an architecture that is none of ours, with random weights."""
    module = import_module("spandrel.architectures.PLKSR")
    torch.manual_seed(0)
    return module.PLKSR(dim=16, n_blocks=1, kernel_size=5, upscaling_factor=4)


@pytest.fixture
def swin():
    """Return a small transformer, which wants to see the whole image."""
    module = import_module("spandrel.architectures.SwinIR")
    torch.manual_seed(0)
    return module.SwinIR(
        img_size=16, window_size=4, depths=(2,), embed_dim=8, num_heads=(2,), mlp_ratio=2,
        upscale=2, upsampler="pixelshuffle",
    )  # fmt: skip


def saved(network, path):
    torch.save({"params": network.state_dict()}, path)
    return path


def described(**changes):
    """Return what spandrel says of a network, as far as it is asked."""
    known = spandrel.MAIN_REGISTRY.load(
        import_module("spandrel.architectures.PLKSR")
        .PLKSR(dim=16, n_blocks=1, kernel_size=5, upscaling_factor=2)
        .state_dict()
    )
    plain = {
        name: getattr(known, name)
        for name in (
            "architecture", "purpose", "input_channels", "output_channels", "supports_half",
            "supports_bfloat16", "size_requirements", "tiling", "model", "scale", "_call_fn",
        )
    }  # fmt: skip
    return SimpleNamespace(**{**plain, **changes})


def test_a_file_that_only_spandrel_knows_loads_and_computes_what_it_computes(plksr, tmp_path):
    path = saved(plksr, tmp_path / "plksr.pth")
    image = torch.rand(1, 3, 9, 14)

    network = napari_sr.load(path)

    assert (network.title, network.scale, network.channels) == (
        "PLKSR (spandrel)", 4, 3,
    )  # fmt: skip
    assert not network.training
    assert network.provenance["model"] == "plksr"
    with torch.inference_mode():
        # weights with channels last are summed in another order
        torch.testing.assert_close(network(image), plksr(image), rtol=0, atol=1e-6)


def test_what_overshoots_is_not_clipped(plksr, tmp_path):
    network = napari_sr.load(saved(plksr, tmp_path / "a.pth"))

    with torch.inference_mode():
        result = network(torch.full((1, 3, 8, 8), 3.0))

    assert result.max() > 1


def test_an_image_is_upscaled_in_tiles_that_overlap(plksr, tmp_path, random):
    network = napari_sr.load(saved(plksr, tmp_path / "a.pth"))
    image = random.random((90, 70, 3)).astype(np.float32)

    whole = napari_sr.upscale(image, network)
    tiled = napari_sr.upscale(image, network, tile=80)

    assert whole.shape == (360, 280, 3)
    # its convolutions look less far than tiles overlap
    assert np.abs(tiled - whole).max() < 1e-5


def test_what_it_wants_is_known(swin, tmp_path):
    network = napari_sr.load(saved(swin, tmp_path / "a.pth"))

    assert network.whole
    assert network.least_size == 16
    assert network.precisions == ("float32", "bfloat16")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_transformer_runs_at_a_size_that_no_window_divides(swin, precision, tmp_path, random):
    network = napari_sr.load(saved(swin, tmp_path / "a.pth"))
    image = random.random((18, 21)).astype(np.float32)

    result = napari_sr.upscale(image, network, precision=precision)

    assert result.shape == (36, 42)
    assert np.isfinite(result).all()


def test_our_own_networks_come_first(example, monkeypatch):
    monkeypatch.setattr(community, "find", None)

    assert type(community.build(example("rrdbnet").state_dict())).__name__ == "RRDBNet"


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"scale": 2}, r"PLKSR \(spandrel\) enlarges 4 times, got scale=2"),
        ({"res_scale": 0.1}, r"PLKSR \(spandrel\) has no options, got {'res_scale': 0.1}"),
    ],
)
def test_a_wrong_scale_or_option_is_named(arguments, what, plksr):
    with pytest.raises(ValueError, match=what):
        community.build(plksr.state_dict(), **arguments)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        (
            {"purpose": "FaceSR"},
            "whose purpose is FaceSR: only networks for SR and Restoration can",
        ),
        ({"purpose": "Inpainting"}, "whose purpose is Inpainting"),
        ({"input_channels": 4}, "4 input and 3 output channels: only 1 and 1, or 3 and 3, can"),
        ({"input_channels": 2, "output_channels": 2}, "2 input and 2 output channels"),
    ],
    ids=str,
)
def test_networks_for_something_else_are_refused_with_their_purpose(changes, what):
    with pytest.raises(ValueError, match=rf"is a PLKSR \(spandrel\).*{what}"):
        community.wrapped(described(**changes))


def test_hints_are_taken_over():
    network = community.wrapped(
        described(
            size_requirements=spandrel.SizeRequirements(minimum=24, multiple_of=8, square=True),
            tiling=spandrel.ModelTiling.INTERNAL,
            supports_half=False,
            supports_bfloat16=False,
        )
    )

    assert (network.least_size, network.multiple, network.square) == (24, 8, True)
    assert network.whole
    assert network.precisions == ("float32",)


def test_without_spandrel_the_extra_is_named_after_what_is_nearest(example, monkeypatch):
    state = example("imdn").state_dict()
    del state["merge.bias"]
    monkeypatch.setattr(community, "find_spec", lambda name: None)

    with pytest.raises(
        UnknownNetworkError,
        match=r"the nearest is IMDN: 1 .*\. spandrel can open many other networks: pip install "
        r"'napari-sr\[spandrel\]'$",
    ):
        community.build(state)


def test_a_broken_spandrel_is_told(plksr, monkeypatch):
    def broken(name):
        raise ImportError("no module named einops")

    monkeypatch.setattr(community, "import_on_torchvision", broken)

    with pytest.raises(UnknownNetworkError, match=r"cannot be imported \(no module named einops\)"):
        community.build(plksr.state_dict())


@pytest.mark.parametrize(
    ("state", "what"),
    [
        ({"fc.weight": torch.zeros(3, 4)}, "it resembles none of them. spandrel .* does not know"),
        ({}, "it resembles none of them. spandrel .* does not know"),
    ],
    ids=["foreign", "empty"],
)
def test_what_nobody_knows_is_told_by_both(state, what):
    with pytest.raises(UnknownNetworkError, match=what):
        community.build(state)


def test_what_only_looks_like_a_network_is_refused_in_one_sentence(swin):
    state = swin.state_dict()
    del state["conv_first.bias"]

    with pytest.raises(UnknownNetworkError, match=r"spandrel .* cannot load it either: ") as told:
        community.build(state)

    assert "\n" not in str(told.value)


def test_the_tensors_that_were_read_stay_as_they_were(plksr):
    state = plksr.state_dict()
    before = copy.deepcopy(state)

    community.build(state)

    assert state.keys() == before.keys()
    assert all(torch.equal(state[key], before[key]) for key in before)


def test_whole_numbers_are_no_weights(plksr):
    state = {key: value.to(torch.int8) for key, value in plksr.state_dict().items()}

    with pytest.raises(ValueError, match=r"whose '.*weight' must be floats, got a tensor of int8"):
        community.build(state)


def test_one_tensor_cannot_make_spandrel_allocate_for_all(swin):
    # its width is read off this tensor alone, so that 200 kB would become 30 GB
    state = dict(swin.state_dict())
    state["conv_first.weight"] = torch.zeros(20_000, 3, 3, 3)

    with pytest.raises(UnknownNetworkError, match="is too large for its checkpoint"):
        community.build(state)


def test_prefixes_come_off_for_spandrel_too(plksr):
    state = {f"net_g.{key}": value for key, value in plksr.state_dict().items()}
    image = torch.rand(1, 3, 8, 8)

    network = community.build(state | {"net_d.weight": torch.zeros(3)})

    assert network.provenance == {
        "chosen_weights": ["Tensors: net_g.*; 1 other tensors are ignored."]
    }
    torch.testing.assert_close(network(image), plksr(image), rtol=0, atol=1e-6)
