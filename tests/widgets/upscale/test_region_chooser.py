import numpy as np
import pytest
from forms import camera_of
from napari.layers import Image, Shapes

from napari_sr.widgets.common.layer_region import RegionError
from napari_sr.widgets.upscale.region_chooser import ALL, CURRENT, VISIBLE, WHOLE, RegionChooser


@pytest.fixture
def chooser(qtbot):
    chooser = RegionChooser()
    qtbot.addWidget(chooser)
    yield chooser
    chooser.leave()


@pytest.fixture
def box():
    return Shapes([np.array([(1, 2), (3, 5.0)])], shape_type="rectangle", name="box")


@pytest.fixture
def image():
    return Image(np.zeros((3, 40, 50)), name="cells")


def choose(chooser, words):
    index = chooser.area.findText(words)
    chooser.area.setCurrentIndex(index)
    chooser.area.activated.emit(index)


def words(chooser):
    return [chooser.area.itemText(index) for index in range(chooser.area.count())]


def test_the_whole_layer_is_the_default(chooser, image, viewer):
    assert chooser.area.currentText() == WHOLE
    assert chooser.region(image, viewer) is None
    assert not chooser.one_plane(image)


def test_shapes_layers_are_offered_and_kept_while_others_come(chooser, image, box, viewer):
    chooser.offer([image, box])
    choose(chooser, "shape in box")

    chooser.offer([Shapes(name="new"), image, box])

    assert words(chooser) == [WHOLE, VISIBLE, "shape in new", "shape in box"]
    assert chooser.area.currentText() == "shape in box"
    assert chooser.region(image, viewer).spans == ((1, 4), (2, 6))


def test_removed_shapes_stay_chosen_until_the_user_chooses_another_part(
    chooser, image, box, viewer
):
    chooser.offer([box])
    choose(chooser, "shape in box")

    chooser.offer([image, Shapes(name="new")])

    assert chooser.area.currentText() == "shape in box, removed"
    with pytest.raises(RegionError, match="The Shapes layer box was removed"):
        chooser.region(image, viewer)

    choose(chooser, WHOLE)
    chooser.offer([image])

    assert words(chooser) == [WHOLE, VISIBLE]
    assert chooser.region(image, viewer) is None


def test_new_shapes_of_the_same_name_are_not_chosen_unasked(chooser, image, box, viewer):
    chooser.offer([box])
    choose(chooser, "shape in box")
    chooser.offer([])

    chooser.offer([Shapes(box.data, name="box")])

    with pytest.raises(RegionError, match="removed"):
        chooser.region(image, viewer)
    choose(chooser, "shape in box")
    assert words(chooser) == [WHOLE, VISIBLE, "shape in box"]
    assert chooser.region(image, viewer).spans == ((1, 4), (2, 6))


def test_the_visible_region_is_asked_from_the_viewer(chooser, viewer):
    layer = viewer.add_image(np.zeros((400, 500)))
    camera_of(viewer).center = (0, 2000, 2000)

    choose(chooser, VISIBLE)

    assert chooser.follows_view
    with pytest.raises(RegionError):
        chooser.region(layer, viewer)


def test_a_part_means_the_current_slice_unless_the_user_says_otherwise(chooser, image, box):
    chooser.offer([box])
    choose(chooser, VISIBLE)
    assert chooser.one_plane(image)

    choose(chooser, WHOLE)
    assert not chooser.one_plane(image)

    chooser.slices.setCurrentText(ALL)
    chooser.slices.activated.emit(0)
    choose(chooser, "shape in box")
    assert not chooser.one_plane(image)


def test_slices_are_for_layers_that_have_some(chooser, image):
    chooser.slices.setCurrentText(CURRENT)
    flat = Image(np.zeros((4, 5)))

    assert not chooser.one_plane(flat)
    chooser.follow(flat)
    assert chooser.slices.isHidden()
    chooser.follow(flat, image)
    assert not chooser.slices.isHidden()


def test_a_change_of_the_chosen_shapes_is_told_and_of_no_others(chooser, box, qtbot):
    other, told = Shapes(name="other"), []
    chooser.offer([box, other])
    choose(chooser, "shape in box")
    chooser.changed.connect(lambda: told.append(1))

    other.add(np.array([(1, 2), (3, 5.0)]), shape_type="rectangle")
    assert told == []

    box.add(np.array([(1, 2), (3, 5.0)]), shape_type="rectangle")
    assert told

    told.clear()
    chooser.leave()
    box.selected_data = {0}
    assert told == []
