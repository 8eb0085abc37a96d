"""Files of packages, and archives that were made to do harm."""

from __future__ import annotations

import os
import stat
import zipfile

import pytest
from bioimage_packages import sha, write

from napari_sr.zoo import limits
from napari_sr.zoo.bioimage.contents import is_package, open_contents
from napari_sr.zoo.limits import RefusedError

FILES = {"rdf.yaml": b"type: model", "weights/a.onnx": b"weights"}


def test_files_of_an_archive_are_read_after_comparing_their_hashes(tmp_path):
    path = write(tmp_path / "a.zip", {f"inner/{name}": one for name, one in FILES.items()})

    contents = open_contents(path)

    assert contents.read("rdf.yaml") == b"type: model"
    assert contents.read("weights/a.onnx", sha(b"weights").upper()) == b"weights"
    assert contents.sha256 == sha(path.read_bytes())
    with pytest.raises(RefusedError, match=r"the sha256 of inner/weights/a.onnx must be 00, got"):
        contents.read("weights/a.onnx", "00")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../secret", "outside the package: '../secret'"),
        ("a/../../secret", "outside the package"),
        ("/etc/passwd", "outside the package"),
        ("..\\secret", "outside the package"),
        ("C:secret", "outside the package"),
        (["a"], "outside the package"),
        (None, "outside the package"),
        ("https://example.org/a.onnx", "nothing is downloaded"),
        ("missing.onnx", "lacks the file missing.onnx"),
        ("link", "outside the package"),
        ("folder/secret", "outside the package"),
    ],
)
@pytest.mark.parametrize("kind", ["a.zip", "a"])
def test_no_path_leads_out_of_a_package(tmp_path, kind, name, words):
    (tmp_path / "secret").write_bytes(b"secret")
    path = write(tmp_path / kind, {"rdf.yaml": b"type: model"})
    if path.is_dir():
        os.symlink(tmp_path / "secret", path / "link")
        os.symlink(tmp_path, path / "folder")
    elif name in ("link", "folder/secret"):
        with zipfile.ZipFile(path, "a") as archive:
            entry = zipfile.ZipInfo("link")
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, "../secret")
        if name == "link":  # a link in an archive is a file that contains a path
            assert open_contents(path).read(name) == b"../secret"
            return
        words = "lacks the file folder/secret"

    with pytest.raises(RefusedError, match=words):
        open_contents(path).read(name)


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "LEAST_BYTES", 1 << 20)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rdf.yaml", b"type: model")
        archive.writestr("zeros", bytes(2 << 20))

    with pytest.raises(RefusedError, match=r"unpack to 2.0 MiB, but only 1.0 MiB are allowed"):
        open_contents(path)


def test_a_description_may_not_be_large(tmp_path):
    path = write(tmp_path / "a", {"rdf.yaml": b"#" * (1 << 20) + b"\n"})

    with pytest.raises(RefusedError, match=r"rdf.yaml has 1.0 MiB, and at most 1.0 MiB"):
        open_contents(path)


def test_packages_are_told_from_other_files(tmp_path):
    other = write(tmp_path / "other.zip", {"a/b/rdf.yaml": b"", "4x.pth": b""})
    empty = write(tmp_path / "empty", {})
    text = tmp_path / "a.txt"
    text.write_text("PK\x03\x04 but no archive")

    assert [is_package(one) for one in (other, empty, text, tmp_path / "none")] == [False] * 4
    for name in ("b.zip", "b"):
        assert is_package(write(tmp_path / name, FILES))
    with pytest.raises(RefusedError, match="no model package"):
        open_contents(other)
