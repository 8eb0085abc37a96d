"""Properties that every network must have."""

from __future__ import annotations

import inspect
import sys

import numpy as np
import pytest
import torch
from pieces import run_in_pieces
from torch import nn
from torch.export import Dim

import napari_sr
from napari_sr import models
from napari_sr.graph.chain import Step
from napari_sr.zoo import recognition

NAMES = models.names()
SIDE = 34  # not a multiple of a tile, even, and larger than two of ESA's cells


def sees_everything(name):
    record = models.architecture(name)
    return record.network(**record.example).receptive_field is None


GLOBAL = [name for name in NAMES if sees_everything(name)]
LOCAL = [name for name in NAMES if name not in GLOBAL]
TRAINED = [name for name in NAMES if name != "interpolation"]


@pytest.fixture(params=NAMES)
def network(request, example):
    return example(request.param)


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def image_for(network, height=SIDE, width=SIDE - 4, images=1, dtype=torch.float32):
    torch.manual_seed(1)
    return torch.rand(images, network.channels, height, width, dtype=dtype)


def test_result_is_scale_times_larger(network):
    with torch.inference_mode():
        result = network(image_for(network, 22, 30))

    assert result.shape == (1, network.channels, 22 * network.scale, 30 * network.scale)


@pytest.mark.parametrize("size", [(1, 1), (7, 13), (37, 53)], ids=str)
def test_odd_sizes_are_upscaled_and_what_is_refused_the_engine_makes_larger(network, size):
    image = image_for(network, *size)

    try:
        network.check_size(*size)
    except ValueError:
        with pytest.raises(ValueError, match=f"got {size[0]} x {size[1]}"):
            network(image)
        pixels = image[0].movedim(0, 2).numpy()
        result = napari_sr.upscale(pixels, network, axes="YXC", device="cpu", tile=64)
    else:
        with torch.inference_mode():
            result = network(image)[0].movedim(0, 2).numpy()

    assert result.shape == (*(network.scale * side for side in size), network.channels)
    assert np.isfinite(result).all()


@pytest.mark.parametrize("level", [0.0, 0.7, 1.0])
def test_only_networks_that_pad_without_zeros_may_say_so(network, level):
    if network.pads_with_zeros:
        return  # the engine then puts reflected pixels before the zeros
    flat = torch.full((1, network.channels, 20, 24), level)

    with torch.inference_mode():
        result = network(flat)

    middle = result[..., 10 * network.scale :, 12 * network.scale :]
    pattern = middle[..., : network.scale, : network.scale].repeat(1, 1, 20, 24)
    torch.testing.assert_close(result, pattern, rtol=0, atol=1e-5)


def test_images_of_a_batch_do_not_mix(network):
    batch = image_for(network, images=3, dtype=torch.float64)
    network.double()

    with torch.inference_mode():
        together = network(batch)
        alone = torch.cat([network(image[None]) for image in batch])

    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)


def test_gradient_reaches_every_parameter(name):
    record = models.architecture(name)
    reached = set()

    # all ReLUs of one small gate may be zero by chance, but not those of all these gates
    for seed in range(6):
        torch.manual_seed(seed)
        network = record.network(**record.example)
        network(image_for(network, 20, 24).requires_grad_()).square().mean().backward()
        gradients = {key: parameter.grad for key, parameter in network.named_parameters()}
        assert all(gradient.isfinite().all() for gradient in gradients.values())
        reached |= {key for key, gradient in gradients.items() if gradient.abs().sum() > 0}

    assert reached == gradients.keys()


SHALLOW = ("blocks", "units", "depth", "layers", "recursions", "splits")
"""Options that repeat layers: one repetition is enough for an export."""
ENLARGES_FIRST = ("drcn", "drrn", "imdn_as", "srcnn")
"""Networks that begin with the enlargement of `interpolation`, the slowest part of their export."""
NOT_EXPORTED = ("esrt",)
"""Networks that `torch.export` exports for one size only: attention to the whole image runs in
loops whose length depends on the image's size."""


def exported(network, rows, columns):
    """Return a network exported by `torch.export` for any height and width."""
    multiple = network.multiple
    dims = {
        axis: multiple * Dim(name, min=24 // multiple, max=512)
        for axis, name in ((2, "rows"), (3, "columns"))
    }
    image = image_for(network, rows, columns)
    with torch.no_grad():
        return torch.export.export(network, (image,), dynamic_shapes=(dims,)).module()


@pytest.mark.skipif(
    tuple(map(int, torch.__version__.split(".")[:2])) < (2, 13),
    # seven networks with 2.6, and BSRN, BSRN-S, RFDN and ESRT up to 2.12
    reason="older torch.export fixes the size of some networks' images",
)
@pytest.mark.parametrize("name", [name for name in models.names() if name not in NOT_EXPORTED])
def test_an_exported_network_gives_the_same_result_at_any_size(name, example):
    known = inspect.signature(models.architecture(name).network).parameters
    options = dict.fromkeys(known.keys() & SHALLOW, 1)
    options |= {"scale": 1} if name in ENLARGES_FIRST else {}
    network = example(name, **options)
    program, image = exported(network, 24, 28), image_for(network, 40, 36)

    with torch.inference_mode():
        expected = network(image)
        # random weights that expect a white of 255 have results of some tens
        tolerance = 1e-5 * max(1, float(expected.abs().max()))
        torch.testing.assert_close(program(image), expected, rtol=0, atol=tolerance)


def test_forward_writes_nothing_to_the_network(network):
    def snapshot():
        tensors = [*network.parameters(), *network.buffers()]
        attributes = [
            (name, key, id(value))
            for name, module in network.named_modules()
            for key, value in vars(module).items()
        ]
        return attributes, [(id(tensor), tensor._version) for tensor in tensors]

    before = snapshot()

    with torch.no_grad():
        network(image_for(network))

    assert snapshot() == before


def make_positive(network):
    """Make every influence visible: no terms cancel, and no value is cut off."""
    for parameter in network.parameters():
        nn.init.uniform_(parameter, 0.1, 1)
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
    for buffer in network.buffers():
        buffer.zero_()


@pytest.mark.parametrize("axis", [2, 3], ids=["rows", "columns"])
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("local", LOCAL)
def test_receptive_field_is_exactly_how_far_one_pixel_shows(local, scale, axis, example):
    network = example(local, scale=2 if (local, scale) == ("rrdbnet", 3) else scale).double()
    make_positive(network)
    radius, multiple = network.receptive_field, network.multiple
    size = [2, network.channels, 2 * multiple, 2 * multiple]
    size[axis] = 2 * multiple * (radius // multiple + 2)

    with torch.inference_mode():
        black = network(torch.zeros(size, dtype=torch.float64))
    seen = set()
    for place in range(size[axis] // 2, size[axis] // 2 + multiple):
        image = torch.zeros(size, dtype=torch.float64)
        image.select(axis, place)[0] = 1
        image.select(axis, place)[1] = -1  # a ReLU would hide changes of negative values
        with torch.inference_mode():
            result = network(image)
        touched = result.ne(black).movedim(axis, 0).flatten(1).any(dim=1).nonzero()[:, 0]
        seen |= {int(pixel) // network.scale - place for pixel in touched}

    # FSRCNN x3 reads further down than up: its transposed convolution has an odd stride
    assert max(-min(seen), max(seen)) == radius


@pytest.mark.parametrize("unbounded", GLOBAL)
def test_far_pixel_matters_where_there_is_no_receptive_field(unbounded, example):
    network = example(unbounded)
    local = sum(link.radius for link in network.chain() if isinstance(link, Step))
    image = image_for(network.double(), width=2 * local, dtype=torch.float64)
    other = image.clone()
    other[..., :2] += 1

    with torch.inference_mode():
        difference = (network(image) - network(other)).abs()

    assert difference[..., -1].max() > 1e-9


@pytest.mark.parametrize("tile", [10, 16])
def test_pieces_give_the_whole_result(network, tile):
    image = image_for(network.double(), height=SIDE + 8, dtype=torch.float64)

    with torch.inference_mode():
        whole = network(image)
        pieces = run_in_pieces(network.chain(), image, tile, network.tile_alignment)

    torch.testing.assert_close(pieces, whole, rtol=0, atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_stays_close(network, dtype):
    image = image_for(network, 24, 20)

    with torch.inference_mode():
        expected = network(image)
        result = network.to(dtype)(image.to(dtype))

    assert result.dtype == dtype
    # a value is rounded some ten times, each time by at most half an eps
    spread = float(expected.max() - expected.min() + expected.abs().max())
    assert (result.float() - expected).abs().max() <= 5 * torch.finfo(dtype).eps * spread


@pytest.mark.parametrize("name", TRAINED)
def test_checkpoint_of_the_example_is_recognised_as_itself(name, example):
    network = example(name)
    state = network.state_dict()

    record, adapted, options = recognition.recognise(state)

    assert record is models.architecture(name)
    assert adapted.keys() == state.keys()
    defaults = inspect.signature(record.network).parameters
    for key, value in options.items():
        assert value == record.example.get(key, defaults[key].default), key


@pytest.mark.parametrize("name", TRAINED)
def test_network_built_from_its_checkpoint_is_the_same(name, example):
    network = example(name)
    image = image_for(network, 16, 18)

    again = recognition.build(network.state_dict(), scale=network.scale)

    assert not again.training
    with torch.inference_mode():
        torch.testing.assert_close(again(image), network(image), rtol=0, atol=0)


def test_paper_and_year_are_those_that_the_file_cites(name):
    record = models.architecture(name)
    cited = (sys.modules[record.network.__module__].__doc__ or "").partition("Symbols:")[0]

    assert record.paper in cited
    assert str(record.year) in cited


def test_only_networks_that_have_one_channel_by_default_take_luma(name):
    network = models.architecture(name).network
    usual = inspect.signature(network).parameters["channels"].default

    assert network.full_range is (usual != 1 or name == "interpolation")


def test_no_two_published_forms_share_a_name():
    names = [form.name for name in NAMES for form in models.architecture(name).forms]

    assert sorted(set(names)) == sorted(names)


def test_wrong_number_of_channels_is_named(network):
    shape = (1, network.channels + 1, 20, 20)

    with pytest.raises(ValueError, match=rf"{type(network).__name__} needs .*got \(1, {shape[1]},"):
        network(torch.zeros(shape))


def test_image_of_three_axes_is_refused(network):
    with pytest.raises(ValueError, match=rf"got \({network.channels}, 20, 20\)"):
        network(torch.zeros(network.channels, 20, 20))


def test_least_size_works_and_one_less_is_named(network):
    least = max(network.least_size, network.multiple)
    with torch.inference_mode():
        assert network(image_for(network, least, least)).isfinite().all()

    if least > 1:
        with pytest.raises(ValueError, match=f"got {least - 1} x {least}"):
            network(image_for(network, least - 1, least))


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize(
    "wrong",
    [{"scale": 0}, {"channels": 0}, {"input_range": 0}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_impossible_options_are_named(name, example, wrong):
    ((key, value),) = wrong.items()
    if key not in inspect.signature(models.architecture(name).network).parameters:
        return

    with pytest.raises(ValueError, match=f"{key}={value}"):
        example(name, **wrong)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_every_usual_scale_can_be_built(name, example, scale):
    if name == "rrdbnet":
        scale = {2: 2, 3: 1, 4: 4}[scale]
    network = example(name, scale=scale)

    with torch.inference_mode():
        result = network(image_for(network, 16, 16))

    assert result.shape[-2:] == (16 * scale, 16 * scale)
