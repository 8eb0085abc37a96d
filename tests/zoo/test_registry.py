"""The registry is complete and true, and names are found as people write them."""

from __future__ import annotations

import hashlib
import json
import re
from urllib.parse import quote

import pytest

from napari_sr import models
from napari_sr.zoo import recognition
from napari_sr.zoo.checkpoint import read_checkpoint
from napari_sr.zoo.download import local_path
from napari_sr.zoo.registry import entries, find

NAMES = [entry.name for entry in entries()]
DOWNLOADED = [entry.name for entry in entries() if entry.url is not None]


def test_names_are_unique_and_say_family_and_scale():
    assert len(set(NAMES)) == len(NAMES)
    for entry in entries():
        assert entry.name == f"{entry.family}-x{entry.scale}"


@pytest.mark.parametrize("name", DOWNLOADED)
def test_an_address_is_pinned_to_a_commit_and_a_hash(name):
    entry = find(name)

    assert re.fullmatch(
        r"https://raw\.githubusercontent\.com/[^/]+/[^/]+/[0-9a-f]{40}/.+\.(pth|mat)", entry.url
    )
    assert re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
    assert entry.licence and entry.trained_on and entry.summary
    assert 0 < len(entry.purpose) < 30


@pytest.mark.parametrize("name", DOWNLOADED)
def test_the_entry_of_a_download_is_what_the_manifest_says(name, shared):
    entry = find(name)
    manifest = json.loads((shared / "weights" / "MANIFEST.json").read_text())
    (record,) = (record for record in manifest if record["sha256"] == entry.sha256)
    content = (shared / record["local"]).read_bytes()

    repository, commit, path = re.fullmatch(r"(\S+) at (\w+), (.+)", record["source"]).groups()

    expected = f"https://raw.githubusercontent.com/{repository.removeprefix('github.com/')}"
    assert entry.url == f"{expected}/{commit}/{quote(path)}"
    assert entry.size == len(content)
    assert entry.sha256 == hashlib.sha256(content).hexdigest()
    assert record["licence"].startswith(entry.licence)


@pytest.mark.parametrize("name", DOWNLOADED)
def test_the_checkpoint_builds_the_network_that_the_entry_names(name, shared):
    entry = find(name)
    manifest = json.loads((shared / "weights" / "MANIFEST.json").read_text())
    (local,) = (record["local"] for record in manifest if record["sha256"] == entry.sha256)

    network = recognition.build(read_checkpoint(shared / local), scale=entry.scale, **entry.options)

    assert type(network) is models.architecture(entry.architecture).network
    assert sum(parameter.numel() for parameter in network.parameters()) == entry.parameters


def test_what_is_computed_names_the_code_that_does_it():
    for entry in entries():
        assert entry.computed == (entry.architecture == "interpolation")
        if entry.computed:
            assert (entry.url, entry.sha256, entry.size) == (None, "", 0)
            assert local_path(entry).read_text().startswith('"""Interpolation')


@pytest.mark.parametrize("text", ["bsrn-s-x4", "BSRN_S_x4", "bsrn s X4", "BSRN-S", "bsrn_s"])
def test_case_and_separators_do_not_matter(text):
    assert find(text).name == "bsrn-s-x4"


def test_the_scale_may_come_apart_from_the_name():
    assert find("bsrn", 4) == find("bsrn-x4") == find("bsrn-x4", 4)


@pytest.mark.parametrize(("scale", "expected"), [(None, 2), (2, 2), (3, 3), (4, 4)])
def test_no_name_takes_the_model_that_ships(scale, expected):
    entry = find(None, scale)

    assert entry.name == f"fsrcnn-x{expected}"
    assert entry.url is None


def test_two_scales_that_differ_are_refused():
    with pytest.raises(ValueError, match=r"bsrn-x4 upscales 4 times, got scale=2"):
        find("bsrn-x4", 2)


def test_an_open_scale_is_asked_for():
    with pytest.raises(ValueError, match=r"'bsrn' comes with the scales 2 and 4.*bsrn-x2, bsrn-x4"):
        find("bsrn")


@pytest.mark.parametrize("name", ["bsrn", None])
def test_a_scale_that_nobody_trained_is_refused(name):
    with pytest.raises(ValueError, match=r"comes with scale 2.* and 4, got scale=8"):
        find(name, 8)


def test_an_unknown_name_is_answered_with_near_ones():
    with pytest.raises(ValueError, match=r"no model is called 'bsrm-x4'; did you mean .*bsrn-x4"):
        find("bsrm-x4")


def test_a_name_far_from_all_is_answered_with_all():
    with pytest.raises(ValueError, match=r"called 'qqqq'; known are fsrcnn-x2.*bsrn-x2"):
        find("qqqq")
