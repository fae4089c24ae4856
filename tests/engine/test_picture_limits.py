"""A header that claims far more than its file holds makes nobody allocate it."""

from __future__ import annotations

import io
import struct
from types import SimpleNamespace
from typing import Any

import numpy as np
import pi_heif.as_plugin
import pylibjxl
import pytest
from PIL import AvifImagePlugin, Image, WebPImagePlugin
from PySide6.QtGui import QImageReader

from mmgpt_desktop.errors import ImageError
from mmgpt_desktop.imaging.images import photo_from_bytes
from tests.picture_files import bmp, encode, heic, jpeg, png, tiff

SIDE = 6100  # squared it is fewer pixels than any usual kind's limit


def with_size(data: bytes, place: int, width: int, height: int, form: str = ">HH") -> bytes:
    return data[:place] + struct.pack(form, width, height) + data[place + struct.calcsize(form) :]


def large_jpeg(width: int, height: int, **options: Any) -> bytes:
    data = jpeg(**options)
    place = data.index(b"\xff\xc2" if options else b"\xff\xc0") + 5
    return with_size(data, place, height, width)


def large_tiff(width: int, height: int, **tags: int) -> bytes:
    sizes = {256: width, 257: height, 278: height}
    return tiff(
        np.zeros((8, 8, 3), np.uint8), {**sizes, **{int(k[1:]): v for k, v in tags.items()}}
    )


def lossless_webp(width: int, height: int) -> bytes:
    bits = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return b"RIFF\x1a\0\0\0WEBPVP8L\x0e\0\0\0\x2f" + bits + bytes(9)


def extended_webp(width: int, height: int) -> bytes:
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    inside = lossless_webp(width, height)[12:]
    return b"RIFF\x2c\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + size + inside


def lossy_webp(width: int, height: int) -> bytes:
    data = encode(Image.new("RGB", (16, 16)), "WEBP")
    return with_size(data, data.index(b"\x9d\x01\x2a") + 3, width, height, "<HH")


def gif(width: int, height: int) -> bytes:
    size = struct.pack("<HH", width, height)
    return b"GIF89a" + size + b"\x80\0\0" + bytes(6) + b",\0\0\0\0" + size + b"\0\2\2\x44\1\0;"


def avif(width: int, height: int) -> bytes:
    data = encode(Image.new("RGB", (16, 16)), "AVIF")
    return with_size(data, data.index(b"ispe") + 8, width, height, ">II")


def icon(inside: bytes) -> bytes:
    entry = bytes((0, 0, 0, 0, 1, 0, 32, 0)) + struct.pack("<II", len(inside), 22)
    return b"\0\0\1\0\1\0" + entry + inside


def mac_icon(inside: bytes) -> bytes:
    parts = b"ic10" + struct.pack(">I", 8 + len(inside)) + inside
    return b"icns" + struct.pack(">I", 8 + len(parts)) + parts


def dib(side: int) -> bytes:
    return struct.pack("<IiiHHIIiiII", 40, side, 2 * side, 1, 32, *[0] * 6) + bytes(64)


def tga(width: int, height: int, packing: int) -> bytes:
    return (
        bytes((0, 0, packing)) + bytes(9) + struct.pack("<HH", width, height) + b"\x18" + bytes(99)
    )


CLAIMS = {
    "jpeg": large_jpeg(SIDE, SIDE),
    "jpeg, largest": large_jpeg(65_000, 65_000),
    "jpeg, progressive": large_jpeg(11_000, 11_000, progressive=True),
    "png": png(size=(SIDE, SIDE), rows=bytes(99)),
    "gif": gif(60_000, 1600),
    "webp": lossless_webp(SIDE, SIDE),
    "webp, largest": lossless_webp(16_383, 16_383),
    "webp, canvas": extended_webp(SIDE, SIDE),
    "webp, lossy": lossy_webp(SIDE, SIDE),
    "avif": avif(SIDE, SIDE),
    "heic": heic(claims=(SIDE, SIDE)),
    "heic, larger": heic(claims=(30_000, 30_000)),
    "heic, brands": b"\xff\xff\xff\xffftypheim" + heic()[12:],
    "tiff": large_tiff(SIDE, SIDE),
    "tiff, packed": large_tiff(SIDE, SIDE, t259=8),
    "tiff, kind for Qt": large_tiff(SIDE, SIDE, t259=6),
    "tiff, tile": large_tiff(8, 8, t322=46_000, t323=46_000),
    "tiff, tile for Qt": large_tiff(8, 8, t322=46_000, t323=46_000, t259=6),
    "tiff, no page": b"II*\0\xff\xff\0\0",
    "big tiff": tiff(np.zeros((8, 8, 3), np.uint8), {256: SIDE, 257: SIDE}, big=True, order=">"),
    "bmp": bmp(bytes(99), size=(SIDE, SIDE), bits=24, packing=0),
    "bmp, runs": bmp(bytes(99), size=(9900, 9900), bits=8, packing=1),
    "bmp, kind for Qt": bmp(
        bytes(99), size=(SIDE, SIDE), bits=16, packing=3, masks=struct.pack("<3I", 0xF00, 0xF0, 0xF)
    ),
    "bmp, png": bmp(png(size=(SIDE, SIDE), rows=b"\0"), size=(8, 8), bits=0, packing=5),
    "pgm": b"P5 9900 9900 255\n" + bytes(99),
    "pgm, deep": b"P5 6100 6100 65535\n" + bytes(99),
    "ppm, text": b"P3 6100 6100 255\n1 2 3",
    "pfm": b"Pf 6100 6100 -1.0\n" + bytes(99),
    "icon, png": icon(png(size=(SIDE, SIDE), rows=b"\0")),
    "icon, bitmap": icon(dib(30_000)),
    "mac icon": mac_icon(png(size=(SIDE, SIDE), rows=b"\0")),
    "tga": tga(SIDE, SIDE, 2),
    "tga, runs": tga(SIDE, SIDE, 10),
    "sgi": b"\x01\xda\0\1" + struct.pack(">4H", 3, SIDE, SIDE, 3) + bytes(600),
    "pcx": b"\x0a\5\1\x08" + struct.pack("<4H", 0, 0, SIDE, SIDE) + bytes(53) + b"\3" + bytes(99),
    "qoi": b"qoif" + struct.pack(">II", 20_000, 20_000) + b"\3\0" + bytes(20),
    "jpeg 2000": with_size(encode(Image.new("RGB", (16, 16)), "JPEG2000"), 48, SIDE, SIDE, ">II"),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_what_no_such_file_can_hold_is_refused_before_a_decoder_makes_room(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def decoder(*_: object, **__: object) -> None:
        made.append(name)

    def new(mode: str, size: tuple[int, int]) -> Any:
        if size[0] * size[1] > 1_000_000:
            made.append(name)
        return Image.new(mode, (1, 1)).im

    monkeypatch.setattr("PIL.Image.core.new", new)
    monkeypatch.setattr("PIL.Image.core.fill", lambda mode, size, _=0: new(mode, size))
    monkeypatch.setattr(WebPImagePlugin, "_webp", SimpleNamespace(WebPAnimDecoder=decoder))
    monkeypatch.setattr(QImageReader, "read", decoder)
    monkeypatch.setattr(AvifImagePlugin.AvifImageFile, "load", decoder)
    monkeypatch.setattr(pi_heif.as_plugin.HeifImageFile, "load", decoder)
    with pytest.raises(ImageError, match=r"damaged|too large"):
        photo_from_bytes(CLAIMS[name], "claims.tga")
    assert made == []


def test_jpeg_xl_is_looked_at_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def probe(data: bytes) -> dict[str, object]:
        return {"width": SIDE, "height": SIDE, "has_alpha": False}

    data = pylibjxl.encode(np.zeros((8, 8, 3), np.uint8))
    monkeypatch.setattr(pylibjxl, "probe", probe)
    monkeypatch.setattr(pylibjxl, "decode", lambda *_, **__: pytest.fail("decoded"))
    with pytest.raises(ImageError, match="damaged"):
        photo_from_bytes(data, "a.jxl")


def test_a_jpeg_of_a_phone_with_108_megapixels_is_decoded_at_a_part_of_its_size() -> None:
    stream = io.BytesIO()
    Image.new("L", (12_032, 9_024), 90).save(stream, "JPEG")
    photo = photo_from_bytes(stream.getvalue(), "phone.jpg")
    assert (photo.width, photo.height) == (4096, 3072)
    assert photo.pixels.min() == photo.pixels.max() == 90


def test_a_profile_without_end_is_left_out() -> None:
    import zlib

    from tests.picture_files import TEAL, chunk

    bomb = chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(17 << 20)))
    assert tuple(photo_from_bytes(png(bomb), "a.png").pixels[4, 4]) == TEAL
