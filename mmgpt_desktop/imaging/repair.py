"""A PNG or a JPEG without what isn't needed for its pixels, so that broken or endless notes in it
can't keep it from opening. Nothing is copied but a few headers."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

MOST_PROFILE = 16 << 20  # bytes of a colour profile
_MOST_SIDE = 1 << 20  # bytes of another piece that is kept
_MOST_CHUNKS = 200_000
_SCAN = 1 << 20

Piece = bytes | tuple[int, int]  # bytes, or where in the file and how many


class Pieces(io.RawIOBase):
    """Parts of a file, and bytes between them, as one file. The file must stay open."""

    def __init__(self, stream: BinaryIO, pieces: list[Piece]) -> None:
        self._stream, self._place = stream, 0
        self._pieces = [(piece, _length(piece)) for piece in pieces if _length(piece)]
        self._whole = sum(length for _, length in self._pieces)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._whole}[whence]
        self._place = max(0, base + offset)
        return self._place

    def readinto(self, buffer: Any) -> int:
        start = 0
        for piece, length in self._pieces:
            if self._place < start + length:
                data = self._part(piece, self._place - start, min(length, len(buffer)))
                break
            start += length
        else:
            return 0
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)

    def _part(self, piece: Piece, offset: int, most: int) -> bytes:
        if isinstance(piece, bytes):
            return piece[offset : offset + most]
        place, length = piece
        self._stream.seek(place + offset)
        return self._stream.read(min(length - offset, most))


def _length(piece: Piece) -> int:
    return len(piece) if isinstance(piece, bytes) else piece[1]


def joined(stream: BinaryIO, pieces: list[Piece]) -> BinaryIO:
    """Neighbours in the file are read as one: a PNG may have many thousands."""
    merged: list[Piece] = []
    for piece in pieces:
        last = merged[-1] if merged else b""
        if isinstance(piece, tuple) and isinstance(last, tuple) and sum(last) == piece[0]:
            merged[-1] = (last[0], last[1] + piece[1])
        else:
            merged.append(piece)
    return io.BufferedReader(Pieces(stream, merged))


def size_of(stream: BinaryIO) -> int:
    place = stream.tell()
    size = stream.seek(0, io.SEEK_END)
    stream.seek(place)
    return size


# PNG: https://www.w3.org/TR/png-3/

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PICTURE = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_MOVING = (b"acTL", b"fcTL", b"fdAT")
_CLEAR = {0: (2,), 2: (6,), 3: range(1, 257)}  # bytes of tRNS for grey, RGB and a palette
_SIDE = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1}  # and how many bytes they have


@dataclass
class _Chunk:
    kind: bytes
    place: int  # of its length field
    size: int  # of its data

    @property
    def piece(self) -> Piece:
        return self.place, 12 + self.size


@dataclass
class PngColours:
    """What Pillow doesn't tell, or not if it is large."""

    profile: bytes = b""
    numbers: bytes = b""  # of cICP: primaries, transfer, matrix, range


def tidy_png(stream: BinaryIO, *, moving: bool = True) -> tuple[BinaryIO, PngColours]:
    """A PNG without texts and without what has a wrong check sum, and its colours.

    Orientation comes first, wherever it stood. Of an animation what isn't `moving` is the still.
    """
    before: list[Piece] = []
    pieces: list[Piece] = []
    colours = PngColours()
    samples, still_came = -1, False
    for chunk in _chunks(stream):
        if chunk.kind in _PICTURE or (moving and chunk.kind in _MOVING):
            pieces.append(chunk.piece)
            if chunk.kind == b"IHDR":
                header = _data(stream, chunk, 13) or b""
                samples = header[9] if len(header) == 13 else -1
            still_came |= chunk.kind == b"IDAT"
        elif chunk.kind == b"tRNS":
            fits = chunk.size in _CLEAR.get(samples, ())
            pieces += [chunk.piece] if fits and _data(stream, chunk, 512) else []
        elif chunk.size == _SIDE.get(chunk.kind):
            pieces += [chunk.piece] if _data(stream, chunk, 512) else []
        elif chunk.kind == b"eXIf" and not before:
            before = [chunk.piece] if _data(stream, chunk, _MOST_SIDE) else []
        elif chunk.kind == b"iCCP" and not colours.profile and not still_came:
            colours.profile = _png_profile(_data(stream, chunk, MOST_PROFILE))
        elif chunk.kind == b"cICP" and chunk.size == 4:
            colours.numbers = _data(stream, chunk, 4) or b""
    return joined(stream, [_SIGNATURE, *pieces[:1], *before, *pieces[1:]]), colours


def _chunks(stream: BinaryIO) -> Iterator[_Chunk]:
    """Up to the end, or to where it is no PNG any more. The last one may lack its end."""
    place = len(_SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        stream.seek(place)
        header = stream.read(8)
        if len(header) < 8 or not header[4:].isalpha():
            return
        chunk = _Chunk(header[4:], place, int.from_bytes(header[:4], "big"))
        yield chunk
        if chunk.kind == b"IEND":
            return
        place += 12 + chunk.size


def _data(stream: BinaryIO, chunk: _Chunk, most: int) -> bytes | None:
    """Of a chunk that is whole and no larger than it may be; None for another."""
    if chunk.size > most:
        return None
    stream.seek(chunk.place + 4)
    data = stream.read(4 + chunk.size)
    sound = struct.pack(">I", zlib.crc32(data)) == stream.read(4)
    return data[4:] if sound else None


def _png_profile(data: bytes | None) -> bytes:
    if not data:
        return b""
    packed = data.partition(b"\0")[2][1:]
    try:
        return zlib.decompressobj().decompress(packed, MOST_PROFILE)
    except zlib.error:
        return b""


# WebP: https://developers.google.com/speed/webp/docs/riff_container

_BEGUN = {b"VP8 ": (3, b"\x9d\x01\x2a"), b"VP8L": (0, b"\x2f")}  # a frame's mark, and where


def tidy_webp(stream: BinaryIO) -> tuple[BinaryIO, int]:
    """A WebP up to where it is cut, and of an animation the frames before a broken one; and how
    many frames there are to be, 0 for a still. Its decoder takes what is whole alone."""
    end, pieces, frames, place = size_of(stream), list[Piece](), 0, 12
    stream.seek(4)
    cut, bad = 8 + int.from_bytes(stream.read(4), "little") > end, False
    for _ in range(_MOST_CHUNKS):
        stream.seek(place)
        kind, size = stream.read(4), int.from_bytes(stream.read(4), "little")
        if place + 8 > end:
            break
        whole = place + 8 + size <= end
        if kind == b"ANMF":
            frames += 1
            bad |= not whole or not _is_webp_frame(stream, place + 24, place + 8 + size)
        if whole and not (bad and kind == b"ANMF"):
            pieces += [(place, 8 + size), bytes(size % 2)]
        place += 8 + size + size % 2
    if not (cut or bad):
        return stream, frames
    length = 4 + sum(map(_length, pieces))
    return joined(stream, [b"RIFF", struct.pack("<I", length), b"WEBP", *pieces]), frames


def _is_webp_frame(stream: BinaryIO, place: int, end: int) -> bool:
    """Whether there is a picture as it should begin, behind its alpha."""
    while place + 8 <= end:
        stream.seek(place)
        kind, size = stream.read(4), int.from_bytes(stream.read(4), "little")
        if kind in _BEGUN:
            skipped, mark = _BEGUN[kind]
            begun = stream.read(skipped + len(mark))[skipped:] == mark
            return begun and place + 8 + size <= end
        place += 8 + size + size % 2
    return False


# JPEG: ITU-T T.81; https://www.w3.org/Graphics/JPEG/itu-t81.pdf

_EOI = b"\xff\xd9"
_MOST_SCANS = 256 << 20
_SIZED = {*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF, *range(0xE0, 0xF0), 0xFE}
_TABLES = (0xC4, 0xC8, 0xCC)  # among the frames' numbers, but no frames
_READ = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)  # Huffman or arithmetic, in one frame, with loss


@dataclass
class JpegFacts:
    """What is to be known before a JPEG is decoded."""

    progressive: bool = False
    odd: bool = False  # a way of storing pixels that isn't read
    cut: bool = False  # the file ends before the picture does
    coarse: bool = False  # and scans that would refine it are missing
    components: int = 0


def tidy_jpeg(stream: BinaryIO, more: bytes = b"") -> tuple[BinaryIO, JpegFacts]:
    """A JPEG without comments, previews and segments too short for what they claim to be.

    One that lacks its end gets `more` and an end, so that what is there is decoded. A height that
    stands behind the rows (DNL) comes first.
    """
    facts, sides, tables = JpegFacts(), list[Piece](), list[Piece]()
    stream.seek(2)
    while (marker := _next_marker(stream)) is not None:
        place = stream.tell()
        if marker == 0xD9:
            break
        if marker not in _SIZED:
            continue
        size = int.from_bytes(stream.read(2), "big")
        if size < 2:
            stream.seek(place)
            continue
        body = stream.read(size - 2)
        if marker == 0xDA:
            pieces = [b"\xff\xd8", *sides, *tables, b"\xff\xda", *_rows(stream, place, facts)]
            return joined(stream, [*pieces, (more + _EOI) * facts.cut]), facts
        segment = bytes((0xFF, marker, size >> 8, size & 255)) + body
        if marker >= 0xE0:
            sides += [segment] if _needed(marker, body) else []
        elif 0xC0 <= marker < 0xD0 and marker not in _TABLES:
            tables.append(_frame(stream, segment, facts))
        else:
            tables.append(segment)
    return joined(stream, [b"\xff\xd8", *sides, *tables, _EOI]), facts


def _next_marker(stream: BinaryIO) -> int | None:
    """The next byte after FF that is neither FF nor 0; what stands before is junk."""
    before = b""
    while byte := stream.read(1):
        if before == b"\xff" and byte not in (b"\0", b"\xff"):
            return byte[0]
        before = byte
    return None


def _needed(marker: int, body: bytes) -> bool:
    starts = {0xE0: (b"JFIF\0", 14), 0xE1: (b"Exif\0\0", 14), 0xE2: (b"ICC_PROFILE\0", 15)}
    start, least = {**starts, 0xEE: (b"Adobe", 12)}.get(marker, (b"", 1 << 16))
    return body.startswith(start) and len(body) >= least


def _frame(stream: BinaryIO, segment: bytes, facts: JpegFacts) -> bytes:
    """A frame's header, with its height."""
    marker = segment[1]
    facts.progressive = marker in (0xC2, 0xCA)
    usual = segment[4:5] == b"\x08" and segment[9:10] in (b"\1", b"\3", b"\4")  # bits, components
    facts.odd |= marker not in _READ or not usual
    facts.components = segment[9] if usual else 0
    if segment[5:7] == b"\0\0":
        place = stream.tell()
        found = _find(stream, re.compile(rb"\xff\xdc\x00\x04(..)", re.DOTALL))
        stream.seek(place)
        segment = segment[:5] + (found.group(1) if found else b"\0\0") + segment[7:]
    return segment


def _rows(stream: BinaryIO, scan: int, facts: JpegFacts) -> list[Piece]:
    """All from the first scan on."""
    stream.seek(scan)
    facts.cut = _find(stream, re.compile(re.escape(_EOI))) is None
    end = size_of(stream)
    if facts.cut:
        end = _whole_until(stream, scan, end)
        facts.coarse = facts.progressive and _lacks_scans(stream, scan, facts.components)
    return [(scan, end - scan)]


def _lacks_scans(stream: BinaryIO, scan: int, components: int) -> bool:
    """Whether the last bit of the finest details of some component never begins."""
    stream.seek(scan)
    data = stream.read(_MOST_SCANS)
    # One component; up to coefficient 63; at once or as a refinement, to the last bit.
    finest = re.findall(rb"\xff\xda\x00\x08\x01...\x3f[\x00\x10]", data, re.DOTALL)
    return len(finest) < components


def _whole_until(stream: BinaryIO, scan: int, end: int) -> int:
    """Without a segment between two scans that is cut in its middle."""
    start = max(scan, end - (1 << 16) - 4)
    stream.seek(start)
    tail = stream.read(end - start)
    for found in re.finditer(rb"\xff[\xc4\xda\xdb\xdd\xe0-\xef\xfe](..)?", tail, re.DOTALL):
        size = int.from_bytes(found.group(1) or b"\xff\xff", "big")
        if start + found.start() + 2 + size > end:
            return start + found.start()
    return end


def _find(stream: BinaryIO, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
    """From where the stream stands."""
    tail = b""
    while block := stream.read(_SCAN):
        if found := pattern.search(tail + block):
            return found
        tail = block[-8:]
    return None
