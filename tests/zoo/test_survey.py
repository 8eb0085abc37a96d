"""What lists say of networks is what the networks are."""

from __future__ import annotations

import json

import pytest

from napari_sr import models
from napari_sr.zoo import survey
from napari_sr.zoo.networks import NETWORKS, published


def held():
    return json.loads(NETWORKS.read_text(encoding="utf-8"))


def test_every_published_form_is_in_the_file(monkeypatch):
    monkeypatch.setattr(survey, "cost", lambda record, form, scale: ({"scale": scale}, 3))

    found = json.loads(json.dumps(survey.survey()))

    # python tools/list_networks.py writes the file again
    counted = {"costs": None, "channels": None}
    for expected in held():
        expected["costs"] = [{"scale": cost["scale"]} for cost in expected["costs"]]
        assert expected | counted in [one | counted for one in found]
    assert len(held()) == len(found)


@pytest.mark.parametrize("name", models.names())
def test_the_file_says_what_networks_take(name):
    record = models.architecture(name)
    of_name = {one["name"]: one for one in held() if one["architecture"] == name}

    # one scale of each, in turn: what is counted differs by the form more than by the scale
    for number, form in enumerate(record.forms):
        scale = form.scales[number % len(form.scales)]
        found, channels = survey.cost(record, form, scale)

        assert found in of_name[form.name]["costs"]
        assert channels == of_name[form.name]["channels"]


def test_the_file_is_written_a_line_for_each(tmp_path, monkeypatch):
    monkeypatch.setattr(survey, "survey", held)

    names = survey.write(tmp_path / "networks.json")

    assert names == [one.name for one in published()]
    assert (tmp_path / "networks.json").read_bytes() == NETWORKS.read_bytes()


MEASURED = {
    "IMDN": (158.8, 71.3, 40.9),
    "BSRN": (71.9, 32.8, 19.2),
    "BSRN-S": (8.29,),
    "RFDN (AIM 2020)": (23.8,),
    "EDSR-baseline": (316.2, 160.1, 114.2),
    "EDSR": (9385, 4470, 2895),
    "MDSR": (1498, 684, 410),
    "ESRT": (161.0, 81.8, 58.4),  # without the attention's products, as here
    "DRRN B1U25": (6796.9, None, None),
    "DRRN B1U9": (2448.2, None, None),
    "DRCN": (17974.3, None, None),
    "SRCNN 9-5-5": (52.7, None, None),
    "FSRCNN": (2.87, 1.27, 0.72),
    "ESPCN": (4.88, 2.31, 1.42),
    "ESRGAN": (1032.6,),
    "MSRResNet": (None, None, 146.1),
}
"""10^9 multiply-adds, measured on the reference code of each; DRCN's and DRRN's are published."""


@pytest.mark.parametrize("name", MEASURED)
def test_multiply_adds_are_those_of_the_reference_code(name):
    (one,) = (one for one in published() if one.name == name)

    for cost, expected in zip(one.costs, MEASURED[name], strict=True):
        if expected is not None:
            digits = len(str(expected).partition(".")[2])
            assert round(cost.multiply_adds / 1e9, digits) == expected, cost.scale
