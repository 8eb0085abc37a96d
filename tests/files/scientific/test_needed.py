"""A missing package and a broken file are each reported in one sentence."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from napari_sr.files.image import FileError
from napari_sr.files.scientific.needed import LEFT_OUT, needed, reading


def test_a_missing_package_names_the_extra():
    with pytest.raises(
        FileError, match=r"CZI files need the package no-such: pip install 'napari-sr\[formats\]'"
    ):
        needed("no_such.module", "CZI")


def test_a_package_that_the_extra_leaves_out_is_not_offered(monkeypatch):
    monkeypatch.setitem(LEFT_OUT, "no_such", (3, 0))

    with pytest.raises(FileError, match=r"no-such: use a Python older than 3\.0, for which"):
        needed("no_such", "CZI")


def test_a_package_is_imported():
    assert needed("json", "JSON").loads("1") == 1


class OwnError(Exception):
    pass


@pytest.mark.parametrize("error", [ValueError("bad\nheader"), OwnError("bad header")])
def test_errors_become_one_sentence(error):
    with (
        pytest.raises(FileError, match="a cannot be read as MRC: bad header"),
        reading(Path("a"), "MRC", OwnError),
    ):
        raise error


def test_other_errors_and_our_own_pass():
    with pytest.raises(OwnError), reading(Path("a"), "MRC"):
        raise OwnError
    with pytest.raises(FileError, match=r"^ours$"), reading(Path("a"), "MRC"):
        raise FileError("ours")


def test_warnings_are_silenced():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with reading(Path("a"), "MRC"):
            warnings.warn("odd", stacklevel=1)
