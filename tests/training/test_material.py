"""What is judged was never learnt, and folders that don't fit are told."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from trainings import discs, material, tiny

from napari_sr.training.data.blur import Blur
from napari_sr.training.material import crops_of, degradation_of, of_folders, pairs_of


@pytest.fixture
def folder(tmp_path):
    """Two folders of three images each."""
    random = np.random.default_rng(0)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for number in range(3):
            Image.fromarray(discs(random, 32)).save(tmp_path / name / f"{number}.png")
    return tmp_path


def names(pictures, folder):
    return [one.name.removeprefix(f"{folder}/") for one in pictures]


def test_a_file_that_is_held_out_is_so_in_all_its_sizes(folder):
    data = tiny(data={"folders": ["one", "two"], "sizes": [1.0, 0.5], "validation": 2}).data

    found = of_folders(data, folder)

    assert names(found.held_out, folder) == ["one/1.png", "two/1.png"]
    learnt = names(found.learnt, folder)
    assert len(learnt) == 8
    assert "one/2.png at 0.5" in learnt
    assert not [name for name in learnt if "1.png" in name]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"folders": ["three"]}, "there is no folder or file .*three"),
        ({"folders": ["one"], "validation": 3}, "holds 3 files out, but there are only 3 in .*one"),
    ],
)
def test_a_folder_that_cannot_do_is_told(folder, changes, message):
    with pytest.raises(ValueError, match=message):
        of_folders(tiny(data=changes).data, folder)


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"there is no folder .*nowhere to learn from"):
        of_folders(tiny().data, tmp_path / "nowhere")


def test_nothing_held_out_is_allowed(folder):
    found = of_folders(tiny(data={"folders": ["one"], "validation": 0}).data, folder)

    assert (len(found.learnt), len(found.held_out)) == (3, 0)


def test_pairs_to_judge_by_are_the_middle_and_always_the_same():
    config, held = tiny(data={"validation_size": 21}), material()

    (first,), (again,) = (pairs_of(held, config, 3) for _ in range(2))

    assert [tuple(one.shape) for one in first] == [(3, 10, 10), (3, 20, 20)]
    middle = held.held_out[0].whole()[:, 10:30, 10:30]
    assert torch.equal(first[1], middle)
    assert torch.equal(first[0], again[0])


def test_crops_are_of_every_scale():
    crops = crops_of(material(), tiny(scales=[2, 3]), 1, 0)

    sizes = {scale: one.batch(0)[1].shape for scale, one in crops.items()}
    assert sizes == {2: (2, 1, 16, 16), 3: (2, 1, 24, 24)}


def test_a_degradation_is_chosen_by_name():
    data = tiny(data={"degradation": {"kind": "blur", "options": {"sigma": [0.5, 2]}}}).data

    assert degradation_of(data) == Blur((0.5, 2))
    with pytest.raises(
        ValueError, match=r"data.degradation.kind must be one of bicubic.* got 'fog'"
    ):
        degradation_of(tiny(data={"degradation": {"kind": "fog"}}).data)
