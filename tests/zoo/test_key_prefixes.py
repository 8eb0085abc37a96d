"""Prefixes of training scripts come off; parts of larger networks are not taken for the whole."""

from __future__ import annotations

import pytest
import torch

from napari_sr.zoo.key_prefixes import AVERAGED, PREFIXES, Part, parts

WEIGHT, COUNT = torch.zeros(3, 2), torch.tensor(4)


def keys(state):
    return {part.prefix: (set(part.tensors), part.ignored) for part in parts(state)}


@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_prefix_comes_off(prefix):
    assert keys({f"{prefix}a.weight": WEIGHT, f"{prefix}b": WEIGHT}) == {
        prefix: ({"a.weight", "b"}, 0)
    }


def test_nested_prefixes_come_off_one_after_the_other():
    found = keys({"model.net_g.module.a": WEIGHT})

    assert found["model.net_g.module."] == ({"a"}, 0)
    assert found["model."] == ({"net_g.module.a"}, 0)


def test_tensors_that_only_training_needs_are_left_out_and_counted():
    state = {"generator.a": WEIGHT, "discriminator.a": WEIGHT, "loss.b": WEIGHT, "step": COUNT}

    assert keys(state)["generator."] == ({"a"}, 3)


@pytest.mark.parametrize("other", ["encoder.a", "tail.weight", "a"])
def test_a_part_of_a_larger_network_is_not_taken_for_the_whole(other):
    assert keys({"generator.a": WEIGHT, other: WEIGHT}) == {}


def test_single_numbers_are_left_out():
    assert keys({"a": WEIGHT, "epoch": COUNT}) == {"": ({"a"}, 1)}
    assert keys({"epoch": COUNT}) == {}
    assert keys({"a": WEIGHT}) == {}


def test_a_counter_beside_the_rest_is_left_out_but_not_that_of_a_layer():
    state = {"ema.a": WEIGHT, "ema.norm.batches": COUNT, "ema.n_averaged": COUNT}

    whole, without = parts(state)

    assert whole.tensors.keys() == {"a", "norm.batches", "n_averaged"}
    assert (without.tensors.keys(), without.ignored) == ({"a", "norm.batches"}, 1)


@pytest.mark.parametrize("prefix", AVERAGED)
def test_running_means_are_known_by_any_of_their_prefixes(prefix):
    assert Part({}, prefix).averaged
    assert Part({}, f"model.{prefix}module.").averaged
    assert not Part({}, "model.").averaged
    assert not Part({}, "generator.").averaged


@pytest.mark.parametrize(
    ("part", "remarks"),
    [
        (Part({}), ()),
        (Part({}, "net_g."), ("Tensors: net_g.*.",)),
        (
            Part({}, "net_g_ema.", 7),
            ("Tensors: net_g_ema.* (a running mean); 7 other tensors are ignored.",),
        ),
        (Part({}, "", 2), ("2 other tensors are ignored.",)),
    ],
)
def test_what_was_chosen_is_told(part, remarks):
    assert part.remarks() == remarks
