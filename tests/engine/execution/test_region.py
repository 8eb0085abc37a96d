import dask.array
import numpy as np
import pytest
import torch
from blocks import Counting, image_of
from fakes import Global, Nearest, finish
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_sr.engine.execution.region import RegionWarning, upscale_region
from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.image.faint import FaintImageWarning
from napari_sr.engine.image.value_range import Percentiles
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.model import ModelReference

CPU = Settings(device="cpu", engine="torch")
REGION = ((40, 90), (31, 120))


def part(image, network, region=REGION, settings=CPU, axes=None):
    return finish(upscale_region(image, network, region, settings, axes=axes))[1]


def whole(image, network, settings=CPU, axes=None):
    return finish(upscale_array(image, network, settings, axes=axes))[1].pixels


def inside(pixels, region=REGION, scale=2):
    (top, bottom), (left, right) = region
    return pixels[..., scale * top : scale * bottom, scale * left : scale * right]


@pytest.fixture(scope="module")
def fsrcnn():
    return ModelReference().load()


@pytest.mark.parametrize("region", [REGION, ((0, 150), (0, 170)), ((149, 150), (0, 1))], ids=str)
def test_a_region_equals_the_same_part_of_the_whole_result(region, fsrcnn):
    image = image_of((2, 150, 170))

    result = part(image, fsrcnn, region, axes="ZYX")

    np.testing.assert_array_equal(result.pixels, inside(whole(image, fsrcnn), region))
    assert result.pixels.flags.c_contiguous
    assert result.record["region"] == region
    assert result.record["tiles_exact"]
    assert result.record["notes"] == []


@pytest.mark.parametrize("region", [((50, 51), (60, 61)), ((138, 150), (158, 170))], ids=str)
def test_a_small_region_is_exact_in_the_last_bit(region):
    network = ModelReference(scale=4).load()
    image = image_of((150, 170)).astype(np.float32)
    image /= image.max()

    result = part(image, network, region)

    np.testing.assert_array_equal(result.pixels, inside(whole(image, network), region, 4))


@settings(max_examples=25)
@given(
    top=st.integers(0, 40),
    height=st.integers(1, 20),
    left=st.integers(0, 50),
    width=st.integers(1, 20),
    radius=st.integers(0, 4),
    multiple=st.integers(1, 3),
    scale=st.integers(1, 3),
)
def test_any_region_of_any_local_network_is_exact(
    top, height, left, width, radius, multiple, scale
):
    image = np.random.default_rng(top * left).random((47, 59)).astype(np.float32)
    image[10:12, 20:50] = np.nan
    network = Nearest(radius=radius, multiple=multiple, scale=scale)
    region = ((top, min(top + height, 47)), (left, min(left + width, 59)))

    result = part(image, network, region).pixels

    expected = inside(whole(image, network), region, scale)
    np.testing.assert_allclose(result, expected, atol=1e-6)


def test_colours_lazy_images_and_odd_orders_of_axes_work(fsrcnn):
    image = np.moveaxis(image_of((3, 150, 170), "uint8"), 0, -1)
    expected = whole(image, fsrcnn)[80:180, 62:240]

    for given_image in (image, dask.array.from_array(image, chunks=(64, 50, 3))):
        np.testing.assert_array_equal(part(given_image, fsrcnn).pixels, expected)
    turned = image_of((170, 150)).T[None].transpose(2, 0, 1)  # X, T, Y
    result = part(turned, fsrcnn, axes="XTY").pixels
    np.testing.assert_array_equal(result, whole(turned, fsrcnn, axes="XTY")[62:240, :, 80:180])


def test_only_the_region_and_its_margin_are_read(fsrcnn):
    image = Counting(image_of((1000, 1000)))

    part(image, fsrcnn)

    reach = fsrcnn.receptive_field
    assert sum(image.read) <= 1.2 * (50 + 2 * reach) * (89 + 2 * reach)


def test_percentiles_and_faintness_are_those_of_the_whole_image(fsrcnn):
    image = image_of((150, 170))
    image[:, 130:] //= 50
    dark = ((0, 50), (140, 170))
    settings = Settings(device="cpu", engine="torch", value_range=Percentiles(1, 99))

    result = part(image, fsrcnn, dark, settings)

    np.testing.assert_array_equal(result.pixels, inside(whole(image, fsrcnn, settings), dark))
    part(image, fsrcnn, dark)  # no warning: pytest makes it an error
    with pytest.warns(FaintImageWarning):
        part(image // 50, fsrcnn, dark)


def test_a_network_of_the_whole_plane_says_that_it_saw_a_part(random):
    image = random.random((300, 300)).astype(np.float32)
    network = Global()

    with pytest.warns(RegionWarning, match="needs the whole plane, but got only this region"):
        result = part(image, network)

    assert not result.record["tiles_exact"]
    assert any("needs the whole plane" in note for note in result.record["notes"])
    everything = part(image, network, ((0, 300), (0, 300)))
    np.testing.assert_allclose(everything.pixels, whole(image, network), atol=1e-6)
    assert everything.record["tiles_exact"]
    assert not any("whole plane" in note for note in everything.record["notes"])


def test_bad_regions_and_infinite_values_in_them_are_refused(random):
    image = random.random((200, 200)).astype(np.float32)
    image[60, 70] = np.inf

    with pytest.raises(ValueError, match="bottom <= 200"):
        part(image, Nearest(), ((0, 201), (0, 5)))
    with pytest.raises(ValueError, match="infinite"):
        part(image, Nearest())
    part(image, Nearest(), ((100, 150), (0, 50)))


def test_closing_the_generator_frees_the_result(random):
    steps = upscale_region(image_of((400, 400)), Nearest(radius=2), REGION, CPU)
    next(steps)

    steps.close()

    assert torch.is_inference_mode_enabled() is False
