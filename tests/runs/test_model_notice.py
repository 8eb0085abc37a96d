"""A folder of models says what may be done with them, and how to verify them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import replace

import pytest

from napari_sr.runs.model_notice import CHECKSUMS, LICENCES, listed, write_notice
from napari_sr.runs.prefetch import downloadable

FIRST, SECOND = downloadable()[:2]


def stored(entry, folder, content):
    """Write a file, and return the entry with the file's hash."""
    (folder / entry.file).write_bytes(content)
    return replace(entry, sha256=hashlib.sha256(content).hexdigest(), size=len(content))


def test_every_model_has_its_licence_and_its_address(tmp_path):
    write_notice(tmp_path, [replace(FIRST, licence="A licence"), SECOND])

    first, second = (tmp_path / LICENCES).read_text().split("\n## ")[1:]
    assert "licence: A licence" in first
    assert FIRST.url in first
    assert SECOND.sha256 in second


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs GNU coreutils")
def test_sha256sum_finds_a_changed_file(tmp_path):
    entries = [stored(FIRST, tmp_path, b"first"), stored(SECOND, tmp_path, b"second")]
    write_notice(tmp_path, entries)
    command = ["sha256sum", "--check", "--status", CHECKSUMS]

    assert subprocess.run(command, cwd=tmp_path).returncode == 0
    (tmp_path / SECOND.file).write_bytes(b"Second")
    assert subprocess.run(command, cwd=tmp_path).returncode == 1


def test_models_that_share_a_file_share_a_line(tmp_path):
    write_notice(tmp_path, [FIRST, replace(FIRST, name="other")])

    assert (tmp_path / CHECKSUMS).read_text() == f"{FIRST.sha256}  {FIRST.file}\n"
    assert listed(tmp_path) == {FIRST.file}


def test_a_folder_without_checksums_is_an_error(tmp_path):
    with pytest.raises(OSError, match=CHECKSUMS):
        listed(tmp_path)
