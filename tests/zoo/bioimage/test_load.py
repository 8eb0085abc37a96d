"""Packages from opening to pixels, against their authors' pipelines in a few lines."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from bioimage_packages import (
    Enlarger,
    Everywhere,
    Pooled,
    axes,
    description,
    files,
    npy,
    steps,
    weights,
    write,
)

import napari_sr
from napari_sr.engine.image.value_range import OutsideRangeWarning
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.model import ModelReference
from napari_sr.runs.run import Request, drive, run_request
from napari_sr.zoo.bioimage import check
from napari_sr.zoo.bioimage.load import open_package, package_at
from napari_sr.zoo.checkpoint import CheckpointError

pytestmark = pytest.mark.needs("onnx")
BEFORE = steps(
    (
        "scale_range",
        {"axes": ["channel", "y", "x"], "min_percentile": 1, "max_percentile": 99.8},
    )
)
AFTER = steps(("scale_linear", {"gain": 100, "offset": 5}))
RAW = np.random.default_rng(0).integers(100, 4000, (61, 52)).astype(np.uint16)


def authors(pixels, module):
    """Return what the author's program returns for pixels, (H, W) or (N, C, H, W)."""
    x = pixels.astype(np.float64)
    low, high = np.percentile(x, [1, 99.8])
    image = torch.from_numpy(((x - low) / (high - low + 1e-6)).astype(np.float32))
    with torch.inference_mode():
        large = module.eval()(image.reshape(1, 1, *image.shape[-2:])).numpy()
    return 100 * large + 5


def package(path, module=Enlarger, kind="onnx", change=None, **options):
    about = description(kind, before=BEFORE, after=AFTER, **options)
    pixels = RAW[None, None, :24, :24]
    parts = files(about, weights(kind, module), pixels, authors(pixels, module()))
    if change is not None:
        change(about, parts)
        parts["rdf.yaml"] = json.dumps(about).encode()
    return write(path, parts)


@pytest.mark.parametrize(
    ("kind", "module", "options"),
    [
        ("onnx", Enlarger, {}),
        ("onnx", Enlarger, {"halo": None}),
        ("onnx", Enlarger, {"size": 24}),
        ("torchscript", Pooled, {"size": {"min": 4, "step": 2}, "halo": 8}),
        ("onnx", Everywhere, {"halo": None}),
    ],
)
def test_results_are_those_of_the_author_in_tiles_and_parts(tmp_path, kind, module, options):
    path = package(tmp_path / "a.zip", module, kind, **options)
    raw = RAW[:-1]  # an even number of rows

    zeros = {"border": "zeros"}
    whole = napari_sr.upscale(raw, path, **zeros)

    assert whole.dtype == np.float32
    np.testing.assert_allclose(whole, authors(raw, module())[0, 0], rtol=0, atol=2e-5)
    if module is not Everywhere:
        tiled = napari_sr.upscale(raw, path, tile=32, **zeros)
        np.testing.assert_allclose(tiled, whole, atol=1e-5)
    # statistics are those of the whole plane, never of a part
    part = napari_sr.upscale(raw, path, region=((20, 40), (10, 50)), **zeros)
    np.testing.assert_allclose(part, whole[40:80, 20:100], atol=1e-5)
    lazy = napari_sr.upscale_lazy(raw, path, **zeros)
    assert lazy.dtype == np.float32
    np.testing.assert_allclose(np.asarray(lazy), whole, atol=1e-5)
    out = np.zeros_like(whole)
    napari_sr.upscale(raw, path, out=out, **zeros)
    np.testing.assert_allclose(out, whole, atol=1e-5)


def test_the_stated_halo_is_reflected_around_each_plane(tmp_path):
    path = package(tmp_path / "a.zip")  # its halo is 3 pixels of the image

    found = napari_sr.upscale(RAW, path)

    low, high = np.percentile(RAW, [1, 99.8])
    image = np.pad((RAW - low) / (high - low + 1e-6), 3, mode="symmetric").astype(np.float32)
    with torch.inference_mode():
        large = Enlarger().eval()(torch.from_numpy(image)[None, None])[0, 0, 6:-6, 6:-6]
    np.testing.assert_allclose(found, 100 * large.numpy() + 5, rtol=0, atol=2e-5)
    np.testing.assert_allclose(napari_sr.upscale(RAW, path, tile=32), found, atol=1e-5)


def test_the_record_says_what_ran_and_repeats_it(tmp_path):
    path = package(tmp_path / "a")
    network = napari_sr.load(path)
    request = Request(RAW, ModelReference.of(network), Settings(tile=32))
    done = drive(run_request(request, network))
    record = {**network.provenance, **done.record}

    assert record["package"] == "bioimage.io 0.5.4, onnx"
    assert record["halo_from"] == "as its author says"
    assert "the largest difference is" in record["test"]
    assert record["processing"]["after"] == ["x * 100.0 + 5.0", "as float32"]
    assert record["tiles_exact"] is False
    assert "overlap by 3 px on each side, as its author says" in " ".join(record["notes"])
    assert (record["file"], record["sha256"]) == (str(path), open_package(path).sha256)
    again = napari_sr.upscale(RAW, network, tile=32, value_range=record["value_range"])
    np.testing.assert_array_equal(again, done.pixels)


def test_a_network_from_0_to_1_gives_the_type_of_the_image(tmp_path):
    unit = {"type": "float32", "range": [0, 1]}
    about = description(data=unit)
    about["outputs"][0]["data"] = unit
    image = np.random.default_rng(1).random((1, 1, 16, 16), np.float32)
    with torch.inference_mode():
        result = Enlarger().eval()(torch.from_numpy(image)).numpy()
    path = write(tmp_path / "a.zip", files(about, weights(), image, result))

    found = napari_sr.upscale(RAW, path, value_range=(0, 4000), border="zeros")

    with torch.inference_mode():
        wanted = Enlarger().eval()(torch.from_numpy(RAW / np.float32(4000))[None, None])[0, 0]
    wide = np.rint(wanted.numpy().astype(np.float64) * 4000).clip(0, 65535)
    assert found.dtype == np.uint16
    assert abs(found - wide).max() <= 1


def test_a_stack_is_normalised_plane_by_plane(tmp_path):
    path = package(tmp_path / "a.zip")
    stack = np.stack([RAW, RAW // 3 + 7])

    found = napari_sr.upscale(stack, path, border="zeros")

    for plane, result in zip(stack, found, strict=True):
        np.testing.assert_allclose(result, authors(plane, Enlarger())[0, 0], rtol=0, atol=2e-5)


def test_images_with_other_channels_and_options_are_refused(tmp_path):
    path = package(tmp_path / "a.zip")
    rgb = np.zeros((20, 20, 3), np.uint8)

    with pytest.raises(ValueError, match="takes grey images, got 3 channels"):
        napari_sr.upscale(rgb, path)
    with pytest.warns(OutsideRangeWarning, match="are not used"):
        napari_sr.upscale(RAW, path, value_range=(0, 4095))
    with pytest.raises(ValueError, match="enlarges 2 times, got scale=3"):
        napari_sr.load(path, 3)
    with pytest.raises(ValueError, match="has no options"):
        napari_sr.load(path, input_range=255)
    with pytest.raises(ValueError, match="can only run alone"):
        napari_sr.series(napari_sr.load(path), napari_sr.load("fsrcnn-x2"))


def of_tests(**changes):
    def change(about, parts):
        parts.update(changes)

    return change


def no_tests(about, parts):
    del about["inputs"][0]["test_tensor"]


def smaller(about, parts):
    about["outputs"][0]["axes"] = axes(1, None, 6, 1, out=True)


WRONG = np.zeros((1, 1, 48, 48), np.float32)
BOMB = npy(np.zeros(3)).replace(b"(3,)", b"(999999999,)").replace(b"          \n", b"  \n", 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (of_tests(**{"out.npy": npy(WRONG)}), r"does not give its author's test result here: 100"),
        (of_tests(**{"out.npy": npy(WRONG[..., :9])}), "has a test result of"),
        (of_tests(**{"out.npy": npy(np.array([None]))}), "that is no array"),
        (of_tests(**{"out.npy": BOMB}), "that is no array"),
        (of_tests(**{"in.npy": npy(WRONG[0])}), "cannot compute its own test image"),
        (of_tests(**{"weights.onnx": weights()[:-9]}), r"sha256 of weights.onnx must be"),
        (smaller, r"must return \(1, "),
    ],
)
def test_packages_that_do_not_do_what_they_say_are_refused(tmp_path, change, words):
    path = package(tmp_path / "a.zip", change=change)

    with pytest.raises(CheckpointError, match=words):
        open_package(path)


@pytest.mark.parametrize("stored", [False, True])
def test_the_test_image_decides_which_statistics_a_later_step_uses(tmp_path, stored):
    before = steps(("clip", {"min": 500, "max": 3000}), ("zero_mean_unit_variance", {}))

    def author(pixels):
        x = pixels.astype(np.float64).clip(500, 3000)
        of = pixels if stored else x
        image = torch.from_numpy(((x - of.mean()) / (of.std() + 1e-6)).astype(np.float32))
        with torch.inference_mode():
            return Enlarger().eval()(image[None, None]).numpy()

    about = description(before=before)
    part = RAW[:24, :24]
    parts = files(about, weights(), part[None, None], author(part))
    path = write(tmp_path / "a.zip", parts)

    found = napari_sr.upscale(RAW, path, border="zeros")

    np.testing.assert_allclose(found, author(RAW)[0, 0], rtol=0, atol=1e-5)
    del about["inputs"][0]["test_tensor"]
    write(tmp_path / "b.zip", {**parts, "rdf.yaml": json.dumps(about).encode()})
    with pytest.raises(CheckpointError, match="normalises pixels after another step"):
        open_package(tmp_path / "b.zip")


def test_a_package_without_test_images_says_so(tmp_path):
    path = package(tmp_path / "a.zip", change=no_tests)

    assert open_package(path).remarks[-1] == "It has no test images, so it could not be checked."


def test_a_package_is_compared_with_its_test_image_only_once(tmp_path, monkeypatch):
    path = package(tmp_path / "a.zip")
    first = open_package(path)
    monkeypatch.setattr(check, "_tensor", None)

    assert open_package(path).remarks == first.remarks


def test_the_description_in_a_folder_stands_for_the_folder(tmp_path):
    path = package(tmp_path / "a")

    assert package_at(path / "rdf.yaml") == path
    assert package_at(path) == path
    assert package_at(path / "in.npy") is None


def test_a_clip_to_0_to_1_that_the_author_states_also_holds_for_floats(tmp_path):
    unit = {"type": "float32", "range": [0, 1]}
    about = description(data=unit, after=steps(("clip", {"min": 0, "max": 1})))
    about["outputs"][0]["data"] = unit
    image = np.random.default_rng(1).random((1, 1, 16, 16), np.float32)
    with torch.inference_mode():
        result = Enlarger().eval()(torch.from_numpy(image)).numpy()
    assert result.min() < 0
    path = write(tmp_path / "a.zip", files(about, weights(), image, result.clip(0, 1)))

    found = napari_sr.upscale(image[0, 0], path, value_range=(0, 1), border="zeros")

    np.testing.assert_allclose(found, result[0, 0].clip(0, 1), rtol=0, atol=1e-6)


def test_a_package_whose_stated_halo_is_too_small_gets_whole_planes(tmp_path):
    opened = open_package(package(tmp_path / "a.zip", halo=2))  # 1 pixel of the image, not 3

    assert opened.network.whole
    assert "its author says 1 px, but tiles of a test image differ" in " ".join(opened.remarks)


def test_a_region_of_a_result_of_any_factor_is_normalised_by_the_whole_plane(tmp_path):
    path = package(tmp_path / "a.zip")
    region = (8, 40), (4, 44)

    found = napari_sr.upscale(RAW, path, 1.5, region=region)

    whole = napari_sr.upscale(RAW, path, 1.5)
    np.testing.assert_allclose(found, whole[12:60, 6:66], rtol=0, atol=1e-4)


def test_windows_of_a_fixed_size_overlap_by_more_than_a_stated_halo_that_is_too_small(tmp_path):
    opened = open_package(package(tmp_path / "a.zip", size=24, halo=2))  # 1 pixel of the image

    assert opened.network.halo == 3
    assert "because its author says only 1 px" in " ".join(opened.remarks)


def test_the_hash_of_a_folder_depends_on_its_weights(tmp_path):
    def without_hash(about, parts):
        about["weights"]["onnx"].pop("sha256")

    path = package(tmp_path / "a", change=without_hash)
    before = open_package(path).sha256
    import onnx

    model = onnx.load(path / "weights.onnx")
    model.producer_name = "another"
    onnx.save(model, path / "weights.onnx")

    assert open_package(path).sha256 != before


def test_a_folder_with_another_test_result_is_compared_again(tmp_path):
    path = package(tmp_path / "a")
    open_package(path)
    changed = max(path.glob("*.npy"), key=lambda file: np.load(file).size)
    np.save(changed, np.load(changed) + 1)

    with pytest.raises(CheckpointError, match="does not give its author's test result"):
        open_package(path)
