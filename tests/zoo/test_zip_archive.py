from __future__ import annotations

import io
import tracemalloc
import zipfile
import zlib

import pytest

from napari_sr.zoo import zip_archive
from napari_sr.zoo.limits import RefusedError
from napari_sr.zoo.zip_archive import ZipArchive


def packed(members, method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_are_read_by_name(method):
    archive = ZipArchive(packed([("a/b", b"hello"), ("folder/", b"")], method))

    assert archive.names == ["a/b"]
    assert archive.size_of("a/b") == 5
    assert archive.read("a/b") == b"hello"


def test_an_archive_that_unpacks_to_too_much_is_refused_unread():
    data = packed([("a", bytes(1 << 20))] * 1, zipfile.ZIP_DEFLATED)
    # the directory at the file's end tells sizes; one says 1 TiB
    at = data.index(b"PK\x01\x02")
    lying = data[: at + 24] + (0xFFFFFFF0).to_bytes(4, "little") + data[at + 28 :]

    with pytest.raises(RefusedError, match=r"unpack to 4\.0 GiB"):
        ZipArchive(lying)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_that_cannot_be_bounded_is_refused(method):
    archive = ZipArchive(packed([("a", bytes(1000))], method))

    with pytest.raises(RefusedError, match=f"'a' is compressed by method {method}"):
        archive.read("a")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused():
    with pytest.raises(RefusedError, match="the file 'a' twice"):
        ZipArchive(packed([("a", b"1"), ("a", b"2")]))


def test_too_many_members_are_refused_before_they_are_listed(monkeypatch):
    monkeypatch.setattr(zip_archive, "MOST_MEMBERS", 2)

    with pytest.raises(RefusedError, match="a zip archive of more than 2 files"):
        ZipArchive(packed([(str(name), b"") for name in range(3)]))


def test_a_damaged_member_is_noticed():
    data = packed([("a", b"hello")])

    with pytest.raises(zipfile.BadZipFile, match="CRC"):
        ZipArchive(data.replace(b"hello", b"hellp", 1)).read("a")


def test_a_member_without_a_checksum_is_read():
    data = packed([("a", b"hello")])
    checksum = zlib.crc32(b"hello").to_bytes(4, "little")

    assert ZipArchive(data.replace(checksum, bytes(4))).read("a") == b"hello"


def test_a_missing_member_is_named():
    with pytest.raises(RefusedError, match="its part 'b' is missing"):
        ZipArchive(packed([("a", b"")])).read("b")


def test_a_member_unpacks_to_no_more_than_the_directory_tells():
    data = bytearray(packed([("a", bytes(64 << 20))], zipfile.ZIP_DEFLATED))
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    archive = ZipArchive(bytes(data))

    tracemalloc.start()
    with pytest.raises(zipfile.BadZipFile, match="CRC"):
        archive.read("a")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 1 << 20
