"""A result's card says what it is and how it came about."""

from __future__ import annotations

import json

import torch
from trainings import tiny

from napari_sr.training import recipe
from napari_sr.training.card import Reached, card, words


def test_a_card_is_json_and_holds_a_recipe_to_train_again():
    config = tiny()

    found = json.loads(json.dumps(card(config, Reached(3, 7.4, 31.5, "cpu"))))

    assert (found["network"], found["scale"]) == ("fsrcnn", 2)
    assert (found["steps"], found["of"], found["seconds"]) == (3, 6, 7)
    assert found["psnr_validation"] == 31.5
    assert recipe.parse(found["recipe"], "card") == config


def test_words_say_how_many_computed():
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert words(torch.device("cpu"), 1) == "cpu, 1 thread"
        torch.set_num_threads(2)
        assert words(torch.device("cpu"), 1) == "cpu, 2 threads"
        assert words(torch.device("cpu"), 3) == "3 x cpu, 2 threads"
    finally:
        torch.set_num_threads(threads)
