"""EXIF is adapted to upright and enlarged pixels; its other tags stay unchanged."""

from __future__ import annotations

import pytest
from PIL import Image

from napari_sr.files import exif


def made(tags, inside=None, place=None):
    built = Image.Exif()
    built.update(tags)
    built.get_ifd(exif.DIRECTORY).update(inside or {})
    built.get_ifd(0x8825).update(place or {})
    return built.tobytes()


def test_sizes_are_multiplied_and_the_rest_is_kept():
    content = made(
        {0x010F: "Camera", 0x0112: 1, 0x0100: 7, 0x0101: 5, 0x011A: 72.0, 0x011B: 36.0},
        {0x9003: "2020:02:03 04:05:06", 0xA002: 7, 0xA003: 5, 0xA20E: 100.0, 0xA20F: 50.0},
        {1: "N"},
    )

    found = exif.load(exif.changed(content, scale=3))

    inside = found.get_ifd(exif.DIRECTORY)
    assert [found[tag] for tag in (0x010F, 0x0112, 0x0100, 0x0101, 0x011A, 0x011B)] == [
        "Camera", 1, 21, 15, 216, 108,
    ]  # fmt: skip
    assert [inside[tag] for tag in (0x9003, 0xA002, 0xA003, 0xA20E, 0xA20F)] == [
        "2020:02:03 04:05:06", 21, 15, 300, 150,
    ]  # fmt: skip
    assert found.get_ifd(0x8825)[1] == "N"


def test_x_and_y_change_places_and_the_orientation_is_upright():
    content = made({0x0112: 6, 0x011A: 72.0, 0x011B: 36.0}, {0xA002: 7, 0xA214: (1, 2)})

    found = exif.load(exif.changed(content, swapped=True))

    inside = found.get_ifd(exif.DIRECTORY)
    assert (found[0x0112], found[0x011A], found[0x011B]) == (1, 36, 72)
    assert (inside.get(0xA002), inside.get(0xA003), inside.get(0xA214)) == (None, 7, None)


@pytest.mark.parametrize(("stored", "expected"), [(1, 1), (8, 8), (0, 1), (9, 1)])
def test_an_orientation_is_1_to_8(stored, expected):
    assert exif.orientation_of(exif.load(made({0x0112: stored}))) == expected
    assert exif.orientation_of(exif.load(made({}))) == 1


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({0x011A: 72.0, 0x011B: 36.0}, (72, 36, "inch")),
        ({0x011A: 72.0, 0x011B: 36.0, 0x0128: 3}, (72, 36, "cm")),
        ({0x011A: 72.0, 0x011B: 36.0, 0x0128: 1}, None),
        ({0x011A: 72.0}, None),
        ({0x011A: 0.0, 0x011B: 36.0}, None),
    ],
)
def test_density_needs_both_sides_and_a_unit(tags, expected):
    assert exif.density_of(exif.load(made(tags))) == expected


@pytest.mark.parametrize("content", [b"nonsense, and more of it", b"MM\0*"])
def test_what_is_no_exif_is_refused(content):
    with pytest.raises(exif.MALFORMED):
        exif.changed(content)
