import dask.array
import numpy as np
import pytest
from fakes import Global, Nearest, finish
from forms import Failing
from scipy.ndimage import gaussian_filter

from napari_sr.engine.execution.upscale import upscale_array
from napari_sr.engine.image.value_range import Percentiles
from napari_sr.engine.planning.settings import Settings
from napari_sr.engine.planning.tiling import Region
from napari_sr.graph.factor import bounds
from napari_sr.runs.job import UpscaleError
from napari_sr.runs.model import ModelReference
from napari_sr.runs.source import Source
from napari_sr.streaming.preview_request import PreviewBlock, PreviewRequest, run_in_view
from napari_sr.zoo.resized import Resized

REGION = Region(slice(100, 300), slice(40, 310))
CPU = Settings(device="cpu", engine="torch")


class Bent(Nearest):
    """A network whose result depends on black and white: it takes a root."""

    def compute(self, image):
        return super().compute(image.clamp(min=0).sqrt())


class Noisy(Nearest):
    """A network that adds the level of the noise to the image."""

    takes_noise = True

    def compute(self, image):
        return super().compute(image.sum(dim=1, keepdim=True))


def request(data, plane=(), axes=None, settings=CPU, region=REGION, **more):
    axes = axes or "TZYX"[-data.ndim :]
    source = Source("cells", data, data.shape, axes, axes.endswith("S"))
    return PreviewRequest(source, plane, region, ModelReference("fsrcnn-x2"), settings, **more)


def run(asked):
    """Return the parts and whether they are exact."""
    steps, exact = finish(run_in_view(asked))
    return [step for step in steps if step is not None], exact


def whole(data, network, axes=None, settings=CPU):
    return finish(upscale_array(data, network, settings, axes=axes))[1].pixels


def assembled(parts, scale=2):
    """Paste all parts onto a canvas of the region."""
    first, *blocks = parts
    canvas = first.values.copy()
    for block in blocks:
        rows, columns = (
            (max(own.start, all_.start), min(own.stop, all_.stop), own.start, all_.start)
            for own, all_ in (
                (block.core.rows, first.core.rows),
                (block.core.columns, first.core.columns),
            )
        )
        target, source = (
            tuple(
                slice(scale * (start - origin[at]), scale * (stop - origin[at]))
                for start, stop, *origin in (rows, columns)
            )
            for at in (1, 0)
        )
        canvas[target] = block.values[source]
    return canvas


@pytest.mark.parametrize("kind", [np.asarray, dask.array.from_array])
def test_the_parts_equal_the_whole_result(loader, random, kind):
    loader.network = Nearest(radius=3)
    data = random.random((3, 400, 350)).astype(np.float32)

    parts, exact = run(request(kind(data), (1,)))

    expected = whole(data[1], loader.network)[200:600, 80:620]
    assert exact
    np.testing.assert_allclose(assembled(parts), expected, atol=1e-6)


@pytest.mark.parametrize("kind", [Nearest, Global])
def test_a_preview_of_any_factor_has_the_pixels_of_the_run(loader, random, kind):
    loader.network = Resized(kind(scale=2, radius=3), 1.3)
    data = gaussian_filter(random.random((400, 350)), 3).astype(np.float32)
    everything = slice(0, 400), slice(0, 350)
    asked = request(data, whole_plane=kind is Global)

    parts, exact = run(asked)

    place = tuple(bounds(span, loader.network.factor) for span in (REGION.rows, REGION.columns))
    expected, last = whole(data, loader.network), parts[-1]
    assert exact
    if kind is Global:
        assert (last.core.rows, last.core.columns) == everything
        np.testing.assert_allclose(last.values, expected, atol=1e-6)
        return
    assert last.core == REGION
    np.testing.assert_allclose(last.values, expected[place], atol=1e-6)
    assert parts[0].values.shape == last.values.shape
    both = np.corrcoef(parts[0].values.ravel(), last.values.ravel())[0, 1]
    assert both > 0.95  # repeated pixels lie where those of the result will


def test_repeated_pixels_come_first_and_then_the_centre(loader, random):
    data = random.random((400, 350, 3)).astype(np.float32)
    loader.network = Nearest(channels=3)

    (first, *blocks), _ = run(request(data, axes="YXS"))

    assert (first.computed, first.core) == (False, REGION)
    np.testing.assert_array_equal(first.values, data[100:300, 40:310].repeat(2, 0).repeat(2, 1))
    assert all(block.computed for block in blocks)
    assert blocks[0].core == Region(slice(128, 256), slice(128, 256))
    assert len(blocks) == 9


def test_blocks_that_are_there_are_not_computed_again(loader, random):
    data = random.random((400, 350)).astype(np.float32)
    everything, _ = run(request(data))
    known = frozenset(block.core.spans for block in everything[1:4])

    parts, _ = run(request(data, known=known))

    assert [part.core for part in parts[1:]] == [part.core for part in everything[4:]]


def test_percentiles_are_those_of_the_whole_layer(loader, random):
    data = random.random((2, 400, 350)).astype(np.float32)
    data[1] *= 5
    settings = Settings(device="cpu", engine="torch", value_range=Percentiles(1, 99))
    loader.network = Bent()

    parts, _ = run(request(data, (0,), settings=settings))

    expected = whole(data, loader.network, settings=settings)[0, 200:600, 80:620]
    np.testing.assert_allclose(assembled(parts), expected, atol=1e-5)


@pytest.mark.parametrize("kind", [np.asarray, dask.array.from_array])
def test_percentiles_of_the_current_slice_are_those_of_its_plane(loader, random, kind):
    data = random.random((2, 400, 350)).astype(np.float32)
    data[1] *= 5
    settings = Settings(device="cpu", engine="torch", value_range=Percentiles(1, 99))
    loader.network = Bent()

    parts, _ = run(request(kind(data), (0,), settings=settings, one_plane=True))

    expected = whole(data[0], loader.network, settings=settings)[200:600, 80:620]
    np.testing.assert_allclose(assembled(parts), expected, atol=1e-5)
    assert (
        np.abs(expected - whole(data, loader.network, settings=settings)[0, 200:600, 80:620]).max()
        > 0.01
    )


@pytest.mark.parametrize("kind", [np.asarray, dask.array.from_array])
@pytest.mark.parametrize("one_plane", [True, False])
def test_the_noise_is_that_of_the_current_slice_or_of_the_layer(loader, random, kind, one_plane):
    data = random.normal(0.5, 0.02, (2, 400, 350)).astype(np.float32)
    data[1] = random.normal(0.5, 0.08, data[1].shape)
    loader.network = Noisy()

    parts, _ = run(request(kind(data), (0,), one_plane=one_plane))

    plane, layer = (
        whole(part, loader.network).reshape(-1, 800, 700)[0, 200:600, 80:620]
        for part in (data[0], data)
    )
    np.testing.assert_allclose(assembled(parts), plane if one_plane else layer, atol=1e-5)
    assert np.abs(plane - layer).max() > 0.01


def test_a_network_of_the_whole_plane_is_computed_in_one_part_and_not_exact(loader, random):
    loader.network = Global()
    data = random.random((900, 900)).astype(np.float32)

    (first, *blocks), exact = run(request(data, known=frozenset([REGION.spans])))

    assert not exact
    assert [block.core for block in blocks] == [REGION]
    assert first.values.shape == blocks[0].values.shape == (400, 540)


@pytest.mark.parametrize("name", ["bsrn", "imdn"])
@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_a_whole_plane_of_such_a_network_equals_the_run_bit_by_bit(
    loader, example, random, name, kind
):
    loader.network = network = example(name)
    data = (random.random((2, 70, 90, 3)) * (60_000 if kind is np.uint16 else 1)).astype(kind)
    around = Region(slice(10, 20), slice(30, 50))
    asked = request(data, (1,), "ZYXS", region=around, whole_plane=True)

    parts, exact = run(asked)

    scale = network.scale
    found = np.zeros((70 * scale, 90 * scale, 3), kind)
    blocks = [part for part in parts if isinstance(part, PreviewBlock)]
    for block in blocks:
        found[tuple(slice(scale * a, scale * b) for a, b in block.core.spans)] = block.values
    assert exact
    assert all(block.computed for block in blocks)
    np.testing.assert_array_equal(found, whole(data, network, "ZYXS")[1])


def test_a_whole_plane_tells_its_share(loader, random):
    loader.network = Global()

    parts, _ = run(request(random.random((300, 320)).astype(np.float32), whole_plane=True))

    shares = [part for part in parts if not isinstance(part, PreviewBlock)]
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_nothing_is_computed_if_the_plane_is_known(loader, random):
    loader.network = Global()
    data = random.random((900, 900)).astype(np.float32)

    (first, *blocks), exact = run(request(data, plane_is_known=True))

    assert exact
    assert (first.core, blocks) == (REGION, [])


def test_a_region_whose_surroundings_are_the_whole_plane_is_exact(loader, random):
    loader.network = Global()
    data = random.random((350, 360)).astype(np.float32)

    parts, exact = run(request(data, region=Region(slice(60, 300), slice(64, 310))))

    assert exact
    expected = whole(data, loader.network)[120:600, 128:620]
    np.testing.assert_array_equal(assembled(parts), expected)


def test_an_error_names_the_model(loader, random):
    loader.network = Failing(RuntimeError("no"))

    with pytest.raises(UpscaleError, match="stopped: no"):
        run(request(random.random((400, 350)).astype(np.float32)))
