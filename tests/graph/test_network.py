"""The base class: properties and checks of a network before it computes."""

from __future__ import annotations

import pytest
import torch

from napari_sr.graph.chain import IMAGE, RESULT, GlobalStats, Step
from napari_sr.graph.network import Network


class Twice(Network):
    def chain(self):
        return (Step(lambda image: 2 * image, (IMAGE,), (RESULT,), radius=3),)


def test_network_without_a_chain_names_itself():
    network = Network(scale=2, channels=1)

    with pytest.raises(NotImplementedError, match="Network defines no chain"):
        network(torch.zeros(1, 1, 4, 4))


def test_forward_runs_the_chain():
    image = torch.rand(2, 1, 5, 6)

    result = Twice(scale=1, channels=1)(image)

    torch.testing.assert_close(result, 2 * image, rtol=0, atol=0)


def test_receptive_field_is_the_chains():
    assert Twice(scale=1, channels=1).receptive_field == 3


def test_receptive_field_is_none_where_a_value_is_gathered():
    class Centred(Twice):
        def chain(self):
            return (
                GlobalStats(IMAGE, "mean", lambda mean, deviations, pixels: mean),
                *super().chain(),
            )

    assert Centred(scale=1, channels=1).receptive_field is None


def test_wrong_options_come_in_one_sentence():
    with pytest.raises(ValueError, match=r"Twice needs .*scale=1, channels=1, input_range=nan"):
        Twice(scale=1, channels=1, input_range=float("nan"))


def test_sizes_are_checked_against_the_instance():
    network = Twice(scale=1, channels=1)
    network.multiple, network.least_size = 4, 8

    with pytest.raises(ValueError, match="at least 8 x 8 pixels, got 4 x 12"):
        network(torch.zeros(1, 1, 4, 12))
    with pytest.raises(ValueError, match="multiples of 4, got 8 x 10"):
        network(torch.zeros(1, 1, 8, 10))


def test_a_scale_that_is_no_whole_number_is_refused_with_its_value():
    with pytest.raises(ValueError, match=r"scale=2\.5"):
        Network(scale=2.5, channels=1)


def test_a_network_is_exact_and_called_by_its_class_unless_it_says_otherwise():
    network = Twice(scale=1, channels=1)

    assert (network.exact, network.whole, network.title) == (True, False, "Twice")
    assert network.precisions == ("float32", "float16", "bfloat16")


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_an_image_is_brought_to_the_range_of_the_weights(white):
    image = torch.tensor([0.0, 0.5, 1.0])

    result = Twice(scale=2, channels=1, input_range=white).in_input_range(image)

    assert result.tolist() == [0.0, 0.5 * white, white]
    assert (result is image) == (white == 1)
