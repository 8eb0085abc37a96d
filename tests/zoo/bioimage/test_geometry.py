"""Axes, sizes, scales and halos of descriptions in both formats."""

from __future__ import annotations

import pytest
from bioimage_packages import axes, description

from napari_sr.zoo.bioimage.geometry import Size, geometry_of
from napari_sr.zoo.limits import RefusedError


def new(**options):
    about = description(**options)
    return geometry_of(about["inputs"], about["outputs"])


def old(shape, out, order="bcyx", halo=None):
    return geometry_of(
        [{"axes": order, "shape": shape}], [{"axes": order, "shape": out, "halo": halo}]
    )


def test_sizes_scale_and_halo_are_read():
    found = new(channels=3, scale=4, halo=18, size={"min": 32, "step": 16})

    assert (found.channels, found.scale, found.halo) == (3, 4, 5)  # 18 result pixels, rounded up
    assert (found.height, found.width) == (Size(32, 16), Size(32, 16))
    assert (found.order_in, found.order_out) == ("bcyx", "bcyx")
    assert new(halo=None).halo is None


def test_the_older_format_is_read():
    free = {"min": [1, 3, 64, 64], "step": [0, 0, 16, 16]}
    out = {"reference_tensor": "raw", "scale": [1, 1, 2, 2], "offset": [0, 0, 0, 0]}

    found = old(free, out, halo=[0, 0, 32, 30])

    assert (found.channels, found.scale, found.halo) == (3, 2, 16)
    assert found.height == Size(64, 16)
    fixed = old([1, 128, 96, 1], [1, 128, 96, 1], "byxc")
    assert (fixed.scale, fixed.channels, fixed.order_in) == (1, 1, "byxc")
    assert (fixed.height, fixed.width) == (Size(128, 0), Size(96, 0))


def test_the_next_accepted_length_is_found():
    assert [Size(10, 8).fitting(one) for one in (1, 10, 11, 18, 19)] == [10, 10, 18, 18, 26]
    assert [Size(10, 0).fitting(one) for one in (1, 99)] == [10, 10]


def changed(change):
    about = description()
    change(about["inputs"], about["outputs"])
    return about["inputs"], about["outputs"]


def of_five(tensors):
    tensors[0]["axes"] = axes(5, {"min": 4, "step": 1})


def deep(tensors):
    tensors[0]["axes"].append({"type": "space", "id": "z", "size": 4})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a, b: a.append(a[0]), "has 2 inputs"),
        (lambda a, b: b.clear(), "has 0 outputs"),
        (lambda a, b: of_five(a), "takes 5 and returns 1 channels"),
        (lambda a, b: deep(a), "axes 'bcyxz': only planes"),
        (lambda a, b: a[0]["axes"].pop(), "only planes can be used"),
        (lambda a, b: b[0]["axes"][2].update(scale=0.4), "enlarges 2.5 and 2 times"),
        (lambda a, b: b[0]["axes"][2]["size"].update(offset=-8), "8 pixels smaller"),
        (lambda a, b: b[0]["axes"][2]["size"].update(axis_id="x"), "cannot be understood"),
        (lambda a, b: a[0]["axes"][2].update(size=-3), "cannot be understood"),
        (lambda a, b: a[0]["axes"][2].update(size={"min": 1, "step": 10**9}), "more than 16384"),
        (lambda a, b: a[0].update(axes=7), "cannot be understood"),
        (lambda a, b: b[0]["axes"][3].update(halo=-1), "cannot be understood"),
        (lambda a, b: b[0]["axes"][3].update(scale=0), "cannot be understood"),
        (lambda a, b: b[0]["axes"][3].update(scale="1e999999999"), "cannot be understood"),
    ],
)
def test_other_networks_are_refused_in_a_sentence(change, words):
    with pytest.raises(RefusedError, match=words):
        geometry_of(*changed(change))


def test_the_older_format_refuses_the_same():
    with pytest.raises(RefusedError, match="axes 'bczyx'"):
        old([1] * 5, [1] * 5, "bczyx")
    with pytest.raises(RefusedError, match="size differs by the offset"):
        old([1, 1, 64, 64], {"scale": [1] * 4, "offset": [0, 0, -4, -4]})


def test_a_halo_that_no_plane_could_be_extended_by_is_refused():
    assert new(scale=2, halo=1024).halo == 512
    with pytest.raises(RefusedError, match="a halo of 1000000000000 pixels: at most 1024"):
        new(halo=10**12)
