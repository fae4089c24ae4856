"""From a file of a known kind to an opened picture: headers first, and limits before pixels."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable
from typing import BinaryIO

from PIL import AvifImagePlugin, GifImagePlugin, Image, UnidentifiedImageError

from mmgpt_desktop.imaging import tiff
from mmgpt_desktop.imaging.colour import box_profile, coded_profile, gamma_profile, jp2_profile
from mmgpt_desktop.imaging.file_kinds import HEAD, KINDS, kind_of
from mmgpt_desktop.imaging.refusals import RAW, READER_MISSING, TOO_LARGE, Refusal
from mmgpt_desktop.imaging.repair import (
    MOST_PROFILE,
    joined,
    size_of,
    tidy_jpeg,
    tidy_png,
    tidy_webp,
)

_CHEAP = 64 << 20  # bytes of memory that any file may ask for
_RATIO = 10_000  # bytes of memory for one of the file: no real picture is packed so densely
_PROGRESSIVE = 128_000_000  # pixels: all of its numbers are in memory at a time
_BOXES = 256 << 10  # bytes in which a HEIC's or AVIF's colours are named
_SMALL = 1024  # the side of an icon

_PSD_VERSION = 1057  # a resource's number
_PSD_MODES = (0, 1, 2, 3, 4, 7, 8, 9)  # bitmap, grey, palette, RGB, CMYK, more inks, two inks, Lab

# Pillow's own guard warns on stderr before it refuses. `check_size` refuses, from the header.
Image.MAX_IMAGE_PIXELS = None
warnings.filterwarnings("ignore", module=r"PIL\.")  # of damage: it is told in our sentences


class NotDecoded(Exception):
    """A picture that should not be decoded, or can't be here."""

    def __init__(self, refusal: Refusal, kind: str = "", **values: object) -> None:
        super().__init__(refusal.title)
        self.refusal, self.kind, self.values = refusal, kind, values


class Absurd(Exception):
    """A header that claims far more than its file can hold."""


class OddKind(Exception):
    """A kind that is read, but not as this file stores its pixels."""


REFUSED = (NotDecoded, Absurd, MemoryError)


def open_kind(stream: BinaryIO, kind: str) -> Image.Image:
    """Header and colour profile; its pixels are decoded by `load`. Raises the exceptions above,
    and whatever the decoders raise on damaged bytes."""
    image = _OPENERS.get(kind, _open_other)(stream, kind)
    check_size(kind, image.size, image.mode, size_of(stream))
    image.info["deep"] = any(";16" in str(tile.args) for tile in getattr(image, "tile", ()))
    return image


def check_size(kind: str, size: tuple[int, int], mode: str, file_size: int) -> None:
    """Refuse what is too large, and what a file of this size can't hold."""
    width, height = size
    if width * height > KINDS[kind].most_pixels:
        raise too_large(size, KINDS[kind].most_pixels)
    needed = width * height * (1 if mode in ("1", "L", "P") else 4)
    if needed > _CHEAP and needed > _RATIO * file_size:
        raise Absurd("so few bytes hold no such picture")


def too_large(size: tuple[int, int], most: int) -> NotDecoded:
    width, height = size
    return NotDecoded(TOO_LARGE, width=width, height=height, limit=most // 1_000_000)


def _open_other(stream: BinaryIO, kind: str) -> Image.Image:
    """By Pillow, which calls a kind as we do but for its way of writing."""
    stream.seek(0)
    others = {"BMP": ("DIB",), "ICO": ("CUR",)}.get(kind, ())
    return Image.open(stream, formats=(kind.replace(" ", "").upper(), *others))


def _open_jpeg(stream: BinaryIO, kind: str) -> Image.Image:
    whole, facts = tidy_jpeg(stream)
    if facts.odd:
        raise OddKind
    image = _open_other(whole, kind)
    if facts.progressive and image.width * image.height > _PROGRESSIVE:
        raise too_large(image.size, _PROGRESSIVE)
    image.info["cut"], image.info["coarse"] = facts.cut, facts.coarse
    return image


def _open_png(stream: BinaryIO, kind: str) -> Image.Image:
    tidy, colours = tidy_png(stream)
    try:
        image = _open_other(tidy, kind)
    except UnidentifiedImageError:  # what moves in it is broken
        image = _open_other(tidy_png(stream, moving=False)[0], kind)
    info, profile = image.info, colours.profile
    if colours.numbers:
        profile = coded_profile(*colours.numbers[:2])
    elif not profile and "srgb" not in info:
        profile = gamma_profile(info.get("gamma"), info.get("chromaticity"))
    info["icc_profile"] = profile
    return image


def _open_bmp(stream: BinaryIO, kind: str) -> Image.Image:
    """A BMP, or the JPEG or PNG that one for printers may hold."""
    stream.seek(10)
    head = stream.read(24)
    start, header, packing = (int.from_bytes(head[at : at + 4], "little") for at in (0, 4, 20))
    if header >= 40 and packing in (4, 5):
        inside = joined(stream, [(start, max(0, size_of(stream) - start))])
        return open_kind(inside, "JPEG" if packing == 4 else "PNG")
    if header == 40 and packing == 6:  # as 3, but for one mask more
        stream = joined(stream, [(0, 30), b"\3", (31, size_of(stream) - 31)])
    image = _open_other(stream, kind)
    if header == 124:
        image.info["icc_profile"] = _bmp_profile(stream)
    return image


def _bmp_profile(stream: BinaryIO) -> bytes:
    """The one that a header of version 5 says is in the file."""
    stream.seek(14)
    header = stream.read(124)
    place, size = struct.unpack_from("<II", header, 112)
    if header[56:60] != b"DEBM" or size > MOST_PROFILE:  # "MBED", its bytes turned round
        return b""
    stream.seek(14 + place)
    return stream.read(size)


def as_plain_bmp(stream: BinaryIO) -> BinaryIO:
    """Masks inside a longer header, as they are behind a usual one: the places are the same."""
    stream.seek(14)
    if int.from_bytes(stream.read(4), "little") not in (52, 56):
        return stream
    return joined(stream, [(0, 14), b"\x28\0\0\0", (18, size_of(stream) - 18)])


def _open_psd(stream: BinaryIO, kind: str) -> Image.Image:
    stream.seek(22)
    bits, mode = (int.from_bytes(stream.read(2), "big") for _ in range(2))
    if bits not in (1, 8) or mode not in _PSD_MODES:
        raise OddKind
    image = _open_other(stream, kind)
    facts = {number: data for number, _, data in image.resources}  # type: ignore[attr-defined]
    if facts.get(_PSD_VERSION, b"")[4:5] == b"\0":  # it was saved without the layers put together
        raise OddKind
    return image


def _open_tiff(stream: BinaryIO, kind: str) -> Image.Image:
    tags = tiff.read_tags(stream)
    _check_tiff(tags, size_of(stream))
    image = _open_other(stream, kind)
    image.info["unsigned"] = tiff.is_unsigned(tags)  # Pillow's whole numbers have a sign
    return image


def _check_tiff(tags: tiff.Tags, file_size: int) -> None:
    """Raises NotDecoded and Absurd, before any decoder looks at the file."""
    if not tags:
        raise Absurd("no first page")
    if tiff.is_raw(tags):
        raise NotDecoded(RAW, kind="DNG")
    if not tiff.tile_fits(tags):
        raise Absurd("a piece is larger than the picture")
    size = tiff.first(tags, tiff.WIDTH), tiff.first(tags, tiff.HEIGHT)
    plain = tiff.first(tags, tiff.SAMPLES, 1) == 1 and tiff.first(tags, tiff.BITS, 1) <= 8
    check_size("TIFF", size, "L" if plain else "RGB", file_size)


def _open_jpeg_2000(stream: BinaryIO, kind: str) -> Image.Image:
    image = _open_other(stream, kind)
    stream.seek(0)
    image.info["icc_profile"] = jp2_profile(stream.read(_BOXES))
    return image


def _open_webp(stream: BinaryIO, kind: str) -> Image.Image:
    """Pillow makes room for the picture as soon as it opens it."""
    stream.seek(12)
    head = stream.read(18)
    size = {b"VP8X": _webp_canvas, b"VP8L": _webp_lossless, b"VP8 ": _webp_lossy}[head[:4]](head)
    check_size(kind, size, "RGBA", size_of(stream))
    whole, frames = tidy_webp(stream)
    image = _open_other(whole, kind)
    image.info["frames"] = max(1, frames)
    return image


def _webp_canvas(head: bytes) -> tuple[int, int]:
    return 1 + int.from_bytes(head[12:15], "little"), 1 + int.from_bytes(head[15:18], "little")


def _webp_lossless(head: bytes) -> tuple[int, int]:
    bits = int.from_bytes(head[9:13], "little")
    return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)


def _webp_lossy(head: bytes) -> tuple[int, int]:
    width, height = head[14:16], head[16:18]
    return int.from_bytes(width, "little") & 0x3FFF, int.from_bytes(height, "little") & 0x3FFF


def _open_avif(stream: BinaryIO, kind: str) -> Image.Image:
    """By any of its brands: Pillow itself looks at the first one alone."""
    stream.seek(0)
    image = AvifImagePlugin.AvifImageFile(stream)
    return _with_box_profile(image, stream)


def _open_heic(stream: BinaryIO, kind: str) -> Image.Image:
    try:
        import pi_heif
        from pi_heif.as_plugin import HeifImageFile
    except ImportError as error:
        raise NotDecoded(READER_MISSING) from error
    options = pi_heif.options
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    stream.seek(0)
    try:
        image: Image.Image = HeifImageFile(stream)
    except SyntaxError:
        image = HeifImageFile(_as_heic(stream))
    return _with_box_profile(image, stream)


def _as_heic(stream: BinaryIO) -> BinaryIO:
    """With brands that libheif knows: some are left out of its list."""
    stream.seek(0)
    length = stream.read(4)
    size = min(int.from_bytes(length, "big"), HEAD) // 4 * 4
    brands = b"heic" + bytes(4) + b"mif1" * (size // 4 - 4)
    rest = size_of(stream) - 8 - len(brands)
    return joined(stream, [length + b"ftyp" + brands, (8 + len(brands), max(0, rest))])


def _with_box_profile(image: Image.Image, stream: BinaryIO) -> Image.Image:
    if not image.info.get("icc_profile"):
        stream.seek(0)
        image.info["icc_profile"] = box_profile(stream.read(_BOXES))
    return image


def _open_jxl(stream: BinaryIO, kind: str) -> Image.Image:
    """Its decoder turns it upright by itself, and gives 8 bits."""
    try:
        import pylibjxl
    except ImportError as error:
        raise NotDecoded(READER_MISSING) from error
    stream.seek(0)
    data = stream.read()
    facts = pylibjxl.probe(data)
    mode = "RGBA" if facts["has_alpha"] else "RGB"
    check_size(kind, (facts["width"], facts["height"]), mode, len(data))
    pixels, extra = pylibjxl.decode(data, metadata=True)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels)
    image.info["icc_profile"] = extra.get("icc", b"")
    return image


def _open_icon(stream: BinaryIO, kind: str) -> Image.Image:
    """The largest of its pictures; each says its size again, and that may be another one."""
    stream.seek(0)
    head = stream.read(HEAD)
    best, best_size = (0, 0), 0
    for place in range(6, 6 + 16 * int.from_bytes(head[4:6], "little"), 16):
        entry = head[place : place + 16]
        size, start = (int.from_bytes(entry[at : at + 4], "little") for at in (8, 12))
        side = (entry[0] or 256) * (entry[1] or 256) if len(entry) == 16 else 0
        best, best_size = max(((start, size), side), (best, best_size), key=lambda each: each[1])
    stream.seek(best[0])
    start_of_best = stream.read(16)
    if kind_of(start_of_best, "") == "PNG":
        return open_kind(joined(stream, [best]), "PNG")
    width, height = (int.from_bytes(start_of_best[at : at + 4], "little") for at in (4, 8))
    if max(width, height // 2) > _SMALL:
        raise too_large((width, height // 2), _SMALL**2)
    return _open_other(stream, kind)


def _open_icns(stream: BinaryIO, kind: str) -> Image.Image:
    """The largest of a Mac icon's pictures; those that are kept as they were before 2007 are not
    read."""
    stream.seek(0)
    end, place = min(size_of(stream), int.from_bytes(stream.read(8)[4:], "big")), 8
    found: list[tuple[int, int, str]] = []
    while place + 8 < end:
        stream.seek(place + 4)
        size = int.from_bytes(stream.read(4), "big")
        inside = kind_of(stream.read(16), "")
        if inside in ("PNG", "JPEG 2000"):
            found.append((size - 8, place + 8, inside))
        place += max(8, size)
    if not found:
        raise OddKind
    size, place, inside = max(found)
    return open_kind(joined(stream, [(place, size)]), inside)


class _BoundedGif(GifImagePlugin.GifImageFile):
    """A frame that lies outside of the picture makes it larger, but not without end."""

    @property
    def _size(self) -> tuple[int, int]:
        return self._bounded

    @_size.setter
    def _size(self, size: tuple[int, int]) -> None:
        if size[0] * size[1] > KINDS["GIF"].most_pixels:
            raise too_large(size, KINDS["GIF"].most_pixels)
        self._bounded = size


Image.register_open("GIF", _BoundedGif, lambda head: head.startswith((b"GIF87a", b"GIF89a")))


def _open_gif(stream: BinaryIO, kind: str) -> Image.Image:
    image = _open_other(stream, kind)
    tile = image.tile[0] if image.tile else None  # type: ignore[attr-defined]
    image.info["interlace"] = bool(tile and tile.args[1])  # bits, interlace, transparency
    return image


# The rest Pillow opens by itself. EPS and the like run Ghostscript: never here.
_OPENERS: dict[str, Callable[[BinaryIO, str], Image.Image]] = {
    "JPEG": _open_jpeg,
    "PNG": _open_png,
    "BMP": _open_bmp,
    "TIFF": _open_tiff,
    "PSD": _open_psd,
    "WebP": _open_webp,
    "JPEG 2000": _open_jpeg_2000,
    "GIF": _open_gif,
    "AVIF": _open_avif,
    "HEIC": _open_heic,
    "JPEG XL": _open_jxl,
    "ICO": _open_icon,
    "ICNS": _open_icns,
}
