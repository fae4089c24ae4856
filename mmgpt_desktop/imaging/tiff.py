"""The few tags of a TIFF's first page that say what it would cost to decode (TIFF 6.0, BigTIFF)."""

from __future__ import annotations

import struct
from typing import BinaryIO

from mmgpt_desktop.imaging.repair import size_of

WIDTH, HEIGHT, BITS, COMPRESSION, SAMPLES = 256, 257, 258, 259, 277
_SUBFILE, _MAKE, _SUB_PAGES, _DNG = 254, 271, 330, 50706
_ROWS, _TILE_WIDTH, _TILE_HEIGHT = 278, 322, 323
_OFFSETS, _COUNTS = (273, 324), (279, 325)
_TYPES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_SAMPLE_FORMAT = 339
_USUAL = (1, 5, 8, 32773, 32946)  # not packed, LZW, deflate, PackBits, deflate by its old number
_MOST_TAGS = 4096
_MOST_VALUES = 1 << 20
_SPARE = 4 << 20  # pixels: a tile may be larger than a small picture

Tags = dict[int, tuple[int, ...]]


def read_tags(stream: BinaryIO) -> Tags:
    """Whole numbers of the first page; (0,) for a tag with other values. Empty for no TIFF."""
    stream.seek(0)
    head = stream.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"+\0", b"\0+")
    count_format, entry, value_format = ("Q", 20, "Q") if big else ("H", 12, "I")
    try:
        (place,) = struct.unpack_from(order + value_format, head, 8 if big else 4)
        stream.seek(place)
        (count,) = struct.unpack(order + count_format, stream.read(struct.calcsize(count_format)))
        entries = stream.read(entry * min(count, _MOST_TAGS))
        return dict(
            _tag(stream, entries[start : start + entry], order, value_format)
            for start in range(0, len(entries) - entry + 1, entry)
        )
    except (struct.error, OSError, ValueError, OverflowError):
        return {}


def _tag(
    stream: BinaryIO, entry: bytes, order: str, value_format: str
) -> tuple[int, tuple[int, ...]]:
    tag, kind, count = struct.unpack_from(order + "HH" + value_format, entry)
    if kind not in _TYPES or not 0 < count <= _MOST_VALUES:
        return tag, (0,)
    values = order + str(count) + _TYPES[kind]
    size, room = struct.calcsize(values), struct.calcsize(value_format)
    data = entry[-room:]
    if size > room:
        stream.seek(struct.unpack(order + value_format, data)[0])
        data = stream.read(size)
    return tag, struct.unpack(values, data[:size])


def is_raw(tags: Tags) -> bool:
    """A camera's raw photo: its first page is but a preview, or it says so."""
    preview = bool(tags.get(_SUBFILE, (0,))[0] & 1)
    return _DNG in tags or (preview and _MAKE in tags and _SUB_PAGES in tags)


def is_usual(tags: Tags) -> bool:
    """Packed in a way that each reader knows: what goes wrong then is damage."""
    return first(tags, COMPRESSION, 1) in _USUAL


def is_unsigned(tags: Tags) -> bool:
    return first(tags, BITS) == 32 and first(tags, _SAMPLE_FORMAT, 1) == 1


def tile_fits(tags: Tags) -> bool:
    """Whether its pieces are no larger than such a picture needs."""
    width, height = first(tags, WIDTH), first(tags, HEIGHT)
    tile = first(tags, _TILE_WIDTH) * first(tags, _TILE_HEIGHT)
    return tile <= 4 * width * height + _SPARE and first(tags, SAMPLES, 1) <= 64


def first(tags: Tags, tag: int, otherwise: int = 0) -> int:
    return tags.get(tag, (otherwise,))[0]


def is_whole(stream: BinaryIO, tags: Tags) -> bool:
    """Whether all of its strips or tiles lie in the file."""
    for offsets, counts in zip(_OFFSETS, _COUNTS, strict=True):
        if offsets in tags and counts in tags:
            ends = map(sum, zip(tags[offsets], tags[counts], strict=False))
            return max(ends) <= size_of(stream)
    return False
