"""Planes on the disk: found by their mark, bounded, freed with their owner."""

from __future__ import annotations

import numpy as np
import psutil
import pytest

from napari_sr.engine.execution import scratch
from napari_sr.streaming.kept_planes import KeptPlanes, mark_of


class Owner:
    pass


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(scratch.FOLDER, str(tmp_path))
    return tmp_path


def files(folder):
    return [one.path for one in psutil.Process().memory_maps() if str(folder) in one.path]


def keep(planes, owner, number, mark="a"):
    values = planes.room((10, 10), np.uint8)
    values[:] = number
    planes.keep(owner, number, mark, values)


def test_a_plane_is_found_by_owner_number_and_mark():
    planes, owner, other = KeptPlanes(), Owner(), Owner()
    keep(planes, owner, 3)
    keep(planes, other, 3, "b")

    assert (planes.find(owner, 3, "a") == 3).all()
    assert planes.find(owner, 3, "b") is None
    assert planes.find(owner, 4, "a") is None
    assert planes.find(other, 3, "a") is None


def test_the_plane_that_was_not_used_for_longest_makes_room():
    planes, owner = KeptPlanes(most=250), Owner()
    keep(planes, owner, 0)
    keep(planes, owner, 1)
    planes.find(owner, 0, "a")

    keep(planes, owner, 2)

    found = [planes.find(owner, number, "a") is not None for number in range(3)]
    assert found == [True, False, True]
    assert planes.size == 200


def test_a_newer_mark_replaces_a_plane():
    planes, owner = KeptPlanes(), Owner()
    keep(planes, owner, 0)
    keep(planes, owner, 0, "b")

    assert planes.find(owner, 0, "a") is None
    assert planes.size == 100


def test_planes_go_with_their_owner(folder):
    planes, owner = KeptPlanes(), Owner()
    keep(planes, owner, 0)
    assert files(folder)

    del owner

    assert planes.size == 0
    assert not files(folder)
    assert list(folder.iterdir()) == []


def test_a_plane_beyond_the_bound_has_no_room_and_others_stay():
    planes, owner = KeptPlanes(most=250), Owner()
    keep(planes, owner, 0)

    assert planes.room((16, 16), np.uint8) is None
    assert planes.find(owner, 0, "a") is not None


def test_a_full_disk_costs_older_planes_and_then_gives_no_room(monkeypatch):
    planes, owner = KeptPlanes(), Owner()
    keep(planes, owner, 0)
    monkeypatch.setattr(scratch, "LEFT_FREE", 2**60)

    assert planes.room((10, 10), np.uint8) is None
    assert planes.size == 0


@pytest.mark.parametrize("dtype", ["u1", "i2", ">u2", "f4", "f8"])
def test_a_mark_tells_pixels_types_shapes_and_facts_apart(random, dtype):
    pixels = (random.random((6, 5)) * 100).astype(dtype)
    changed = pixels.copy()
    changed[5, 4] += 1

    marks = {
        mark_of(pixels),
        mark_of(changed),
        mark_of(pixels.reshape(5, 6)),
        mark_of(pixels, "a"),
        mark_of(pixels.view(f"V{pixels.itemsize}").view(pixels.dtype.newbyteorder())),
    }

    assert len(marks) == (4 if dtype == "u1" else 5)
    assert mark_of(pixels) == mark_of(np.asfortranarray(pixels)) == mark_of(pixels[::1])
