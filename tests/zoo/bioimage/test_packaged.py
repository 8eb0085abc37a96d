"""Networks of packages: sizes, axes, windows and memory."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from bioimage_packages import Enlarger, Pooled, description
from torch.nn.functional import pad

from napari_sr.engine.planning.memory import peak_bytes
from napari_sr.zoo.bioimage.geometry import Geometry, Size, geometry_of
from napari_sr.zoo.bioimage.packaged import Packaged, arranged_pixels, largest_overlap, windows


class Program:
    """A module with the axes of a tensor, that accepts only some sizes."""

    weights = 10_000

    def __init__(self, module, order="bcyx", accepts=lambda height, width: True):
        self.module, self.order, self.accepts = module.eval(), order, accepts
        self.sizes = []

    def __call__(self, image):
        letters = self.order.replace("b", "").replace("c", "")
        size = [image.shape[self.order.index(letter)] for letter in "yx"]
        assert self.accepts(*size), size
        assert letters
        self.sizes.append(tuple(size))
        plane = torch.from_numpy(image).permute([self.order.index(one) for one in "bcyx"])
        with torch.inference_mode():
            large = self.module(plane)
        return large.permute(["bcyx".index(one) for one in self.order]).numpy()

    def values_at_once(self, shape):
        return 20 * np.prod(shape)


def packaged(program, size, halo=3, order="bcyx", channels=1):
    about = description(size=size, channels=channels)
    known = geometry_of(about["inputs"], about["outputs"])
    names = {"names": known.names, "names_out": known.names_out}
    geometry = Geometry(order, order, channels, 2, known.height, known.width, halo, **names)
    network = Packaged(
        program=program, geometry=geometry, processing=None, title="X", halo=halo, halo_source=""
    )
    return network.eval()


@pytest.mark.parametrize("order", ["bcyx", "byxc", "bxyc"])
def test_axes_are_arranged_as_the_network_reads_them(order):
    network = packaged(Program(Enlarger(), order), {"min": 4, "step": 1}, order=order)
    image = torch.rand(2, 1, 11, 7)

    with torch.inference_mode():
        torch.testing.assert_close(network(image), Enlarger().eval()(image), rtol=0, atol=1e-6)


def test_sizes_are_reached_by_reflection_and_cropped():
    program = Program(Pooled(), accepts=lambda *size: set(size) <= {10, 14})
    network = packaged(program, {"min": 10, "step": 4})
    image = torch.rand(1, 1, 13, 8)

    with torch.inference_mode():
        found = network.compute_whole(image)
        wanted = Pooled().eval()(pad(image, (0, 2, 0, 1), mode="reflect"))[..., :26, :16]

    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)
    assert network.multiple == 4  # tiles begin where the network expects them


@pytest.mark.parametrize("size", [(40, 33), (16, 16), (17, 50)], ids=str)
def test_windows_of_a_fixed_size_leave_no_seams(size):
    program = Program(Enlarger(), accepts=lambda *sides: sides == (16, 16))
    image = torch.rand(1, 1, *size)

    found = packaged(program, 16).compute_whole(image)

    with torch.inference_mode():
        torch.testing.assert_close(found, Enlarger().eval()(image), rtol=0, atol=1e-6)


@pytest.mark.parametrize("length", [1, 2, 5, 16, 31])
@pytest.mark.parametrize("size", [1, 16, 17, 100])
def test_windows_cover_an_axis_exactly_once(size, length):
    halo = largest_overlap(length)

    found = windows(size, length, 99)

    covered = [place for _, keep in found for place in range(keep.start, keep.stop)]
    assert covered == list(range(size))
    for read, keep in found:
        assert read.stop - read.start == min(length, size)
        assert keep.start - read.start >= halo or keep.start == 0
        assert read.stop - keep.stop >= halo or keep.stop == size


def test_a_result_of_another_size_is_an_error():
    network = packaged(Program(Enlarger(scale=3)), {"min": 4, "step": 1})

    with pytest.raises(ValueError, match=r"X must return \(1, 10, 12\) .* got \(1, 15, 18\)"):
        network.compute_whole(torch.rand(1, 1, 5, 6))


def test_a_copy_shares_the_program_and_memory_is_forecast_without_running_it():
    program = Program(Enlarger())
    network = packaged(program, {"min": 4, "step": 1})
    assert copy.deepcopy(network)._program.module is not None
    program.sizes.clear()

    peak = peak_bytes(network, 1, 100, 100)

    assert program.sizes == []
    assert peak > 4 * 100 * 100 * (100 + 20)  # the matrix of the weights' side, and the features


def test_tensors_become_pixels():
    tensor = np.arange(6).reshape(1, 2, 3, 1)

    np.testing.assert_array_equal(arranged_pixels(tensor, "byxc")[..., 0], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(arranged_pixels(tensor[0, ..., 0], "xy").shape, (3, 2, 1))
    for wrong in (tensor[0], np.zeros((2, 2, 3, 1))):
        with pytest.raises(ValueError, match="must return the axes byxc"):
            arranged_pixels(wrong, "byxc")


def test_the_largest_step_of_both_axes_aligns_tiles():
    about = description(size={"min": 8, "step": 4})
    about["inputs"][0]["axes"][3]["size"] = {"min": 12, "step": 6}
    geometry = geometry_of(about["inputs"], about["outputs"])
    network = Packaged(
        program=Program(Enlarger()), geometry=geometry, processing=None, title="X", halo=None,
        halo_source="",
    )  # fmt: skip

    assert (network.multiple, network.whole, network.exact) == (12, True, False)
    assert geometry.width == Size(12, 6)
