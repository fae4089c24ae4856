"""From a file to an upright photo."""

from __future__ import annotations

import contextlib
import hashlib
import io
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmgpt_desktop.errors import Cancelled, ImageError
from mmgpt_desktop.imaging.file_kinds import HEAD, KINDS, kind_of
from mmgpt_desktop.imaging.quiet import no_stderr
from mmgpt_desktop.imaging.readers import NotDecoded, OddKind
from mmgpt_desktop.imaging.refusals import (
    DAMAGED,
    DAMAGED_OR_ODD,
    EMPTY,
    NO_MEMORY,
    ODD_KIND,
    junk_before,
    refusal_of,
)
from mmgpt_desktop.imaging.repair import joined, size_of
from mmgpt_desktop.imaging.stills import decode, in_srgb, to_rgb
from mmgpt_desktop.messages import KEPT_SIDE, Photo
from mmgpt_desktop.note import Note
from mmgpt_desktop.text import reason_of, safe_name

__all__ = ["KEPT_SIDE", "load_logo", "load_photo", "photo_from_bytes", "photo_of"]


def load_photo(path: Path) -> Photo:
    """Read a picture file; every failure is an `ImageError`."""
    with open_file(path) as (stream, name):
        return read_photo(stream, name)


def load_logo(path: Path) -> NDArray[np.uint8]:
    """A picture with what is transparent in it: RGBA [height, width, 4]; every failure is an
    `ImageError`. Drawings of lines (SVG, PDF) are refused as they are everywhere."""
    with open_file(path) as (stream, name):
        stream, kind = identified(stream, name)
        with damage_named(name, kind):
            image, _ = decode(stream, kind)
            return np.array(in_srgb(image).convert("RGBA"), np.uint8)


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
        reason = reason_of(error)
        raise ImageError("{name} can't be read.", hint, name=name, reason=reason) from error


def photo_from_bytes(data: bytes, name: str) -> Photo:
    """Decode a picture that was pasted or dropped; every failure is an `ImageError`."""
    return read_photo(io.BytesIO(data), safe_name(name))


def read_photo(stream: BinaryIO, name: str) -> Photo:
    """The first picture in an open file; `name` is safe to show."""
    stream, kind = identified(stream, name)
    with damage_named(name, kind):
        image, notes = decode(stream, kind)
        return photo_of_image(image, name, notes)


def photo_of_image(image: Image.Image, name: str, notes: tuple[Note, ...] = ()) -> Photo:
    """In sRGB, small enough, and nothing of it transparent."""
    return photo_of(np.array(to_rgb(image), np.uint8), name, notes)


def photo_of(
    pixels: NDArray[np.uint8],
    name: str,
    notes: tuple[Note, ...] = (),
) -> Photo:
    """A photo of pixels that nobody else writes to."""
    pixels.setflags(write=False)
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(pixels.data)
    return Photo(pixels, digest.hexdigest(), name, notes)


def identified(stream: BinaryIO, name: str) -> tuple[BinaryIO, str]:
    """Where the picture begins, and its kind. Raises ImageError for what isn't read."""
    stream.seek(0)
    head = stream.read(HEAD)
    if not head:
        raise EMPTY.error(name)
    if kind := kind_of(head, name):
        return stream, kind
    if junk := junk_before(head, name):
        return joined(stream, [(junk, size_of(stream) - junk)]), kind_of(head[junk:], name)
    raise refusal_of(head, name)


@contextlib.contextmanager
def damage_named(name: str, kind: str) -> Iterator[None]:
    """What goes wrong while a picture is opened and decoded, as an `ImageError`."""
    try:
        with no_stderr if kind == "TIFF" else contextlib.nullcontext():
            yield
    except (Cancelled, ImageError):
        raise
    except NotDecoded as error:
        raise error.refusal.error(name, error.kind or kind, **error.values) from error
    except OddKind as error:
        raise ODD_KIND.error(name, kind) from error
    except MemoryError as error:
        raise NO_MEMORY.error(name, limit=KINDS[kind].most_pixels // 1_000_000) from error
    except Exception as error:  # Pillow's parsers raise what they like on damaged bytes
        raise (DAMAGED if KINDS[kind].usual else DAMAGED_OR_ODD).error(name, kind) from error
