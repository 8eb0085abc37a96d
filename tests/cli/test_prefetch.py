"""The command `napari-sr prefetch`."""

from __future__ import annotations

import shutil

import pytest
from reference import SHARED

from napari_sr.cli.commands import app
from napari_sr.cli.model import CommandError
from napari_sr.cli.prefetch import chosen
from napari_sr.runs.prefetch import downloadable
from napari_sr.zoo import download, registry


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Return a function that runs the command, and returns exit code, stdout and stderr."""
    monkeypatch.setenv("NAPARI_SR_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("NAPARI_SR_WEIGHTS", raising=False)

    def call(*arguments):
        code = app(["prefetch", *map(str, arguments)], standalone_mode=False)
        return code or 0, *capsys.readouterr()

    return call


@pytest.fixture
def server(monkeypatch):
    """Let downloads copy a shipped model, which then counts as the model."""
    content = download.SHIPPED / "fsrcnn-x2.safetensors"

    def fetch(entry, watch=None):
        if entry.family == "rfdn":
            raise download.DownloadError("could not download rfdn-x4")
        download.cache_folder().mkdir(exist_ok=True)
        return shutil.copy(content, download.cache_folder() / entry.file)

    monkeypatch.setattr(download, "fetch", fetch)
    monkeypatch.setattr(
        download,
        "is_file_of",
        lambda path, entry: path.is_file() and path.read_bytes() == content.read_bytes(),
    )


def test_a_family_means_all_its_scales_and_all_means_all():
    assert [one.name for one in chosen(["bsrn", "RFDN x4"], everything=False)] == [
        "bsrn-x2", "bsrn-x4", "rfdn-x4",
    ]  # fmt: skip
    assert chosen([], everything=True) == downloadable()


@pytest.mark.parametrize(("names", "everything"), [([], False), (["bsrn"], True)])
def test_names_and_all_exclude_each_other(names, everything):
    with pytest.raises(CommandError, match="give names of models or --all"):
        chosen(names, everything=everything)


def test_a_folder_is_filled_and_verified(run, server, tmp_path):
    stick = tmp_path / "stick"

    code, told, _ = run("bsrn", "--to", stick)
    assert code == 0
    assert f"bsrn-x4: {stick / 'bsrn-x4.pth'}" in told
    assert "NAPARI_SR_WEIGHTS" in told
    assert run("--verify", "--to", stick) == (0, "2 of 2 models have the right SHA-256.\n", "")

    (stick / "bsrn-x2.pth").write_bytes(b"")
    (stick / "bsrn-x4.pth").unlink()
    code, told, errors = run("--verify", "--to", stick)
    assert (code, told) == (2, "0 of 2 models have the right SHA-256.\n")
    assert errors.splitlines() == [
        "bsrn-x2: damaged, its size or SHA-256 is wrong",
        "bsrn-x4: missing",
    ]


def test_a_failed_download_is_named_and_the_others_are_kept(run, server):
    code, told, errors = run("rfdn", "bsrn-s")

    assert code == 2
    assert told.startswith("bsrn-s-x4: ")
    assert errors == "rfdn-x4: could not download rfdn-x4\n"


def test_verify_without_names_looks_at_what_is_here(run):
    shipped = [one for one in registry.entries() if one.url is None and not one.computed]

    code, told, _ = run("--verify")

    assert (code, told) == (0, f"{len(shipped)} of {len(shipped)} models have the right SHA-256.\n")


def test_a_folder_without_a_list_is_refused(run, tmp_path):
    with pytest.raises(CommandError, match="has no SHA256SUMS"):
        run("--verify", "--to", tmp_path)


def test_the_authors_files_pass(run, monkeypatch, shared, tmp_path):
    monkeypatch.setenv("NAPARI_SR_WEIGHTS", str(SHARED / "weights"))

    assert run("--all", "--to", tmp_path)[0] == 0
    total = len(downloadable())
    assert run("--all", "--verify", "--to", tmp_path)[:2] == (
        0, f"{total} of {total} models have the right SHA-256.\n"
    )  # fmt: skip
