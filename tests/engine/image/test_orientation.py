"""The eight orientations, against torch's rotations."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_sr.engine.image.conversion import Extension
from napari_sr.engine.image.orientation import ORIENTATIONS


def test_there_are_eight_different_orientations_and_the_first_is_the_identity():
    pixels = np.arange(6).reshape(2, 3, 1)

    oriented = [view.apply(pixels)[..., 0].tolist() for view in ORIENTATIONS]

    assert oriented[0] == [[0, 1, 2], [3, 4, 5]]
    assert len({str(each) for each in oriented}) == 8
    turned = (torch.rot90(torch.arange(6).reshape(2, 3), turns).tolist() for turns in range(4))
    assert all(each in oriented for each in turned)


@pytest.mark.parametrize("view", ORIENTATIONS, ids=str)
def test_undo_restores_a_part_at_its_place(view, random):
    pixels = random.random((5, 7, 1))
    oriented = view.apply(pixels)
    rows, columns = slice(1, 4), slice(0, 2)

    part = torch.from_numpy(oriented[rows, columns].copy()).permute(2, 0, 1)
    place = view.place(rows, columns, oriented.shape[:2])

    np.testing.assert_array_equal(view.undo(part)[0], pixels[(*place, 0)])


def test_an_extension_is_turned_as_its_plane(random):
    pixels, extension = random.random((5, 7, 1)), Extension(1, 2, 3, 4)
    around = np.pad(pixels, ((1, 2), (3, 4), (0, 0)), mode="symmetric")

    for orientation in ORIENTATIONS:
        turned = orientation.turned(extension)
        widths = (turned.top, turned.bottom), (turned.left, turned.right), (0, 0)
        found = np.pad(orientation.apply(pixels), widths, mode="symmetric")
        np.testing.assert_array_equal(found, orientation.apply(around))
