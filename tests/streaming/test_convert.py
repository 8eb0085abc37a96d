import numpy as np
import pytest
import tifffile
from blocks import image_of, request_of

from napari_sr.files import formats
from napari_sr.runs.run import drive
from napari_sr.streaming.convert import convert
from napari_sr.streaming.result import complete, compute, missing, opened, start

pytestmark = pytest.mark.usefixtures("small_blocks")


@pytest.mark.parametrize("axes", ["YX", "ZYX", "YXS"])
def test_a_tiff_has_the_pixels_and_the_pixel_size_of_the_result(tmp_path, axes):
    shape = {"YX": (150, 170), "ZYX": (2, 150, 170), "YXS": (150, 170, 3)}[axes]
    source = tmp_path / "in.tif"
    dtype = "uint8" if axes == "YXS" else "uint16"
    pixels = image_of(shape[:2] if axes == "YXS" else shape, dtype)
    pixels = np.stack([pixels] * 3, -1) if axes == "YXS" else pixels
    tifffile.imwrite(
        source, pixels, imagej=True, resolution=(4, 4), metadata={"axes": axes, "unit": "um"}
    )
    request = request_of(source, tmp_path / "out.zarr")
    start(request)
    drive(compute(request.result, missing(request.result)))
    complete(request.result)
    expected = np.asarray(opened(request.result)[1].levels[0][:])

    steps = list(convert(request.result, tmp_path / "out.ome.tif"))

    written = formats.read(tmp_path / "out.ome.tif")
    assert written.axes == axes
    wanted = np.moveaxis(expected, 0, -1) if axes == "YXS" else expected
    np.testing.assert_array_equal(written.pixels, wanted)
    assert written.density.per("um") == pytest.approx((8, 8))
    assert steps[-1].share == 1
