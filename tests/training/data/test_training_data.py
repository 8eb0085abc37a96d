"""What is judged was never learnt, and folders that don't fit are told."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from trainings import discs, tiny, training_data

from napari_sr.training.data.blur import Blur
from napari_sr.training.data.draws import crops_of
from napari_sr.training.data.training_data import degradation_of, of_folders, pairs_of


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
        ({"folders": ["one"], "validation": 3}, "holds out 3 files, but there are only 3 in .*one"),
    ],
)
def test_a_folder_that_cannot_do_is_told(folder, changes, message):
    with pytest.raises(ValueError, match=message):
        of_folders(tiny(data=changes).data, folder)


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"there is no folder .*nowhere"):
        of_folders(tiny().data, tmp_path / "nowhere")


def test_an_archive_is_told_from_a_missing_folder(tmp_path):
    (tmp_path / "set.zip").touch()

    with pytest.raises(ValueError, match=r"set\.zip is not a folder: give a folder of images"):
        of_folders(tiny().data, tmp_path / "set.zip")


def test_nothing_held_out_is_allowed(folder):
    found = of_folders(tiny(data={"folders": ["one"], "validation": 0}).data, folder)

    assert (len(found.learnt), len(found.held_out)) == (3, 0)


def test_pairs_to_judge_by_are_the_middle_and_always_the_same():
    config, held = tiny(data={"validation_size": 21}), training_data()

    (first,), (again,) = (pairs_of(held, config, 3) for _ in range(2))

    assert [tuple(one.shape) for one in first] == [(3, 10, 10), (3, 20, 20)]
    middle = held.held_out[0].whole()[:, 10:30, 10:30]
    assert torch.equal(first[1], middle)
    assert torch.equal(first[0], again[0])


def test_pairs_to_judge_by_are_of_a_size_that_the_network_can_take():
    config, held = tiny(data={"validation_size": 23}), training_data()

    [(lr, hr)] = pairs_of(held, config, 3, multiple=4)

    assert (lr.shape[1:], hr.shape[1:]) == ((8, 8), (16, 16))


def test_crops_are_of_every_scale():
    crops = crops_of(training_data(), tiny(scales=[2, 3]), 1, 0)

    sizes = {scale: one.batch(0)[1].shape for scale, one in crops.items()}
    assert sizes == {2: (2, 1, 16, 16), 3: (2, 1, 24, 24)}


def test_a_degradation_is_chosen_by_name():
    data = tiny(data={"degradation": {"kind": "blur", "options": {"sigma": [0.5, 2]}}}).data

    assert degradation_of(data) == Blur((0.5, 2))
    with pytest.raises(
        ValueError, match=r"data.degradation.kind must be one of bicubic.* got 'fog'"
    ):
        degradation_of(tiny(data={"degradation": {"kind": "fog"}}).data)


def test_grey_and_value_range_are_how_files_are_read(folder):
    data = {"folders": ["one"], "validation": 1}

    grey = of_folders(tiny(data={**data, "grey": True}).data, folder)
    ranged = of_folders(tiny(data={**data, "value_range": [0, 510]}).data, folder)
    plain = of_folders(tiny(data=data).data, folder)

    assert [one.channels for one in (*grey.learnt, *grey.held_out)] == [1, 1, 1]
    for one, other in zip(ranged.learnt, plain.learnt, strict=True):
        assert torch.equal(2 * one.whole(), other.whole())


@pytest.mark.parametrize(("synthetic", "others"), [(0, 0), (7, 0), (16, 2), (100, 8)])
def test_made_up_images_are_learnt_and_others_are_held_out(folder, synthetic, others):
    found = of_folders(
        tiny(data={"folders": ["one"], "validation": 1, "synthetic": synthetic}).data, folder
    )

    assert (len(found.learnt), len(found.held_out)) == (2 + synthetic, 1 + others)
    if others:
        assert not torch.equal(found.learnt[2].whole(), found.held_out[1].whole())


@pytest.fixture
def recorded(folder):
    """The folders, with one of small images for each, which no degradation would make."""
    for name in ("one", "two"):
        (folder / f"small {name}").mkdir()
        for number in range(3):
            lr = np.asarray(Image.open(folder / name / f"{number}.png"))[::2, ::2]
            Image.fromarray(lr).save(folder / f"small {name}" / f"{number}.png")
    return folder


PAIRED = {"folders": ["one", "two"], "recorded": ["small one", "small two"], "validation": 2}


def test_recorded_small_images_stay_with_their_large_ones(recorded):
    config = tiny(data={**PAIRED, "flips": False, "turns": False})

    found = of_folders(config.data, recorded)

    assert (len(found.learnt), len(found.held_out)) == (4, 2)
    lr, hr = crops_of(found, config, 3, 0)[2].batch(0)
    assert torch.equal(lr, hr[..., ::2, ::2])
    for lr, hr in pairs_of(found, config, 3):
        assert torch.equal(lr, hr[..., ::2, ::2])


def test_a_recorded_image_alone_is_told(recorded):
    data = tiny(data=PAIRED).data
    (recorded / "two" / "1.png").rename(recorded / "two" / "7.png")

    with pytest.raises(
        ValueError, match=r"/two must contain an image named like .*small two/1\.png"
    ):
        of_folders(data, recorded)


def test_recorded_images_of_other_planes_are_told(recorded):
    data = tiny(data=PAIRED).data
    (recorded / "two" / "1.png").unlink()
    np.save(recorded / "two" / "1.npy", np.zeros((2, 32, 32), np.uint8))

    with pytest.raises(ValueError, match="got 7 in one, two and 6 in small one, small two"):
        of_folders(data, recorded)


def test_folders_of_a_recipe_may_lie_at_home(folder, monkeypatch, tmp_path_factory):
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    found = of_folders(tiny(data={"folders": ["~/one"], "validation": 1}).data, elsewhere)

    assert (len(found.learnt), len(found.held_out)) == (2, 1)
