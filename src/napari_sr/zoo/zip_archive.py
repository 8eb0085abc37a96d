"""Read zip archives, such as .npz and .pth files, within limits.

Only stored and deflated members are read; other methods could unpack without a limit.
"""

from __future__ import annotations

import io
import zipfile

from napari_sr.zoo.limits import RefusedError, check_unpacked

MOST_MEMBERS = 100_000
_MEMBER = b"PK\x01\x02"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class ZipArchive:
    """A zip archive in memory.

    Parameters
    ----------
    data : bytes
        The whole file.

    Raises
    ------
    RefusedError
        If the archive has too many members, two members of the same name, or too much content.
    zipfile.BadZipFile, ValueError, OSError
        If the archive is damaged.
    """

    def __init__(self, data: bytes) -> None:
        if data.count(_MEMBER) > MOST_MEMBERS:
            raise RefusedError(
                f"is not a checkpoint: it is a zip archive of more than {MOST_MEMBERS:,} files"
            )
        self.size = len(data)
        self._archive = zipfile.ZipFile(io.BytesIO(data))
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in self._archive.infolist():
            if member.filename in self._members:
                raise RefusedError(
                    f"is not a checkpoint: its zip archive has the file {member.filename!r} twice"
                )
            self._members[member.filename] = member
        check_unpacked(sum(one.file_size for one in self._members.values()), len(data))

    @property
    def names(self) -> list[str]:
        """Names of all files inside; folders are left out."""
        return [name for name, one in self._members.items() if not one.is_dir()]

    def size_of(self, name: str) -> int:
        """Return the unpacked size of a member in bytes.

        Raises
        ------
        RefusedError
            If no member has this name.
        """
        return self._member(name).file_size

    def read(self, name: str) -> bytes:
        """Return the content of a member after verifying its checksum.

        Raises
        ------
        RefusedError
            If no member has this name, or it is compressed by an unusual method.
        zipfile.BadZipFile, zlib.error, EOFError, RuntimeError
            If the member is damaged or encrypted.
        """
        member = self._member(name)
        if member.compress_type not in _METHODS:
            raise RefusedError(
                f"is not a checkpoint: its part {name!r} is compressed by method "
                f"{member.compress_type}, and only methods 0 (stored) and 8 (deflated) are allowed"
            )
        if member.CRC == 0:  # PyTorch can be set to write no checksums
            member.CRC = None  # type: ignore[assignment]  # zipfile then checks nothing
        with self._archive.open(member) as file:
            # without a limit, more would be unpacked than the directory states
            return file.read(member.file_size)

    def _member(self, name: str) -> zipfile.ZipInfo:
        if name not in self._members:
            raise RefusedError(f"is damaged: its part {name!r} is missing")
        return self._members[name]
