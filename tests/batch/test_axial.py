"""A folder of stacks is enlarged along Z, too, each by its own pixel sizes."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

import napari_sr
from napari_sr.files.lazy import open_lazy


@pytest.fixture
def folders(tmp_path, random):
    """Write stacks whose planes are 2.5 and 5 pixels apart, and one plane."""
    (tmp_path / "in").mkdir()
    for name, apart, shape in (
        ("a", 0.5, (3, 20, 24)),
        ("b", 1.0, (3, 20, 24)),
        ("c", 1, (20, 24)),
    ):
        sizes = {"PhysicalSizeX": 0.2, "PhysicalSizeY": 0.2, "PhysicalSizeZ": apart}
        pixels = random.integers(0, 256, shape).astype(np.uint8)
        axes = "ZYX"[-len(shape) :]
        tifffile.imwrite(tmp_path / f"in/{name}.ome.tif", pixels, metadata={"axes": axes, **sizes})
    return tmp_path / "in", tmp_path / "out"


def test_each_stack_gets_cubes_and_a_plane_is_told(folders):
    source, out = folders

    report = napari_sr.upscale_folder(source, out, axial="cubes", device="cpu", engine="torch")

    assert sorted(report.made) == ["a.ome.tif", "b.ome.tif"]
    assert list(report.failures) == ["c.ome.tif"]
    assert "Z" in report.failures["c.ome.tif"]
    for name, factor in (("a", 5), ("b", 10)):
        found = open_lazy(out / f"{name}.ome.tif")
        stack = tifffile.imread(source / f"{name}.ome.tif")
        expected = napari_sr.upscale(stack, "fsrcnn", 2, axes="ZYX", axial=factor, device="cpu",
                                     engine="torch")  # fmt: skip
        np.testing.assert_array_equal(found.pixels[:], expected)
        assert found.places["Z"].size == pytest.approx(0.1)

    again = napari_sr.upscale_folder(source, out, axial="cubes", device="cpu", engine="torch")
    assert (again.made, sorted(again.kept)) == ([], ["a.ome.tif", "b.ome.tif"])

    other = napari_sr.upscale_folder(source, out, "a.*", axial=2, device="cpu", engine="torch")
    assert "axial was" in other.failures["a.ome.tif"]


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"axial": 0.5}, "axial must be a number of at least 1"),
        ({"axial": "x"}, "at least 1, or .cubes., got 'x'"),
        ({"axial": 2, "axial_by": "magic"}, "got 'magic'"),
        ({"axial": 2, "to": ".png"}, "such as --to .ome.tif, got .png"),
        ({"axial": 2, "workers": 2}, "without --workers"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(folders, wrong, what):
    with pytest.raises(ValueError, match=what):
        napari_sr.upscale_folder(*folders, device="cpu", **wrong)

    assert not folders[1].exists()
