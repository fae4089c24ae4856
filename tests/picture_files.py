"""Picture files of rare and broken kinds, built from their parts."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache
from typing import Any

import av
import numpy as np
from PIL import Image

from tests.not_none import not_none

TEAL = (0, 128, 128)


def encode(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def chunk(kind: bytes, data: bytes, check: int | None = None) -> bytes:
    """Of a PNG; with a check sum of one's own."""
    check = zlib.crc32(kind + data) if check is None else check
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def png(
    *side: bytes,
    after: bytes = b"",
    size: tuple[int, int] = (8, 8),
    bits: int = 8,
    rows: bytes = b"",
) -> bytes:
    """RGB, teal all over, with further chunks before and behind its pixels."""
    width, height = size
    rows = rows or (b"\0" + bytes(TEAL) * width) * height
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(rows))
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + header + b"".join(side) + pixels + after + chunk(b"IEND", b"")


def jpeg(
    *segments: bytes, size: tuple[int, int] = (64, 64), colour: Any = (180, 120, 50), **options: Any
) -> bytes:
    """With further segments right behind its start."""
    data = encode(Image.new("RGB", size, colour), "JPEG", **options)
    return data[:2] + b"".join(segments) + data[2:]


def segment(marker: int, body: bytes = b"") -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(body)) + body


def tiff(
    pixels: np.ndarray, tags: dict[int, Any], big: bool = False, order: str = "<", cut: int = 0
) -> bytes:
    """One strip, not compressed unless `tags` say so; bytes of `pixels` as they are."""
    data = pixels.tobytes()[: pixels.nbytes - cut]
    height, width = pixels.shape[:2]
    start = 16 if big else 8
    values = {
        256: width,
        257: height,
        258: [8 * pixels.itemsize] * (pixels.shape[2] if pixels.ndim == 3 else 1),
        259: 1,
        262: 2 if pixels.ndim == 3 else 1,
        273: start,
        277: pixels.shape[2] if pixels.ndim == 3 else 1,
        278: height,
        279: pixels.nbytes,
        **tags,
    }
    mark = {"<": b"II", ">": b"MM"}[order]
    place = start + len(data)
    if big:
        head = mark + struct.pack(order + "HHHQ", 43, 8, 0, place)
    else:
        head = mark + struct.pack(order + "HI", 42, place)
    word, count, room = ("Q", "Q", 8) if big else ("I", "H", 4)
    entries, extra = b"", b""
    after = place + struct.calcsize(count) + len(values) * (20 if big else 12) + room
    for tag in sorted(values):
        numbers = values[tag] if isinstance(values[tag], list) else [values[tag]]
        short = max(numbers) < 65536
        body = struct.pack(f"{order}{len(numbers)}{'H' if short else 'I'}", *numbers)
        entries += struct.pack(order + "HH" + word, tag, 3 if short else 4, len(numbers))
        if len(body) > room:
            entries += struct.pack(order + word, after + len(extra))
            extra += body
        else:
            entries += body.ljust(room, b"\0")
    return head + data + struct.pack(order + count, len(values)) + entries + bytes(room) + extra


def bmp(
    pixels: bytes, *, size: tuple[int, int], bits: int, packing: int, masks: bytes = b""
) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, *size, 1, bits, packing, len(pixels), 2835, 2835, 0, 0)
    start = 14 + len(header) + len(masks)
    file = b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start)
    return file + header + masks + pixels


def profile(name: str) -> bytes:
    """A colour profile (ICC.1, version 2): "swap" takes red for blue, "wide" has Display P3's
    primaries, "grey" is a grey in linear light, and "ink" prints cyan as a dull blue."""
    d50 = _xyz(0.9642, 1.0, 0.8249)
    red, green, blue = _SRGB if name != "wide" else _P3
    if name == "swap":
        red, blue = blue, red
    curve = b"curv\0\0\0\0\0\0\0\1" + struct.pack(">H", 256 if name == "grey" else 563) + b"\0\0"
    if name == "grey":
        return _icc(b"mntr", b"GRAY", b"XYZ ", {b"wtpt": d50, b"kTRC": curve})
    colours = {b"rXYZ": _xyz(*red), b"gXYZ": _xyz(*green), b"bXYZ": _xyz(*blue)}
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    return _icc(b"mntr", b"RGB ", b"XYZ ", {b"wtpt": d50, **colours, **curves})


# Full red, green and blue under D50.
_SRGB = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
_P3 = ((0.5151, 0.2412, -0.0011), (0.2919, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))


def _xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def ink_profile() -> bytes:
    """Of a printer, with a table: each ink alone makes Lab's lightness fall; nothing has hue."""
    grid = np.indices((2, 2, 2, 2)).reshape(4, -1).sum(axis=0)
    lab = np.stack([255 - 60 * grid, np.full(16, 128), np.full(16, 128)], axis=1)
    identity = struct.pack(">9i", *(65536 if place % 4 == 0 else 0 for place in range(9)))
    ramp = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + identity + ramp * 4
    table += lab.clip(0, 255).astype(np.uint8).tobytes() + ramp * 3
    return _icc(b"prtr", b"CMYK", b"Lab ", {b"wtpt": _xyz(0.9642, 1.0, 0.8249), b"A2B0": table})


def _icc(kind: bytes, space: bytes, connected: bytes, tags: dict[bytes, bytes]) -> bytes:
    place = 132 + 12 * len(tags)
    table, bodies = struct.pack(">I", len(tags)), b""
    for name, body in tags.items():
        table += name + struct.pack(">II", place + len(bodies), len(body))
        bodies += body.ljust(-(-len(body) // 4) * 4, b"\0")
    head = struct.pack(">I4xI", 128 + len(table) + len(bodies), 0x02100000)
    head += kind + space + connected + bytes(12) + b"acsp" + bytes(28)
    head += struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + bodies


def heic(
    colour: tuple[int, int, int] = (180, 120, 50),
    *,
    size: tuple[int, int] = (96, 64),
    brands: tuple[bytes, ...] = (b"heic", b"mif1", b"heic"),
    claims: tuple[int, int] | None = None,
    properties: tuple[bytes, ...] = (),
) -> bytes:
    """One picture in HEVC. It may claim another size, and have further properties."""
    settings, frame = _hevc(colour, size)
    ispe = box(b"ispe", bytes(4) + struct.pack(">II", *(claims or size)))
    all_properties = (box(b"hvcC", settings), ispe, *properties)
    places = bytes(0x80 | place for place in range(1, len(all_properties) + 1))
    ipma = bytes(4) + struct.pack(">IHB", 1, 1, len(places)) + places
    item = box(b"infe", b"\2\0\0\0" + struct.pack(">HH", 1, 0) + b"hvc1\0")
    fixed = (
        box(b"hdlr", bytes(8) + b"pict" + bytes(13)),
        box(b"pitm", bytes(4) + struct.pack(">H", 1)),
        box(b"iinf", bytes(4) + struct.pack(">H", 1) + item),
        box(b"iprp", box(b"ipco", b"".join(all_properties)) + box(b"ipma", ipma)),
    )
    start = box(b"ftyp", brands[0] + bytes(4) + b"".join(brands[1:]))
    room = len(start) + 12 + sum(map(len, fixed)) + 8 + 4 + 2 + 2 + 14 + 8
    place = struct.pack(">BBH", 0x44, 0, 1) + struct.pack(">HHHII", 1, 0, 1, room, len(frame))
    meta = box(b"meta", bytes(4) + b"".join((*fixed, box(b"iloc", bytes(4) + place))))
    return start + meta + box(b"mdat", frame)


def box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", 8 + len(data)) + kind + data


@cache
def _hevc(colour: tuple[int, int, int], size: tuple[int, int]) -> tuple[bytes, bytes]:
    """The settings and the one frame, as they stand in an MP4."""
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        options = {"x265-params": "log-level=none:keyint=1:info=0", "crf": "4"}
        track = container.add_stream("libx265", rate=1, options=options)
        track.width, track.height, track.pix_fmt = *size, "yuv420p"
        pixels = np.full((size[1], size[0], 3), colour, np.uint8)
        container.mux(track.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(track.encode(None))
    with av.open(io.BytesIO(stream.getvalue()), "r") as container:
        packet = next(container.demux(container.streams.video[0]))
        settings = not_none(container.streams.video[0].codec_context.extradata)
        return bytes(settings), bytes(packet)
