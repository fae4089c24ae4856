"""From a file to an upright photo."""

from __future__ import annotations

import contextlib
import hashlib
import io
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image, ImageOps, UnidentifiedImageError

from mmgpt_desktop.errors import Cancelled, ImageError
from mmgpt_desktop.messages import Moment, Photo
from mmgpt_desktop.text import safe_name

# Raster formats that Pillow decodes by itself. EPS and the like run Ghostscript: never here.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM")
MAX_PIXELS = 100_000_000
KEPT_SIDE = 4096  # the long side of what is kept; models read far less
_BAND = 256

# Pillow's own guard warns on stderr before it refuses. `open_image` refuses, from the header.
Image.MAX_IMAGE_PIXELS = None

_FORMATS_HINT = "Use a JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF file."
_DAMAGED = "The picture {name} is damaged or cut short."
_DAMAGED_HINT = "Get a whole copy of it and try again."
_TOO_LARGE_HINT = "Make it smaller first: at most {limit} million pixels."


def load_photo(path: Path) -> Photo:
    """Read a picture file; every failure is an `ImageError`."""
    with open_file(path) as (stream, name):
        return _decode(stream, name)


@contextlib.contextmanager
def open_file(path: Path) -> Iterator[tuple[BinaryIO, str]]:
    """An ordinary file and its name to be shown; every failure is an `ImageError`."""
    name = safe_name(path.name or str(path))
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ImageError("{name} is a folder, not a picture.", "Choose a file.", name=name)
        if not stat.S_ISREG(mode):  # opening a pipe would wait for ever
            raise ImageError("{name} is not an ordinary file.", "Choose a picture.", name=name)
        with path.open("rb") as stream:
            yield stream, name
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: NUL in path
        hint = "Check the path: it may have been moved or renamed."
        raise ImageError("There is no file {name}.", hint, name=name) from error
    except PermissionError as error:
        hint = "Ask its owner, or copy it to a folder of yours."
        raise ImageError("You have no permission to read {name}.", hint, name=name) from error
    except OSError as error:
        hint = "The system says: {reason}."
        reason = error.strerror or str(error)
        raise ImageError("{name} can't be read.", hint, name=name, reason=reason) from error


def photo_from_bytes(data: bytes, name: str) -> Photo:
    """Decode a picture that was pasted or dropped; every failure is an `ImageError`."""
    return _decode(io.BytesIO(data), safe_name(name))


def _decode(stream: BinaryIO, name: str) -> Photo:
    image = open_image(stream, name)
    with damage_named(name):
        notes = _notes(image)
        image.draft(None, (KEPT_SIDE, KEPT_SIDE))  # JPEG alone can decode to a smaller size
        image.load()
        _turn_upright(image)
        pixels = np.array(to_rgb(image), np.uint8)
    return photo_of(pixels, name, notes)


def photo_of(
    pixels: NDArray[np.uint8],
    name: str,
    notes: tuple[str, ...] = (),
    moment: Moment | None = None,
) -> Photo:
    """A photo of pixels that nobody else writes to."""
    pixels.setflags(write=False)
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(pixels.data)
    return Photo(pixels, digest.hexdigest(), name, notes, moment)


@contextlib.contextmanager
def damage_named(name: str) -> Iterator[None]:
    """What goes wrong while a picture is decoded, as an `ImageError`."""
    try:
        yield
    except (Cancelled, ImageError):
        raise
    except _TooLarge as error:
        raise _too_large(name, *error.args) from error
    except MemoryError as error:
        raise ImageError(
            "The picture {name} is too large for this computer's memory.",
            _TOO_LARGE_HINT,
            name=name,
            limit=MAX_PIXELS // 1_000_000,
        ) from error
    except Exception as error:  # Pillow's parsers raise what they like on damaged bytes
        raise ImageError(_DAMAGED, _DAMAGED_HINT, name=name) from error


def open_image(stream: BinaryIO, name: str) -> Image.Image:
    """Read the header alone, and refuse what should not be decoded."""
    if not stream.read(1):
        raise ImageError("The file {name} is empty.", _DAMAGED_HINT, name=name)
    stream.seek(0)
    try:
        image = Image.open(stream, formats=FORMATS)
    except UnidentifiedImageError as error:
        title = "This file is not a picture that can be opened: {name}."
        raise ImageError(title, _FORMATS_HINT, name=name) from error
    except _TooLarge as error:
        raise _too_large(name, *error.args) from error
    except Exception as error:  # as in `damage_named`
        raise ImageError(_DAMAGED, _DAMAGED_HINT, name=name) from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_large(name, width, height)
    return image


def _too_large(name: str, width: int, height: int) -> ImageError:
    return ImageError(
        "The picture {name} is too large: {width} x {height} pixels.",
        _TOO_LARGE_HINT,
        name=name,
        width=width,
        height=height,
        limit=MAX_PIXELS // 1_000_000,
    )


class _TooLarge(Exception):
    """Width and height of a picture that should not be decoded."""


class _BoundedGif(GifImagePlugin.GifImageFile):
    """A frame that lies outside of the picture makes it larger, but not without end."""

    @property
    def _size(self) -> tuple[int, int]:
        return self._bounded

    @_size.setter
    def _size(self, size: tuple[int, int]) -> None:
        if size[0] * size[1] > MAX_PIXELS:
            raise _TooLarge(*size)
        self._bounded = size


Image.register_open("GIF", _BoundedGif, lambda head: head.startswith((b"GIF87a", b"GIF89a")))


def _notes(image: Image.Image) -> tuple[str, ...]:
    frames = getattr(image, "n_frames", 1)
    if frames == 1 or image.format == "MPO":  # a phone's JPEG with a preview inside
        return ()
    kind = "pages" if image.format == "TIFF" else "frames"
    return (f"Only the first of its {frames} {kind} is used.",)


def _turn_upright(image: Image.Image) -> None:
    with contextlib.suppress(Exception):  # broken EXIF says nothing about the picture itself
        ImageOps.exif_transpose(image, in_place=True)


def to_rgb(image: Image.Image) -> Image.Image:
    """Shrink to `KEPT_SIDE` and flatten onto white."""
    if image.mode == "F" or image.mode.startswith("I"):
        image = Image.fromarray(_to_8_bits(np.asarray(image)))
    elif image.mode in ("P", "PA", "1"):  # Pillow can't resize these smoothly
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.BICUBIC, reducing_gap=2.0)
    if not image.has_transparency_data:
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


def _to_8_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale the type's usual range (16 bits; 0 to 1) to 0..255, or else the values' own."""
    floating = np.issubdtype(values.dtype, np.floating)
    finite = values[np.isfinite(values)] if floating else values
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    usual = 1.0 if floating else 65535.0
    if low >= 0 and high <= usual:
        low, high = 0.0, usual
    scale = 255.0 / (high - low) if high > low else 0.0
    scaled = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), _BAND):  # a whole photo as floats may fill the memory
        band = np.nan_to_num(values[top : top + _BAND].astype(np.float32), nan=low)
        scaled[top : top + _BAND] = np.rint((np.clip(band, low, high) - low) * scale)
    return scaled
