"""Compiled segments on disk: their names, verdicts and total size."""

from __future__ import annotations

import os

import pytest

from napari_sr.engine.backends import library
from napari_sr.engine.backends.interface import SegmentKey
from napari_sr.engine.backends.library import Verdict, name_of

KEY = SegmentKey("any", (0, 1), ("image",), ("result",))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(library.FOLDER_VARIABLE, str(tmp_path / "compiled"))
    return tmp_path / "compiled"


@pytest.mark.parametrize(
    "other",
    [
        ("b", 1, "openvino 1", KEY, [(1, 1, 4, 4)]),
        ("a", 3, "openvino 1", KEY, [(1, 1, 4, 4)]),
        ("a", 1, "openvino 2", KEY, [(1, 1, 4, 4)]),
        ("a", 1, "openvino 1", SegmentKey("any", (0,), ("image",), ("result",)), [(1, 1, 4, 4)]),
        ("a", 1, "openvino 1", KEY, [(1, 1, 4, 5)]),
    ],
)
def test_segments_that_compute_something_else_have_another_name(other):
    assert name_of(*other) != name_of("a", 1, "openvino 1", KEY, [(1, 1, 4, 4)])


def test_the_chain_of_a_run_does_not_count():
    same = SegmentKey("other", KEY.indices, KEY.inputs, KEY.outputs)

    assert name_of("a", 1, "x", same, [(1,)]) == name_of("a", 1, "x", KEY, [(1,)])


def test_a_verdict_is_read_as_it_was_written():
    verdict = Verdict(True, 1e-6, 3.0, 5.0)

    library.write_verdict("name", verdict)

    assert library.verdict_of("name") == verdict
    assert verdict.faster
    assert not Verdict(True, 0, 5.0, 5.0).faster
    assert not Verdict(False, 0, 1.0, 5.0).faster


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"right": true, "unknown": 1}', '{"right": true, "error": null}']
)
def test_a_damaged_verdict_counts_as_missing(folder, content):
    folder.mkdir()
    (folder / "name.json").write_text(content)

    assert library.verdict_of("name") is None


def test_the_least_recently_used_go_first(folder):
    folder.mkdir()
    new, used, old = (f"{letter * 24}-{letter * 24}" for letter in "abc")
    for age, name in enumerate([new, used, old]):
        for suffix in ("bin", "json"):
            path = folder / f"{name}.{suffix}"
            path.write_bytes(b"x" * 50)
            os.utime(path, (1000 - age, 1000 - age))
    library.touch(used)

    library.prune(folder, most=220)

    assert sorted(path.name for path in folder.iterdir()) == [
        f"{new}.bin", f"{new}.json", f"{used}.bin", f"{used}.json"
    ]  # fmt: skip


def test_the_engine_s_own_files_count_and_go_too(folder):
    (folder / "machine-code").mkdir(parents=True)
    blob, segment = folder / "machine-code" / "1.blob", folder / f"{'a' * 24}-{'b' * 24}.bin"
    for path in (blob, segment):
        path.write_bytes(b"x" * 50)
    os.utime(blob, (1, 1))

    library.prune(folder, most=60)

    assert (blob.exists(), segment.exists()) == (False, True)


def test_files_of_the_user_stay(folder):
    ours = folder / f"{'a' * 24}-{'b' * 24}.bin"
    theirs = [folder / "thesis.docx", folder / "network.onnx", folder / "photographs" / "1.tif"]
    theirs[-1].parent.mkdir(parents=True)
    for path in (*theirs, ours):
        path.write_bytes(b"x" * 50)

    library.prune(folder, most=0)

    assert not ours.exists()
    assert all(path.exists() for path in theirs)


def test_a_segment_is_tried_by_one_process_at_a_time(folder):
    first, second = library.claim("one"), library.claim("one")
    library.write_verdict("one", Verdict(True))

    assert (first, second) == (True, False)
    assert library.claim("one")


@pytest.mark.parametrize("owner", ["", "1 another-computer"])
def test_an_old_claim_of_an_unknown_process_is_forgotten(folder, owner):
    library.claim("one")
    (folder / "one.trying").write_text(owner)
    still_young = library.claim("one")
    os.utime(folder / "one.trying", (0, 0))

    assert not still_young
    assert library.claim("one")


def test_the_claim_of_a_killed_process_ends_at_once(folder, monkeypatch):
    library.claim("one")
    with monkeypatch.context() as patched:
        patched.setattr(library.psutil, "pid_exists", lambda process: process != os.getpid())

        assert library.claim("one")

    assert not library.claim("one")  # its process lives
    assert library.is_tried_by("one", os.getpid())


def test_verdicts_are_found_by_network():
    shapes = [(1, 1, 8, 8)]
    names = [name_of(weights, 1, "any 1", KEY, shapes) for weights in ("these", "those")]
    for name, why in zip(names, ("first", "second"), strict=True):
        library.write_verdict(name, Verdict(False, why=why))

    assert [verdict.why for verdict in library.verdicts_on("these")] == ["first"]
