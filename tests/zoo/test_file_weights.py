"""Weights are found beside counters, optimisers and running means."""

from __future__ import annotations

import pytest
import torch

from napari_sr.zoo.file_weights import AVERAGED, FileWeights, weights_in
from napari_sr.zoo.limits import RefusedError
from napari_sr.zoo.stored_tensor import StoredTensor, Unusable

TENSOR = StoredTensor((2,), torch.float32, lambda: torch.zeros(2))
STATE = {"a.weight": TENSOR}


@pytest.mark.parametrize("key", AVERAGED)
@pytest.mark.parametrize("other", ["params", "state_dict", "model", "net_g"])
def test_every_name_of_a_running_mean_goes_before_every_other(key, other):
    found = weights_in({other: {"b": TENSOR}, key: STATE})

    assert found == FileWeights(STATE, key, (other,))
    (remark,) = found.remarks()
    assert remark == f"Weights: the running mean {key!r}, not {other!r}."


def test_weights_alone_need_no_remark():
    assert weights_in(STATE).remarks() == ()
    assert weights_in({"params": STATE, "optimiser": {"lr": 0.1}, "epoch": 3}).remarks() == ()


def test_a_generator_beside_a_discriminator_is_told_only_if_both_could_be_it():
    both = weights_in({"params": STATE, "net_g": {"b": TENSOR}})

    assert both.remarks() == ("Weights: 'params', not 'net_g'.",)


@pytest.mark.parametrize("value", [1, 0.5, True, "x", b"x", None, [1, 2], (0.5, "a"), []])
def test_numbers_texts_and_lists_of_them_are_ignored(value):
    found = weights_in(STATE | {"beside": value})

    assert found == FileWeights(STATE, ignored=("beside",))
    assert found.remarks() == ("Ignored beside the weights: beside.",)


@pytest.mark.parametrize("value", [[TENSOR], Unusable("a quantised tensor"), object()])
def test_anything_else_stays_to_be_refused(value):
    assert weights_in(STATE | {"b": value}).values["b"] is value


def test_a_number_of_numpy_is_a_number():
    number = Unusable("a NumPy number", is_number=True)

    assert weights_in(STATE | {"psnr": number}).ignored == ("psnr",)


def test_prefixes_of_all_weights_come_off_though_a_number_has_none():
    assert weights_in({"module.a.weight": TENSOR, "epoch": 1}).values == STATE


def test_a_file_of_numbers_names_them():
    with pytest.raises(RefusedError, match="no tensors, but 'epoch', 'loss'"):
        weights_in({"epoch": 1, "loss": 0.5})
