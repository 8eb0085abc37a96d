"""`load` and `blend`: names, files, cards and options."""

import hashlib
import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import napari_sr
from napari_sr import models
from napari_sr.runs.loading import _sha256
from napari_sr.zoo import download
from napari_sr.zoo.bioimage.contents import is_package
from napari_sr.zoo.checkpoint import CheckpointError
from napari_sr.zoo.download import local_path
from napari_sr.zoo.registry import find


@pytest.fixture
def checkpoint(tmp_path):
    """Return a small BSRN and the file that it was saved to."""
    torch.manual_seed(0)
    record = models.architecture("bsrn")
    network = record.network(**record.example).eval()
    torch.save({"params": network.state_dict()}, tmp_path / "small.pth")
    return network, tmp_path / "small.pth"


def test_a_formula_loads_by_its_name_and_has_no_options():
    network = napari_sr.load("Lanczos", 3)

    assert not network.training
    assert (network.scale, network.provenance["model"]) == (3, "lanczos-x3")
    with pytest.raises(ValueError, match=r"lanczos-x3 has no options, got {'input_range': 255}"):
        napari_sr.load("lanczos-x3", input_range=255)


def test_a_checkpoint_loads_as_the_network_that_was_saved(checkpoint):
    network, path = checkpoint
    image = torch.rand(1, 3, 20, 21)

    loaded = napari_sr.load(path)

    with torch.inference_mode():
        # weights with channels last are summed in another order
        torch.testing.assert_close(loaded(image), network(image), rtol=0, atol=1e-6)
    assert not loaded.training
    assert (loaded.scale, loaded.channels) == (network.scale, network.channels)
    assert loaded.provenance["sha256"] == _sha256(path)
    assert loaded.provenance["model"] == "small"


def test_a_path_as_text_is_a_file_too(checkpoint):
    network, path = checkpoint

    assert type(napari_sr.load(str(path))) is type(network)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"missing\.pth"):
        napari_sr.load(tmp_path / "missing.pth")


def test_a_scale_that_contradicts_the_name_or_the_tensors_is_refused(checkpoint):
    with pytest.raises(ValueError, match="4"):
        napari_sr.load("fsrcnn-x2", scale=4)
    with pytest.raises(ValueError, match=r"scale=2.*scale=4"):
        napari_sr.load(checkpoint[1], scale=4)


def test_two_files_are_blended_with_what_tensors_cannot_tell(tmp_path):
    record = models.architecture("fsrcnn")
    paths = [tmp_path / "psnr.pth", tmp_path / "gan.pth"]
    networks = [record.network(**{**record.example, "scale": 3}) for _ in paths]
    for network, path in zip(networks, paths, strict=True):
        torch.save(network.state_dict(), path)

    result = napari_sr.blend(*paths, 0.25, scale=3, input_range=255)

    assert (result.scale, result.input_range, result.training) == (3, 255, False)
    for key, value in result.state_dict().items():
        one, other = (network.state_dict()[key] for network in networks)
        torch.testing.assert_close(value, 0.75 * one + 0.25 * other)
    known = result.provenance
    assert (known["model"], known["weight"]) == ("0.75 psnr + 0.25 gan", 0.25)
    assert [each["sha256"] for each in known["blended"]] == [_sha256(path) for path in paths]
    assert [each["options"] for each in known["blended"]] == [{"input_range": 255}] * 2


def test_two_networks_in_series_are_one_network():
    network = napari_sr.series("fsrcnn-x2", napari_sr.load("fsrcnn-x2"))
    image = torch.rand(1, 1, 12, 14)

    found = network(image)

    twice = napari_sr.load("fsrcnn-x2")
    torch.testing.assert_close(found, twice(twice(image)))
    assert (network.scale, network.training) == (4, False)
    assert [one["model"] for one in network.provenance["series"]] == ["fsrcnn-x2"] * 2


def test_what_cannot_be_in_series_is_told_with_both():
    with pytest.raises(ValueError, match=r"edsr-slim-x2 cannot follow fsrcnn-x2: .*got 3 after 1"):
        napari_sr.series("fsrcnn-x2", "edsr-slim-x2")
    with pytest.raises(ValueError, match=r"no model is called .nothing"):
        napari_sr.series("fsrcnn-x2", "nothing")


def test_what_cannot_be_blended_is_told_with_both(checkpoint):
    _network, path = checkpoint

    with pytest.raises(ValueError, match=r"small \(BSRN x2\) cannot .* with missing\.pth: .*no"):
        napari_sr.blend(path, "missing.pth", 0.5)
    with pytest.raises(ValueError, match=r"fsrcnn-x2 \(FSRCNN x2\) cannot .* fsrcnn-x4 upscales 4"):
        napari_sr.blend("fsrcnn-x2", "fsrcnn-x4", 0.5)
    with pytest.raises(ValueError, match=r"small and fsrcnn-x2, which differ in arch.*: BSRN"):
        napari_sr.blend(napari_sr.load(path), napari_sr.load("fsrcnn-x2"), 0.5)


def test_the_card_of_a_file_that_we_trained_tells_what_its_tensors_do_not(tmp_path):
    options = {"kernels": (3, 1, 3), "features": 4, "mapped": 2, "input_range": 255.0}
    network = models.architecture("srcnn").network(scale=3, **options)
    path = tmp_path / "mine.safetensors"
    card = json.dumps({"scale": 3, "options": options})
    save_file(network.state_dict(), path, metadata={"card": card})

    found, other = napari_sr.load(path), napari_sr.load(path, 2, input_range=1.0)

    assert (found.scale, found.input_range, found.kernels) == (3, 255.0, (3, 1, 3))
    assert (other.scale, other.input_range) == (2, 1.0)


def test_a_network_trained_on_grey_from_black_to_white_is_given_that(tmp_path):
    network = models.architecture("srcnn").network(scale=3, features=4, mapped=2)
    path = tmp_path / "mine.safetensors"
    card = {"scale": 3, "options": {}, "recipe": {"data": {"grey": True}}}
    save_file(network.state_dict(), path, metadata={"card": json.dumps(card)})

    assert napari_sr.load(path).full_range
    assert not napari_sr.load(path, full_range=False).full_range
    assert not napari_sr.load("fsrcnn-x2").full_range
    assert napari_sr.load("fsrcnn-x2", full_range=True).full_range
    assert napari_sr.load("bicubic-x2").full_range


@pytest.mark.parametrize(
    "card", ["[]", "{", '{"scale": "3", "options": {}}', '{"options": 4, "recipe": 3}']
)
def test_a_card_that_is_none_of_ours_tells_nothing(tmp_path, card):
    network = models.architecture("srcnn").network(scale=3, features=4, mapped=2)
    save_file(network.state_dict(), tmp_path / "x.safetensors", metadata={"card": card})

    with pytest.raises(ValueError, match="do not show the scale"):
        napari_sr.load(tmp_path / "x.safetensors")


def srcnn(path, card):
    network = models.architecture("srcnn").network(scale=3, features=4, mapped=2)
    save_file(network.state_dict(), path, metadata={"card": json.dumps(card)})
    return path


@pytest.mark.parametrize("scale", [True, 3000, 1e9, -2, "2", float("nan"), [2]], ids=str)
def test_a_scale_that_no_card_of_ours_tells_is_refused_and_may_be_given(tmp_path, scale):
    path = srcnn(tmp_path / "x.safetensors", {"scale": scale, "options": {}})

    with pytest.raises(CheckpointError, match=r"x\.safetensors cannot be used: its card's scale"):
        napari_sr.load(path)
    assert napari_sr.load(path, 3).scale == 3


@pytest.mark.parametrize(
    "options",
    [4, {"padding": {"a": 1}}, {"input_range": 1e9}, {"scale": 3}, {"nothing": 3},
     {"input_range": "x"}, {"input_range": [1, 2]}, {"replicate": None, "features": "x"},
     {"kernels": 9}],
    ids=str,
)  # fmt: skip
def test_options_that_no_card_of_ours_tells_are_refused(tmp_path, options):
    path = srcnn(tmp_path / "x.safetensors", {"scale": 3, "options": options})

    with pytest.raises(ValueError, match=r"options|no option|SRCNN"):
        napari_sr.load(path)


def test_a_file_below_the_home_folder_is_opened_and_hashed(tmp_path, monkeypatch, checkpoint):
    monkeypatch.setenv("HOME", str(tmp_path))
    _network, path = checkpoint

    found = napari_sr.load("~/small.pth")
    blended = napari_sr.blend("~/small.pth", "~/small.pth", 0.5)

    assert found.provenance["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found.provenance["file"] == str(path)
    assert blended.scale == found.scale


def test_a_folder_is_called_one_and_does_not_hide_a_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fsrcnn").mkdir()
    (tmp_path / "mine.pth").mkdir()

    assert napari_sr.load("fsrcnn", 2).scale == 2
    for name in ("./fsrcnn", "mine.pth", tmp_path / "fsrcnn"):
        with pytest.raises(CheckpointError, match="is a folder and contains no checkpoint file"):
            napari_sr.load(name)


def test_a_known_file_that_changes_behind_the_registry_is_refused(tmp_path, monkeypatch):
    # found, and changed before it is opened
    content = find("fsrcnn-x4")
    monkeypatch.setattr(download, "fetch", lambda entry: local_path(content))

    with pytest.raises(CheckpointError, match=r"was changed: its sha256 must be \w+, got"):
        napari_sr.load("fsrcnn-x2")


def test_the_tensors_of_a_file_are_read_once(checkpoint, monkeypatch):
    _network, path = checkpoint
    opened = []
    real = type(path).open
    monkeypatch.setattr(
        type(path), "open", lambda self, *rest: opened.append(self) or real(self, *rest)
    )

    assert not is_package(path)
    looked = len(opened)  # at the names inside the zip archive
    napari_sr.load(path)

    assert opened == [path] * (looked + 2)


def test_a_wrong_weight_is_refused_before_anything_is_loaded():
    with pytest.raises(ValueError, match=r"from 0 to 1, got 1\.5"):
        napari_sr.blend("missing.pth", "missing.pth", 1.5)


def test_an_esrgan_of_one_channel_gets_grey_as_it_is(tmp_path, random):
    torch.manual_seed(0)
    options = {"channels": 1, "features": 4, "blocks": 1, "growth": 2}
    network = models.architecture("rrdbnet").network(scale=2, **options).eval()
    torch.save({"params": network.state_dict()}, tmp_path / "grey.pth")
    image = random.random((12, 15)).astype(np.float32)

    loaded = napari_sr.load(tmp_path / "grey.pth")
    result = napari_sr.upscale(image, loaded, border="zeros", outliers="keep")

    assert loaded.full_range
    with torch.inference_mode():
        expected = network(torch.from_numpy(image)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-6)


def test_a_card_that_says_luma_is_believed_of_any_network(tmp_path):
    network = models.architecture("rrdbnet").network(
        scale=2, channels=1, features=4, blocks=1, growth=2
    )
    card = {"scale": 2, "options": {}, "recipe": {"data": {"grey": False}}}
    path = tmp_path / "luma.safetensors"
    save_file(network.state_dict(), path, metadata={"card": json.dumps(card)})

    assert not napari_sr.load(path).full_range


def test_which_weights_of_a_file_were_chosen_is_in_the_provenance(tmp_path):
    network = models.architecture("edsr").network(scale=2, features=4, blocks=1)
    state = {f"net_g.{key}": value for key, value in network.state_dict().items()}
    torch.save({"state_dict": state, "ema": state, "epoch": 3}, tmp_path / "a.pth")

    assert napari_sr.load(tmp_path / "a.pth").provenance["chosen_weights"] == [
        "Weights: the running mean 'ema', not 'state_dict'.",
        "Tensors: net_g.*.",
    ]
