"""A zip from anywhere, read warily: its list, and each member, may say anything about itself."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PIECE = 1 << 20
_MOST_MEMBERS = 2000
# BZIP2 and LZMA would unpack a whole block, of gigabytes if need be, before a byte is counted.
_KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 1  # among a member's flags


class _InPieces(io.BufferedReader):
    """No part is read in one piece of more than a megabyte, the list of members neither."""

    def read(self, size: int | None = -1) -> bytes:
        wanted = _PIECE + 1 if size is None or size < 0 else size
        data = super().read(min(wanted, _PIECE + 1))
        if len(data) > _PIECE:
            raise zipfile.BadZipFile("a part of more than a megabyte")
        return data


class Archive:
    """Raises what zipfile raises, and ValueError, for what a session can't be."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members = {info.filename: info for info in archive.infolist()}
        if len(archive.infolist()) > _MOST_MEMBERS:
            raise ValueError("too many members")

    def size(self, name: str) -> int:
        """As it is declared, and never exceeded; 0 for one that isn't there."""
        info = self._members.get(name)
        return info.file_size if info is not None else 0

    @property
    def unpacked(self) -> int:
        return sum(info.file_size for info in self._members.values())

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def read(self, name: str) -> bytes:
        """A whole member, of no more bytes than were declared."""
        data = self.head(name, self.size(name) + 1)
        if len(data) != self.size(name):
            raise ValueError(f"{name!r} is not of the size that it says")
        return data

    def head(self, name: str, size: int) -> bytes:
        """The first bytes of a member."""
        info = self._members.get(name)
        if info is None or info.compress_type not in _KINDS or info.flag_bits & _ENCRYPTED:
            raise ValueError(f"no member {name!r} that can be read")
        data = bytearray()
        with self._archive.open(info) as stream:
            while piece := stream.read(min(_PIECE, size - len(data))):
                data += piece
        return bytes(data)


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    with _InPieces(io.FileIO(path)) as file, zipfile.ZipFile(file) as archive:
        yield Archive(archive)


def is_zip(path: Path) -> bool:
    """By how it begins."""
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"
