from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file

from napari_sr import models
from napari_sr.runs.model import ModelReference
from napari_sr.training.config import Data, Initialisation
from napari_sr.training.finetuning.base_model import RATES, config_of, with_steps
from napari_sr.training.finetuning.config import BaseModel
from napari_sr.training.initialisation import prepare
from napari_sr.training.learner import build

DATA = Data(crop=8, batch=1)


def saved(folder, name, **changes):
    """Write a small checkpoint of a network; return the network and the file."""
    torch.manual_seed(1)
    record = models.architecture(name)
    network = record.network(**{**record.example, **changes})
    save_file(network.state_dict(), folder / f"{name}.safetensors")
    return network, folder / f"{name}.safetensors"


def test_a_known_model_starts_as_it_is():
    config = config_of(BaseModel("FSRCNN x3", ModelReference("fsrcnn-x3")), 3, DATA, "cells")

    assert (config.network.kind, config.scale, config.name) == ("fsrcnn", 3, "cells")
    assert config.optimiser.learning_rate == RATES[0]


@pytest.mark.parametrize("name", ["espcn", "bsrn"])
def test_every_tensor_of_a_file_is_taken(tmp_path, name):
    network, path = saved(tmp_path, name)

    config = config_of(BaseModel(name, ModelReference(path)), network.scale, DATA, "cells")
    built = build(config)
    prepare(built, config.start)

    assert config.network.kind == name
    for key, value in network.state_dict().items():
        torch.testing.assert_close(built.state_dict()[key], value, rtol=0, atol=0)


def test_of_a_network_of_several_scales_one_is_trained(tmp_path):
    network, path = saved(tmp_path, "mdsr", scale=3, scales=(2, 3))

    config = config_of(BaseModel("MDSR", ModelReference(path)), 3, DATA, "cells")
    built = build(config)
    prepare(built, config.start)

    assert config.scales == (3,)
    mine = built.state_dict()
    assert {key for key in network.state_dict() if key not in mine} != set()
    assert all(bool((network.state_dict()[key] == value).all()) for key, value in mine.items())


def test_what_tensors_cannot_tell_is_told(tmp_path):
    _, path = saved(tmp_path, "edsr")

    config = config_of(
        BaseModel("EDSR", ModelReference(path, options=(("res_scale", 0.25),))), 2, DATA, "cells"
    )

    assert config.network.options["res_scale"] == 0.25


def test_a_fresh_network_starts_as_its_recipe_says_at_any_scale():
    config = config_of(BaseModel("FSRCNN", recipe="fsrcnn-x2"), 4, DATA, "cells")

    assert (config.scale, config.network.kind) == (4, "fsrcnn")
    assert config.start == Initialisation("interpolation")
    assert config.data == DATA
    assert [term.kind for term in config.loss] == ["l1", "mse"]


def test_a_file_of_another_scale_is_refused_with_both(tmp_path):
    _, path = saved(tmp_path, "bsrn", scale=3)

    with pytest.raises(ValueError, match="scale must be 3 for BSRN, got 2"):
        config_of(BaseModel("BSRN", ModelReference(path)), 2, DATA, "cells")


def test_a_file_that_is_gone_is_no_known_model(tmp_path):
    with pytest.raises(ValueError, match=r"gone\.pth"):
        config_of(BaseModel("gone", ModelReference(tmp_path / "gone.pth")), 2, DATA, "cells")


def test_a_training_is_judged_about_as_often_as_told():
    config = config_of(BaseModel("FSRCNN x2", ModelReference("fsrcnn-x2")), 2, DATA, "cells")

    run = with_steps(config, 1000, 40).run
    assert (run.steps, run.validate_every, run.report_every) == (1000, 25, 5)
    assert with_steps(config, 10, 40).run.validate_every == 1
    assert with_steps(config, 1000, 40).schedule.warm_up == 20


def test_a_network_trained_on_grey_goes_on_so(tmp_path):
    network, _ = saved(tmp_path, "espcn")
    card = json.dumps({"scale": network.scale, "recipe": {"data": {"grey": True}}})
    save_file(network.state_dict(), tmp_path / "grey.safetensors", metadata={"card": card})
    of_luma = BaseModel("FSRCNN x3", ModelReference("fsrcnn-x3"))
    of_grey = BaseModel("grey", ModelReference(tmp_path / "grey.safetensors"))
    fresh = BaseModel("fresh", recipe="microscope-x2")

    assert not config_of(of_luma, 3, DATA, "cells").data.grey
    assert config_of(of_grey, network.scale, DATA, "cells").data.grey
    assert config_of(fresh, 2, DATA, "cells").data.grey
