import numpy as np
import pytest
import tifffile
from blocks import image_of, request_of, tiff_of

from napari_sr import upscale
from napari_sr.files import formats
from napari_sr.files.image import FileError
from napari_sr.runs.run import drive
from napari_sr.streaming.convert import convert
from napari_sr.streaming.result import complete, compute, missing, opened, start

pytestmark = [pytest.mark.needs("zarr"), pytest.mark.usefixtures("small_blocks")]


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


def test_associated_alpha_is_stored_as_in_a_file_that_is_computed_whole(tmp_path):
    pixels = image_of((4, 40, 50), "uint8").transpose(1, 2, 0)
    pixels[..., :3] = np.minimum(pixels[..., :3], pixels[..., 3:])
    tifffile.imwrite(tmp_path / "in.tif", pixels, photometric="rgb", extrasamples=["assocalpha"])
    image = formats.read(tmp_path / "in.tif")
    result = upscale(image.pixels, engine="torch")
    formats.write(tmp_path / "whole.tif", image.enlarged(result, 2, "napari-sr"))
    request = request_of(tmp_path / "in.tif", tmp_path / "out.zarr")
    start(request)
    drive(compute(request.result, missing(request.result)))
    complete(request.result)

    list(convert(request.result, tmp_path / "out.tif"))

    blocks, whole = (tifffile.TiffFile(tmp_path / name) for name in ("out.tif", "whole.tif"))
    with blocks, whole:
        assert blocks.pages[0].extrasamples == whole.pages[0].extrasamples
        np.testing.assert_array_equal(blocks.asarray(), whole.asarray())


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(27, "File too large", "out.tif"), "out.tif: the file is larger than"),
        (FileError("out.tif needs 9 MiB"), "out.tif needs 9 MiB"),
    ],
)
def test_a_file_that_cannot_be_written_leaves_what_is_done(tmp_path, monkeypatch, error, told):
    request = request_of(
        tiff_of(tmp_path / "in.tif", image_of((40, 50)), "YX"), tmp_path / "o.zarr"
    )
    start(request)
    drive(compute(request.result, missing(request.result)))

    def fail(*_):
        raise error

    monkeypatch.setattr("napari_sr.streaming.convert.write_large_tiff", fail)
    with pytest.raises(
        FileError, match=f"{told}.*; finished blocks are kept, and --resume continues"
    ):
        list(convert(request.result, tmp_path / "out.tif"))
