"""Which network the options of a command name."""

from __future__ import annotations

import pytest
import torch

import napari_sr
from napari_sr.cli import terminal
from napari_sr.cli.model import CommandError, load, read_option, read_options, reference


def loaded(*arguments, **named):
    with terminal.bars() as bars:
        return load(reference(*arguments, **named), bars)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("res_scale=0.1", ("res_scale", 0.1)),
        ("res_scale=1,0", ("res_scale", 1.0)),
        ("input-range=255", ("input_range", 255)),
        ("squash=False", ("squash", False)),
    ],
)
def test_an_option_is_a_name_and_a_number(text, found):
    name, value = read_option(text)

    assert (name, value) == found
    assert type(value) is type(found[1])


@pytest.mark.parametrize(("weight", "share"), [(None, 0.5), (0.25, 0.25), (1, 1)])
def test_a_blend_is_the_same_as_from_python(pair, weight, share):
    network = loaded(pair[0], 2, {"input_range": 255}, pair[1], weight)

    expected = napari_sr.blend(*pair, share, scale=2, input_range=255)
    assert network.provenance == expected.provenance
    for key, value in network.state_dict().items():
        assert torch.equal(value, expected.state_dict()[key])


def test_a_known_model_is_blended_at_the_scale_of_the_first(tmp_path, pair):
    torch.save(napari_sr.load("fsrcnn-x3").state_dict(), tmp_path / "fine.pth")

    network = loaded("fsrcnn-x3", None, {}, "fine.pth", 0.3)

    assert (network.scale, network.provenance["model"]) == (3, "0.7 fsrcnn-x3 + 0.3 fine")


@pytest.mark.parametrize(
    ("second", "error", "what"),
    [
        ((None, 0.3), CommandError, "got --weight 0.3 without it"),
        (("gan.pth", 1.5), ValueError, "got 1.5"),
        (("no.pth", 0.5), ValueError, r"psnr \(FSRCNN x2\) .*no\.pth"),
        (("bsrn-x4",), ValueError, r"psnr \(FSRCNN x2\) .* upscales 4"),
    ],
)
def test_what_cannot_be_blended_is_told(pair, second, error, what):
    with pytest.raises(error, match=what):
        loaded("psnr.pth", 2, {}, *second)


def test_another_model_may_read_the_result(pair):
    network = loaded("psnr.pth", 2, {}, then="fsrcnn-x3")

    assert (network.scale, network.provenance["model"]) == (6, "psnr, then fsrcnn-x3")


@pytest.mark.parametrize("text", ["scale=2", "model=3"])
def test_what_has_an_option_of_its_own_is_told(text):
    with pytest.raises(CommandError, match=rf"--option {text} must be given as --"):
        read_option(text)


def test_options_may_be_repeated_or_missing():
    assert read_options(["res_scale=0.1", "input_range=1"]) == {"res_scale": 0.1, "input_range": 1}
    assert read_options(None) == {}


def test_which_weights_of_a_file_were_chosen_is_told(tmp_path, capsys):
    state = napari_sr.load("edsr-slim-x2").state_dict()
    torch.save({f"net_g.{key}": value for key, value in state.items()}, tmp_path / "mine.pth")

    loaded(str(tmp_path / "mine.pth"))

    told = capsys.readouterr()
    assert "mine: Tensors: net_g.*." in told.out + told.err
    loaded(str(tmp_path / "mine.pth"), then=str(tmp_path / "mine.pth"))
    told = capsys.readouterr()
    assert (told.out + told.err).count("mine: Tensors: net_g.*.") == 1
