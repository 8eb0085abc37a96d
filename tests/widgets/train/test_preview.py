from __future__ import annotations

import numpy as np
import pytest

from napari_sr.widgets.train.preview import PreviewBoard, image_of


@pytest.fixture
def board(qtbot):
    board = PreviewBoard()
    qtbot.addWidget(board)
    board.resize(320, 10)
    board.show()
    return board


def four(shape=(20, 30)):
    return {name: np.full(shape, 60 * k, np.uint8) for k, name in enumerate("abcd")}


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_every_pixel_of_an_array_is_shown(random, shape):
    pixels = random.integers(0, 255, shape, np.uint8)

    image = image_of(pixels)

    for y in range(5):
        for x in range(7):
            red, green, blue, _ = image.pixelColor(x, y).getRgb()
            assert (red, green, blue) == tuple(np.broadcast_to(pixels[y, x], 3))


def test_a_picture_has_memory_of_its_own():
    pixels = np.zeros((4, 4), np.uint8)
    image = image_of(pixels)

    pixels[:] = 200

    assert image.pixelColor(0, 0).red() == 0


def test_four_pictures_stand_in_two_rows_or_in_one_where_there_is_room(board):
    board.show_pictures(four())
    low = board.height()

    board.resize(800, low)

    assert board.columns() == 4
    assert low > 2 * 100  # two rows of 157 x 104
    assert board.height() < 160  # one of 195 x 130


def test_each_picture_stands_in_its_place(board):
    board.show_pictures(four())

    image = board.grab().toImage()
    shown = [
        image.pixelColor(int(x * image.width()), int(y * image.height())).red()
        for y in (0.3, 0.8)
        for x in (0.25, 0.75)
    ]

    # a virtual display may have 16 bits
    assert shown == pytest.approx([0, 60, 120, 180], abs=8)


def test_without_pictures_it_takes_no_room(board):
    board.show_pictures(four())

    board.clear()

    assert board.height() == 0
    board.grab()
