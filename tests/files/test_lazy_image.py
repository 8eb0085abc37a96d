import pytest

from napari_sr.files.lazy_image import Axis, LazyImage


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize(("size", "origin"), [(1.0, 0.0), (0.65, -12.5), (-2.0, 7.0)])
def test_outer_edges_stay_where_they_were(scale, size, origin):
    length = 10
    larger = Axis(size, origin, "micrometer").enlarged(scale)

    first, last = larger.origin, larger.origin + (length * scale - 1) * larger.size

    assert first - larger.size / 2 == pytest.approx(origin - size / 2)
    assert last + larger.size / 2 == pytest.approx(origin + (length - 0.5) * size)
    assert larger.unit == "micrometer"


def test_only_image_axes_are_enlarged():
    places = {"Z": Axis(2.0, 1.0, "micrometer"), "Y": Axis(0.5, 0.0), "X": Axis(0.5, 3.0)}
    image = LazyImage(None, "ZYX", {}, places)

    larger = image.enlarged_places(2)

    assert larger["Z"] == places["Z"]
    assert larger["Y"] == Axis(0.25, -0.125)
    assert larger["X"] == Axis(0.25, 2.875)
