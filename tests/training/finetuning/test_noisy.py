from __future__ import annotations

import numpy as np
import pytest
import torch
from noisy import photons, waves

from napari_sr import models
from napari_sr.training.data.pictures import of_array
from napari_sr.training.data.spot import Spot
from napari_sr.training.finetuning.config import Image
from napari_sr.training.finetuning.noisy import (
    NoisyHeldOut,
    hold_out_neighbours,
    hold_out_noisy,
)
from napari_sr.training.measurement import Measurement
from napari_sr.training.noisy_pairs import NoisyPair


def series(random, frames=3, axes="TYX"):
    """Return a time series as an image, and its planes."""
    pixels = np.stack([photons(random, waves()) for _ in range(frames)])
    image = Image("cells", pixels, axes, (0.0, 1.0))
    return image, of_array(pixels, axes=axes, value_range=(0.0, 1.0), name="cells")


def test_pixels_are_learnt_as_they_are(random):
    _, pictures = series(random, 1)

    parts = hold_out_noisy([pictures])

    (held_out,) = parts.training_data.held_out
    assert (held_out.height, held_out.width) == (12, 64)
    assert parts.crop == 26
    assert [one.height for one in parts.training_data.learnt] == [26, 26]


def test_each_frame_has_its_neighbour(random):
    image, pictures = series(random)

    parts = hold_out_neighbours([image], [pictures])

    data = parts.training_data
    rows, columns = slice(0, 5), slice(0, 7)
    others = [data.recorded[one.name].crop(rows, columns) for one in data.learnt[::2]]
    for found, frame in zip(others, (1, 2, 1), strict=True):
        assert torch.equal(found, pictures[frame].crop(rows, columns))
    middle = data.recorded[data.held_out[0].name].whole()
    assert torch.equal(middle, pictures[1].crop(slice(26, 38), slice(0, 64)))


def test_neighbours_lie_along_time_only(random):
    pixels = np.stack([photons(random, waves()) for _ in range(6)]).reshape(3, 2, 64, 64)
    image = Image("cells", pixels, "ZTYX", (0.0, 1.0))
    pictures = of_array(pixels, axes="ZTYX", value_range=(0.0, 1.0))

    data = hold_out_neighbours([image], [pictures]).training_data

    whole = slice(0, 5), slice(0, 5)
    for number, other in enumerate((1, 0, 3, 2, 5, 4)):
        found = data.recorded[data.learnt[2 * number].name].crop(*whole)
        assert torch.equal(found, pictures[other].crop(*whole))


def test_a_single_frame_has_no_neighbour(random):
    image, pictures = series(random, 1)

    with pytest.raises(ValueError, match=r"at least 2 frames, but cells has .* \(1, 64, 64\)"):
        hold_out_neighbours([image], [pictures])


def test_frames_that_are_left_out_are_missed(random):
    image, pictures = series(random)

    with pytest.raises(ValueError, match="all 3 planes of cells in memory, but only 2 fit"):
        hold_out_neighbours([image], [pictures[:2]])


def test_pictures_show_source_bicubic_and_both_networks(random):
    record = models.architecture("espcn")
    start, other = (record.network(**{**record.example, "scale": 2}).eval() for _ in range(2))
    image = torch.from_numpy(photons(random, waves()))[None].expand(start.channels, -1, -1)
    held_out = NoisyHeldOut([NoisyPair(image, image, 0.0, Measurement(Spot()), 2)], 2, start)

    before, after = held_out.show(start), held_out.show(other)

    assert before.source.shape == (64, 64)[: before.source.ndim] or before.source.shape[-1] == 3
    np.testing.assert_array_equal(before.network, before.original_network)
    assert (after.network != after.original_network).any()
    assert held_out.judgement(start) != held_out.judgement(other)
