"""Other programs read and check the images that napari-sr writes."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from napari_sr.engine.image.arrays import layout_of
from napari_sr.files.lazy_image import Axis
from napari_sr.files.ome_zarr.write import create

yaozarrs = pytest.importorskip("yaozarrs", reason="yaozarrs, of the extra zarr, is missing")
parse_url = pytest.importorskip("ome_zarr.io", reason="ome-zarr is missing").parse_url
Reader = pytest.importorskip("ome_zarr.reader", reason="ome-zarr is missing").Reader

VERSIONS = ["0.5", "0.4"]


@pytest.fixture(params=VERSIONS)
def gradient(tmp_path, request):
    """Write an image whose values are its own x positions in the world, twice enlarged."""
    layout = layout_of((2, 600, 900), "float32", "CYX")
    source = {"Y": Axis(0.5, -7.0, "micrometer"), "X": Axis(0.25, 3.0, "micrometer")}
    places = {letter: axis.enlarged(2) for letter, axis in source.items()}
    channels = [
        {"label": "DAPI", "color": "0000FF", "active": True},
        {"label": "GFP", "color": "00FF00", "window": {"start": 0.2, "end": 0.8}},
    ]
    writer = create(
        tmp_path / "a.ome.zarr",
        layout,
        block=(256, 256),
        places=places,
        channels=channels,
        name="gradient",
        version=request.param,
        provenance={"model": "fsrcnn-x2"},
    )
    positions = places["X"].origin + places["X"].size * np.arange(900)
    for plane, row, column in writer.blocks():
        width, height = min(256, 900 - column), min(256, 600 - row)
        part = np.broadcast_to(positions[column : column + width], (height, width))
        writer.write(plane, row, column, part.astype(np.float32))
    writer.finish()
    return writer


def test_ome_zarr_py_reads_every_level_in_place(gradient):
    (node,) = Reader(parse_url(gradient.path))()

    assert node.metadata["name"] == "gradient"
    assert node.metadata["channel_names"] == ["DAPI", "GFP"]
    assert node.metadata["colormap"][1] == [[0, 0, 0], [0, 1, 0]]
    # the first and the last position of the coarsest level
    assert node.metadata["contrast_limits"] == [[3.125, 115.125], [0.2, 0.8]]
    assert [axis["name"] for axis in node.metadata["axes"]] == ["c", "y", "x"]
    assert [level.shape for level in node.data] == [(2, 600, 900), (2, 300, 450), (2, 150, 225)]
    for level, transforms in zip(
        node.data, node.metadata["coordinateTransformations"], strict=True
    ):
        scale, translation = transforms[0]["scale"], transforms[1]["translation"]
        positions = translation[2] + scale[2] * np.arange(level.shape[2])
        values = np.asarray(level)
        # float32 values near 100 have steps of 8e-6
        np.testing.assert_allclose(values[1, 40], positions, atol=1e-5)
        np.testing.assert_array_equal(values, np.broadcast_to(values[:1, :1], values.shape))


def test_the_store_is_valid(gradient):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        group = yaozarrs.validate_zarr_store(str(gradient.path))

    assert group.ome_version() == gradient.version
