"""Checkpoints are recognised by their tensors, and built with the options that these leave open."""

from __future__ import annotations

import pytest
import torch

from napari_sr import models
from napari_sr.zoo import recognition


def test_checkpoint_of_no_network_tells_its_first_keys():
    state = {"fc.weight": torch.zeros(3, 4), "fc.bias": torch.zeros(3)}

    with pytest.raises(ValueError, match=r"none of the \d+ here.*2 tensors.*fc\.weight, fc\.bias"):
        recognition.build(state)


def test_what_is_no_tensor_is_named():
    with pytest.raises(
        ValueError, match=r"a checkpoint must contain only tensors, got int as 'epoch'"
    ):
        recognition.build({"fc.weight": torch.zeros(3, 4), "epoch": 3})


def test_empty_checkpoint_is_refused():
    with pytest.raises(ValueError, match=r"0 tensors, the first of them \(none\)"):
        recognition.build({})


def test_missing_tensor_is_not_overlooked(example):
    state = example("imdn").state_dict()
    del state["merge.bias"]

    with pytest.raises(ValueError, match="matches none of"):
        recognition.build(state)


def test_surplus_tensor_is_not_overlooked(example):
    state = {**example("imdn").state_dict(), "blocks.0.extra": torch.zeros(1)}

    with pytest.raises(ValueError, match="matches none of"):
        recognition.build(state)


def test_checkpoint_of_two_networks_is_refused_by_their_titles(example, monkeypatch):
    state = example("imdn").state_dict()
    record = models.architecture("imdn")
    monkeypatch.setattr(models, "names", lambda: ["one", "other"])
    monkeypatch.setattr(models, "architecture", lambda name: record)

    with pytest.raises(ValueError, match=r"matches \['IMDN', 'IMDN'\]: head\.weight"):
        recognition.build(state)


def test_scale_that_tensors_do_not_show_is_asked_for(example):
    state = example("fsrcnn").state_dict()

    with pytest.raises(ValueError, match=r"FSRCNN, .*give scale=, such as scale=2.*'layers': 2"):
        recognition.build(state)


def test_scale_against_the_tensors_is_refused(example):
    state = example("bsrn").state_dict()

    with pytest.raises(ValueError, match="is a BSRN with scale=2, got scale=4"):
        recognition.build(state, scale=4)


def test_option_against_the_tensors_is_refused(example):
    state = example("bsrn").state_dict()

    with pytest.raises(ValueError, match="is a BSRN with features=8, got features=64"):
        recognition.build(state, features=64)


def test_unknown_option_is_named_with_those_that_exist(example):
    state = example("bsrn").state_dict()

    with pytest.raises(ValueError, match=r"BSRN has no option res_scale=0\.1; it has scale, chan"):
        recognition.build(state, res_scale=0.1)


def test_options_of_none_mean_not_given(example):
    state = example("edsr").state_dict()

    assert recognition.build(state, scale=None, res_scale=None).scale == 2


def test_built_network_is_in_eval_mode_and_in_float32(example):
    state = {key: value.half() for key, value in example("rfdn").state_dict().items()}

    network = recognition.build(state)

    assert not network.training
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


SHAPES = [(), (0,), (1,), (7,), (0, 3), (3, 4), (1, 1, 1, 1), (0, 3, 3, 3), (3, 0, 3, 3)]
SHAPES += [(8, 2, 3, 3), (8, 12, 1, 1), (7, 5, 3, 3), (8, 8, 9, 9), (2, 3, 3, 3), (48, 64, 3, 3, 3)]


def layouts(example):
    """Return the keys of every layout that tests know of, by the network's name."""
    known = {name: list(example(name).state_dict()) for name in models.names()}
    known["yjn870"] = ["first_part.0.weight", "mid_part.0.weight", "last_part.weight"]
    known["named"] = ["deconv.weight", "map_1.weight", "shrink.weight"]
    known["bsrn-s"] = ["B1.cw", "B1.c1_d.weight", "fea_conv.pw.weight"]
    known["edsr"] += ["sub_mean.weight", "sub_mean.bias", "body.0.body.0.weight", "head.0.weight"]
    known["basicsr"] = ["conv_after_body.weight", "conv_last.weight", "upsample.0.weight"]
    known["esrgan"] = ["model.1.sub.0.RDB1.conv1.0.weight", "model.0.weight", "model.900.bias"]
    return known


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_tensors_of_strange_shapes_match_nothing_and_break_nothing(example):
    generator = torch.Generator().manual_seed(0)

    def pick():
        return SHAPES[int(torch.randint(len(SHAPES), (), generator=generator))]

    for keys in layouts(example).values():
        for _ in range(12):
            state = {key: torch.zeros(pick()) for key in keys}

            with pytest.raises(ValueError, match="matches none of"):
                recognition.recognise(state)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_one_tensor_of_a_strange_shape_is_noticed(example):
    for name in models.names():
        state = example(name).state_dict()
        for key in list(state)[:: max(len(state) // 5, 1)]:
            for shape in SHAPES[1::6]:
                changed = {**state, key: torch.zeros(shape)}

                with pytest.raises(ValueError, match="matches none of"):
                    recognition.recognise(changed)


def test_absurd_block_number_costs_nothing(example):
    state = example("imdn").state_dict()
    state["blocks.999999999.fuse.bias"] = torch.zeros(8)

    with pytest.raises(ValueError, match="matches none of"):
        recognition.recognise(state)


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool], ids=str)
def test_whole_numbers_are_no_weights(example, dtype):
    state = example("bsrn").state_dict()
    state[next(iter(state))] = next(iter(state.values())).to(dtype)

    with pytest.raises(ValueError, match=r"whose '.*' must be floats, got a tensor of \w+"):
        recognition.build(state)


@pytest.mark.parametrize("scale", [True, 2.0, "2"])
def test_a_scale_that_is_no_whole_number_is_refused(scale):
    state = models.architecture("fsrcnn").network(scale=2).state_dict()

    with pytest.raises(ValueError, match="needs whole numbers of at least 1 as scale"):
        recognition.build(state, scale=scale)


@pytest.mark.parametrize("option", [{"input_range": float("inf")}, {"input_range": "x"}])
def test_an_option_of_another_type_is_told(example, option):
    with pytest.raises(ValueError, match=r"input_range"):
        recognition.build(example("bsrn").state_dict(), **option)


def test_an_option_may_be_called_as_a_parameter_of_ours(example):
    with pytest.raises(ValueError, match="has no option state=1"):
        recognition.build(example("bsrn").state_dict(), state=1)


@pytest.mark.parametrize("prefix", ["generator.", "model.net_g.", "netG.module."])
@pytest.mark.parametrize("name", ["rrdbnet", "span", "edsr", "fsrcnn"])
def test_prefixes_come_off_where_the_rest_is_a_network(name, prefix, example):
    network = example(name)
    state = {f"{prefix}{key}": value for key, value in network.state_dict().items()}

    again = recognition.build(state, scale=network.scale)

    assert type(again) is type(network)
    assert again.provenance == {"chosen_weights": [f"Tensors: {prefix}*."]}
    image = torch.rand(1, network.channels, 8, 8)
    torch.testing.assert_close(again(image), network(image), rtol=0, atol=0)


def test_a_running_mean_under_a_prefix_is_preferred(example):
    state = example("span").state_dict()
    both = {f"net_g.{key}": value + 1 for key, value in state.items()}
    both |= {f"net_g_ema.{key}": value for key, value in state.items()}
    both["net_g_ema.n_averaged"] = torch.tensor(9)

    network = recognition.build(both)

    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())
    (remark,) = network.provenance["chosen_weights"]
    assert remark.startswith("Tensors: net_g_ema.* (a running mean)")


def test_two_networks_under_prefixes_are_refused_by_their_prefixes(example):
    state = {f"net_g.{key}": value for key, value in example("span").state_dict().items()}
    state |= {f"model.{key}": value for key, value in example("span").state_dict().items()}

    with pytest.raises(ValueError, match=r"matches \['model\.\* as SPAN', 'net_g\.\* as SPAN'\]"):
        recognition.build(state)


def test_a_counter_among_the_weights_is_ignored_and_told(example):
    state = example("edsr").state_dict() | {"iteration": torch.tensor(5)}

    assert recognition.remarks_on(state) == ("1 other tensors are ignored.",)


def test_the_oldest_esrgan_keeps_the_prefix_that_belongs_to_it(example):
    assert recognition.remarks_on(example("rrdbnet").state_dict()) == ()


def test_a_network_of_known_name_is_the_recognised_one_without_importing_others(example):
    state = example("fsrcnn").state_dict()

    named = recognition.build_as("fsrcnn", state, scale=2)

    found = recognition.build(state, scale=2)
    assert type(named) is type(found)
    assert all(torch.equal(named.state_dict()[key], found.state_dict()[key]) for key in state)
    with pytest.raises(recognition.UnknownNetworkError, match="tensors of edsr expected, got "):
        recognition.build_as("edsr", state, scale=2)
