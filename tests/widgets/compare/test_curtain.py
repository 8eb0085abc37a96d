"""The curtain, pixel by pixel: each side is what its layer alone looks like."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from napari.layers import Image

from napari_sr.widgets.compare.curtain import Curtain, canvas_of


def alone(shown, layer):
    """Return a picture of one layer only."""
    others = [other for other in (shown.before, shown.after) if other is not layer]
    for other in others:
        other.visible = False
    picture = shown.picture()
    for other in others:
        other.visible = True
    return picture


def check(shown, *, share=0.4, horizontal=False):
    """Compare both sides of the curtain with pictures of each layer alone."""
    before, after = alone(shown, shown.before), alone(shown, shown.after)
    hung = Curtain(shown.viewer, shown.before, shown.after, share=share, horizontal=horizontal)

    picture = shown.picture()
    hung.end()

    line = round(share * picture.shape[0 if horizontal else 1])
    expected = before.copy()
    if horizontal:
        expected[line:] = after[line:]
    else:
        expected[:, line:] = after[:, line:]
    assert (before != after).any()
    np.testing.assert_array_equal(picture, expected)


def horizontal_line(shown, random, monkeypatch):
    return {"horizontal": True, "share": 0.3}


def another_place(shown, random, monkeypatch):
    return {"share": 1.0}


def blended(shown, random, monkeypatch):
    """Blend with a background that is not black."""
    shown.viewer.theme = "light"
    for layer in (shown.before, shown.after):
        layer.opacity, layer.blending = 0.6, "additive"


def rotated(shown, random, monkeypatch):
    for layer in (shown.before, shown.after):
        layer.rotate = 30


def pyramid_in_colour(shown, random, monkeypatch):
    colours = random.integers(0, 255, (96, 128, 3), np.uint8)
    levels = [colours, colours[::2, ::2], colours[::4, ::4]]
    shown.viewer.layers.remove(shown.after)
    shown.after = shown.viewer.add_image(levels, rgb=True, multiscale=True, scale=(0.25, 0.25))


def several_textures(shown, random, monkeypatch):
    """Let napari draw an image in tiles, as it does if it is larger than a texture can be."""
    shown.viewer.layers.remove(shown.after)
    monkeypatch.setattr("napari._vispy.layers.image.get_max_texture_sizes", lambda: (40, 40))
    pixels = np.arange(48 * 64, dtype=np.float32).reshape(48, 64)
    shown.after = shown.viewer.add_image(pixels, scale=(0.5, 0.5))
    assert len(shown.canvas.layer_to_visual[shown.after].node.adopted_children) > 1


CASES = (horizontal_line, another_place, rotated, blended, pyramid_in_colour, several_textures)


def test_each_side_shows_one_layer_alone(shown, random, monkeypatch):
    # one window for all: opening it takes longer than all pictures
    both = shown.picture()
    check(shown)
    np.testing.assert_array_equal(shown.picture(), both)
    for case in CASES:
        check(shown, **(case(shown, random, monkeypatch) or {}))


def test_what_napari_draws_anew_is_cut_as_well(shown):
    hung = Curtain(shown.viewer, shown.before, shown.after, share=0.5)
    shown.picture()

    shown.before.data = shown.before.data.astype(np.float32)
    shown.viewer.add_labels(np.ones((24, 32), int), opacity=0.3)  # and another order of drawing
    picture = shown.picture()
    hung.end()

    half = picture.shape[1] // 2
    np.testing.assert_array_equal(picture[:, :half], alone(shown, shown.before)[:, :half])
    np.testing.assert_array_equal(picture[:, half:], alone(shown, shown.after)[:, half:])


class Tile:
    """What draws a part of a layer; it remembers its filters."""

    def __init__(self):
        self.filters = []
        self.attach, self.detach = self.filters.append, self.filters.remove


def test_tiles_that_are_added_later_are_cut_and_all_are_let_go(viewer, pair, canvas):
    tiles = [Tile()]
    drawn = SimpleNamespace(node=SimpleNamespace(adopted_children=tiles))
    canvas.layer_to_visual[pair[1]] = drawn
    hung = Curtain(viewer, *pair)
    source = SimpleNamespace(physical_size=(400, 300))

    found = []
    for _ in range(2):
        hung._prepare(SimpleNamespace(source=source))
        found.append([len(tile.filters) for tile in tiles])
        tiles.append(Tile())
    hung.end()

    assert found == [[1], [1, 1]]
    assert [tile.filters for tile in tiles] == [[], [], []]


def test_the_line_lies_between_two_pixels_of_a_fine_screen():
    layers = Image(np.zeros((2, 2))), Image(np.zeros((2, 2)))
    hung = Curtain(object(), *layers, share=0.5)  # no window: nothing is drawn

    hung._place(301, 201)
    vertical = [half.line for half in hung._halves.values()]
    hung.horizontal, hung.share = True, 0.25
    hung._place(301, 201)
    horizontal = [half.line for half in hung._halves.values()]

    assert vertical == [(-1, 0, 150), (1, 0, -150)]
    assert horizontal == [(0, 1, -151), (0, -1, 151)]  # 50 px from above: y points up


def test_without_a_window_there_is_no_canvas(viewer):
    assert canvas_of(viewer) is None


@pytest.mark.parametrize(("lacking", "found"), [(None, True), ("layer_to_visual", False)])
def test_a_canvas_of_a_later_napari_may_lack_what_is_needed(lacking, found):
    names = {"layer_to_visual", "native", "events"} - {lacking}
    canvas = SimpleNamespace(**dict.fromkeys(names))
    window = SimpleNamespace(_qt_window=object(), _qt_viewer=SimpleNamespace(canvas=canvas))

    assert (canvas_of(SimpleNamespace(window=window)) is canvas) is found
