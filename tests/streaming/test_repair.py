import numpy as np
import pytest
import zarr
from blocks import image_of, request_of, run, tiff_of

from napari_sr import upscale
from napari_sr.runs.run import drive
from napari_sr.streaming.repair import remove_unreadable
from napari_sr.streaming.result import compute, missing, start

pytestmark = [pytest.mark.needs("zarr"), pytest.mark.usefixtures("small_blocks")]


@pytest.fixture
def begun(tmp_path):
    """Return a request whose blocks are all computed, but not finished."""
    source = tiff_of(tmp_path / "in.tif", image_of((2, 150, 130)))
    request = request_of(source, tmp_path / "out.zarr", resume=True)
    start(request)
    drive(compute(request.result, missing(request.result)))
    return request


def test_nothing_is_removed_that_can_be_read(begun):
    assert remove_unreadable(begun.result) == ""
    assert missing(begun.result) == []


@pytest.mark.parametrize("level", [0, 1])
def test_a_block_with_other_bytes_is_removed_and_computed_again(begun, level):
    file = begun.result / str(level) / "c" / "1" / "0" / "1"
    content = bytearray(file.read_bytes())
    content[-40:] = bytes(40)  # the index of the shard; the size stays
    file.write_bytes(content)
    assert missing(begun.result) == []

    told = remove_unreadable(begun.result)

    count = 2 * 3 * 3
    assert told.startswith(f"1 of {count} finished blocks in {begun.result} could not be read")
    assert missing(begun.result) == [10]
    run(begun)
    expected = upscale(image_of((2, 150, 130)), axes="ZYX", engine="torch")
    np.testing.assert_array_equal(zarr.open_group(begun.result, mode="r")["0"][:], expected)
