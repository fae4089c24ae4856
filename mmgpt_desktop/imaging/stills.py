"""From an opened picture to its pixels: whole if that can be, else as far as they go."""

from __future__ import annotations

import contextlib
import struct
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageChops, ImageOps

from mmgpt_desktop.imaging import tiff
from mmgpt_desktop.imaging.colour import to_srgb
from mmgpt_desktop.imaging.depth import to_8_bits
from mmgpt_desktop.imaging.file_kinds import KINDS
from mmgpt_desktop.imaging.quiet import no_stderr
from mmgpt_desktop.imaging.readers import REFUSED, OddKind, as_plain_bmp, open_kind
from mmgpt_desktop.imaging.repair import size_of, tidy_jpeg, tidy_png
from mmgpt_desktop.messages import KEPT_SIDE
from mmgpt_desktop.note import Note

_LEAST = 0.1  # of a picture that is cut short: with less there is nothing to see
_SECOND = ("TIFF", "BMP")  # kinds that Qt reads, too, when Pillow refuses
_BMP = struct.Struct("<I4xIIii2xHI")  # its header behind "BM", as far as it is needed
_DARK = 64  # of 256: no colour of 16 bits reaches it, so fewer bits may be meant
_MORE = bytes((0, *range(250, 1, -7), *range(3, 250, 11)))  # bytes as in a JPEG, without a marker


_ONLY_FIRST = {
    "frames": "Only the first of its {count} frames is used.",
    "pages": "Only the first of its {count} pages is used.",
}


def decode(stream: BinaryIO, kind: str) -> tuple[Image.Image, tuple[Note, ...]]:
    """The first picture of a file, upright, and what is to be said of it.

    Raises what `open_kind` does.
    """
    image = None
    try:
        image = open_kind(stream, kind)
        notes = _notes(image, kind)
        _draft(image)
        image.load()
    except REFUSED:
        raise
    except Exception as error:  # Pillow's parsers raise what they like on damaged bytes
        image, notes = _rescued(stream, kind, image, error)
    else:
        if image.info.get("cut"):
            notes += _jpeg_notes(image, stream)
        if image.info.get("deep") and _is_dark(image):
            image = _second(stream, kind) or image
    turn_upright(image)
    return image, notes


def _draft(image: Image.Image) -> None:
    """JPEG alone can be decoded to a half, a quarter or an eighth of its size."""
    parts = max(1, max(image.size) // KEPT_SIDE)
    image.draft(None, (max(1, image.width // parts), max(1, image.height // parts)))


def _notes(image: Image.Image, kind: str) -> tuple[Note, ...]:
    many = KINDS[kind].many
    frames = max(image.info.get("frames", 1), count_frames(image)) if many else 1
    return (Note(_ONLY_FIRST[many], {"count": frames}),) if frames > 1 else ()


def count_frames(image: Image.Image) -> int:
    """As many as can be found, without their pixels; the first one is there again afterwards."""
    with contextlib.suppress(Exception):  # damage behind the first frame
        return int(getattr(image, "n_frames", 1))
    found = 0
    with contextlib.suppress(Exception):
        while True:
            image.seek(found + 1)
            found += 1
    image.seek(0)
    return found + 1


def turn_upright(image: Image.Image) -> None:
    with contextlib.suppress(Exception):  # broken EXIF says nothing about the picture itself
        ImageOps.exif_transpose(image, in_place=True)


def _rescued(
    stream: BinaryIO, kind: str, image: Image.Image | None, error: Exception
) -> tuple[Image.Image, tuple[Note, ...]]:
    """By another reader, or as far as Pillow came."""
    if isinstance(error, OddKind):
        if kind == "JPEG" and (second := _second(stream, kind)):
            return second, ()
        raise error
    whole = kind in _SECOND and _is_whole(stream, kind)
    odd = whole or (kind in _SECOND and "truncated" not in str(error))
    if odd and (second := _second(stream, kind)):
        return second, ()
    if image is not None and (missing := _missing_rows(image)) is not None:
        return image, _cut_note(missing, error)
    known = image is not None and kind == "TIFF" and tiff.is_usual(tiff.read_tags(stream))
    if whole and not known:
        raise OddKind from error
    raise error


def _second(stream: BinaryIO, kind: str) -> Image.Image | None:
    try:
        from mmgpt_desktop.imaging.second_reader import read
    except ImportError:  # a server without Qt's system libraries
        return None
    if kind == "PNG":
        stream = tidy_png(stream)[0]
    elif kind == "BMP":
        stream = as_plain_bmp(stream)
    with no_stderr:
        return read(stream, kind)


def _missing_rows(image: Image.Image) -> float | None:
    """The share of rows that decoding never reached; None where nothing was decoded.

    Pillow fills rows as it decodes them, from zeros.
    """
    with contextlib.suppress(Exception):
        image.load()
    with contextlib.suppress(Exception):
        image.tile = []  # type: ignore[attr-defined]  # take what is there
        image.load()
        if image.info.get("interlace"):
            return _without_gaps(image)
        if box := image.getbbox():
            return 1 - (box[3] - box[1]) / image.height
    return None


def _without_gaps(image: Image.Image) -> float | None:
    """Fill the rows between those that came first; returns the share of them."""
    there = np.asarray(image).reshape(image.height, -1).any(axis=1)
    if not there.any():
        return None
    nearest = np.maximum.accumulate(np.where(there, np.arange(image.height), 0))
    for row in np.flatnonzero(~there):
        above = int(nearest[row])
        image.paste(image.crop((0, above, image.width, above + 1)), (0, int(row)))
    return 1 - float(there.mean())


def _cut_note(missing: float, error: Exception | None = None) -> tuple[Note, ...]:
    """Raises `error`, or ValueError, where too much is missing."""
    if missing > 1 - _LEAST:
        raise error or ValueError("nearly nothing of it is there")
    if error and not missing and "image file is truncated" not in str(error):
        return ()  # what went wrong stands behind the pixels
    template = "The file is cut short: about {percent} % of the picture is missing."
    return (Note(template, {"percent": max(1, round(100 * missing))}),)


def _jpeg_notes(image: Image.Image, stream: BinaryIO) -> tuple[Note, ...]:
    """Of one that was ended early: the decoder fills what is missing with middle grey."""
    if not image.info["coarse"] and _has_all_rows(image, stream):
        return ()
    rows = np.asarray(image).reshape(image.height, -1)
    coloured = np.flatnonzero(((rows < 127) | (rows > 129)).any(axis=1))
    missing = image.height - 1 - int(coloured[-1]) if coloured.size else image.height
    if not missing and image.info.get("progressive"):  # then all rows come with the first scan
        return (Note("The file is cut short: the finest details of the picture are missing."),)
    return _cut_note(missing / image.height)


def _has_all_rows(image: Image.Image, stream: BinaryIO) -> bool:
    """Whether more bytes would change nothing: then the decoder had all that it needs."""
    with contextlib.suppress(OSError, SyntaxError):
        again = Image.open(tidy_jpeg(stream, _MORE)[0], formats=("JPEG",))
        _draft(again)
        again.load()
        return ImageChops.difference(image, again).getbbox(alpha_only=False) is None
    return False


def _is_dark(image: Image.Image) -> bool:
    if image.mode not in ("RGB", "RGBA"):
        return False
    extrema = image.getextrema()[:3]
    return max(high for _, high in extrema) < _DARK  # type: ignore[misc]


def _is_whole(stream: BinaryIO, kind: str) -> bool:
    """Whether the file is as long as it says."""
    if kind == "TIFF":
        return tiff.is_whole(stream, tiff.read_tags(stream))
    stream.seek(2)
    size, start, header, width, height, bits, packing = _BMP.unpack(stream.read(_BMP.size))
    if header >= 40 and packing in (0, 3):
        size = max(size, start + (width * bits + 31) // 32 * 4 * abs(height))
    return bool(size <= size_of(stream))


def to_rgb(image: Image.Image, still: bool = True) -> Image.Image:
    """As `in_srgb`, and flattened onto white."""
    image = in_srgb(image, still)
    if image.mode == "RGB":
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def in_srgb(image: Image.Image, still: bool = True) -> Image.Image:
    """Shrink to `KEPT_SIDE` and turn its colours into sRGB: RGB, or RGBA with what is transparent.

    A still that is transparent everywhere is shown as if it weren't, if there is anything to see:
    some programs leave alpha empty.
    """
    profile = image.info.get("icc_profile")
    if image.mode == "F" or image.mode.startswith("I"):
        values = np.asarray(image)
        unsigned = image.mode == "I" and image.info.get("unsigned")
        image = Image.fromarray(to_8_bits(values.view(np.uint32) if unsigned else values))
    elif image.mode not in ("L", "LA", "RGB", "RGBA", "CMYK", "LAB"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode in ("L", "RGB") and image.has_transparency_data:
        image = image.convert("LA" if image.mode == "L" else "RGBA")
    if still and image.mode in ("LA", "RGBA"):
        image = _without_empty_alpha(image)
    image.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.BICUBIC, reducing_gap=2.0)
    return to_srgb(image, profile)


def _without_empty_alpha(image: Image.Image) -> Image.Image:
    *colours, alpha = image.split()
    if alpha.getextrema() == (0, 0) and any(band.getextrema() != (0, 0) for band in colours):
        return Image.merge("RGB" if len(colours) == 3 else "L", colours)
    return image
