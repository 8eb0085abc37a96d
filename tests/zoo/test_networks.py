"""What was published: every network is listed, and what the registry has belongs to one."""

from __future__ import annotations

import pytest

from napari_sr import models
from napari_sr.zoo.networks import Cost, Published, published
from napari_sr.zoo.registry import entries


def test_every_network_is_listed_the_earliest_first():
    years = [one.year for one in published()]

    assert {one.architecture for one in published()} == set(models.names())
    assert years == sorted(years)


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_every_entry_of_the_registry_is_a_checkpoint_of_one_network(entry):
    owners = [one.name for one in published() if one.has(entry)]

    # these are EDSRs of sizes of our own, which nobody published
    ours = entry.family in ("edsr-slim", "micrograph", "em")
    assert len(owners) == (0 if ours else 1)


def test_licences_are_those_of_the_entries_each_once():
    licences = {one.name: one.licences for one in published()}

    assert licences["BSRN"] == ["MIT"]
    assert licences["SRCNN 9-1-5"] == ["none stated"]
    assert licences["EDSR"] == []


@pytest.mark.parametrize(
    ("channels", "parameters", "expected"), [(1, 5, "luma"), (3, 5, "colour"), (3, 0, "any")]
)
def test_what_a_network_computes_is_said_in_a_word(channels, parameters, expected):
    costs = (Cost(2, parameters, 7, None), Cost(4, parameters, 7, 3))

    assert Published("A", "a", {}, 2000, "there", channels, costs).image == expected


def test_an_entry_with_other_options_is_not_a_checkpoint_of_it():
    (deep,) = (one for one in published() if one.name == "MS-LapSRN D5R8")
    (entry,) = (entry for entry in entries() if entry.name == "mslapsrn-x4")  # of five recursions

    assert not deep.has(entry)
