"""Sessions as `.mmgpt` files: a zip with pictures, the conversation and its maps.

`session.json` says all that can be read, `arrays.bin` holds the numbers that it points at, and
`photos/` the pictures without loss. Nothing is ever unpacked to disk.
"""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from PIL import Image

from mmgpt_desktop import __version__
from mmgpt_desktop.engine.images import photo_from_bytes
from mmgpt_desktop.engine.runtime import CancelToken
from mmgpt_desktop.errors import Cancelled, SessionError
from mmgpt_desktop.messages import Moment, Photo
from mmgpt_desktop.report.files import replacing
from mmgpt_desktop.session.codec import Reader, Writer
from mmgpt_desktop.session.record import Session
from mmgpt_desktop.text import safe_name

SUFFIX = ".mmgpt"
FORMAT = 1
MOST_BYTES = 2 << 30
_MOST_TEXT = 64 << 20
# What we write hardly shrinks: a file that would grow by more than this is made to fill memory.
_MOST_GROWTH = 10
_MOST_PHOTOS = 1000
MOST_DECODED = 4 << 30  # of all photos together: an even one of 300 MB is 300 kB in a file
_SESSION, _ARRAYS = "session.json", "arrays.bin"

# A photo is encoded once, however often the session is saved.
_encoded: WeakKeyDictionary[Photo, bytes] = WeakKeyDictionary()


def is_session(path: Path) -> bool:
    """By its name alone."""
    return path.suffix.lower() == SUFFIX


def save_session(session: Session, path: Path) -> None:
    """Write all of it or nothing. Raises AppError."""
    writer = Writer()
    stored = writer.encode(session)
    names = [f"photos/{number}.png" for number in range(len(writer.photos))]
    photos = [
        {
            "file": name,
            "name": photo.name,
            "notes": list(photo.notes),
            "moment": writer.encode(photo.moment),
        }
        for name, photo in zip(names, writer.photos, strict=True)
    ]
    text = json.dumps(
        {
            "format": FORMAT,
            "program": f"MMGPT Desktop {__version__}",
            "photos": photos,
            "session": stored,
        },
        ensure_ascii=False,
        allow_nan=False,
    ).encode("utf-8", "surrogatepass")
    pictures = [_png(photo) for photo in writer.photos]
    decoded = sum(photo.pixels.nbytes for photo in writer.photos)
    packed = sum(map(len, pictures)) + len(writer.arrays)
    if len(text) > _MOST_TEXT or packed > MOST_BYTES or decoded > MOST_DECODED:
        title = "The session is too large to be saved."
        raise SessionError(title, "Clear conversations or remove pictures, then save it again.")
    with replacing(path) as unfinished, unfinished.open("wb") as file:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(_member(_SESSION), text, zipfile.ZIP_DEFLATED)
            archive.writestr(_member(_ARRAYS), bytes(writer.arrays))
            for name, picture in zip(names, pictures, strict=True):
                archive.writestr(_member(name), picture)
        file.flush()
        os.fsync(file.fileno())


def _member(name: str) -> zipfile.ZipInfo:
    """Of no date: a zip has none before 1980 or after 2107, and a computer's clock may stand
    anywhere."""
    return zipfile.ZipInfo(name)


def _png(photo: Photo) -> bytes:
    known = _encoded.get(photo)
    if known is None:
        stream = io.BytesIO()
        Image.fromarray(photo.pixels).save(stream, "PNG", compress_level=1)
        known = _encoded[photo] = stream.getvalue()
    return known


def open_session(path: Path, cancel: CancelToken | None = None) -> Session:
    """Read and check a session; every failure is a SessionError."""
    name = safe_name(path.name or str(path))
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            raise SessionError("{name} is no file.", "Choose a session's file.", name=name)
        with path.open("rb") as file:
            start = file.read(4)
            if start != b"PK\x03\x04":
                raise _no_session(name)
            with zipfile.ZipFile(file) as archive:
                return _read(archive, path.stat().st_size, name, cancel or CancelToken())
    except (SessionError, Cancelled):
        raise
    except FileNotFoundError as error:
        title, hint = "There is no file {name}.", "It may have been moved or renamed."
        raise SessionError(title, hint, name=name) from error
    except PermissionError as error:
        hint = "Ask its owner, or copy it to a folder of yours."
        raise SessionError("You have no permission to read {name}.", hint, name=name) from error
    except MemoryError as error:
        title = "The session {name} is too large for this computer's memory."
        raise SessionError(title, name=name) from error
    except Exception as error:  # zipfile, json and Pillow raise what they like on damaged bytes
        title = "The session {name} is damaged or cut short."
        raise SessionError(title, "Get a whole copy of it and try again.", name=name) from error


def _no_session(name: str) -> SessionError:
    title, hint = "{name} is no session of this program.", "Choose a file that ends in .mmgpt."
    return SessionError(title, hint, name=name)


def _too_large(name: str) -> SessionError:
    title = "The session {name} would fill the memory when it is unpacked."
    return SessionError(title, "Open only sessions that you know.", name=name)


def _read(archive: zipfile.ZipFile, size: int, name: str, cancel: CancelToken) -> Session:
    members = {info.filename: info for info in archive.infolist()}
    unpacked = sum(info.file_size for info in archive.infolist())
    if unpacked > min(MOST_BYTES, _MOST_GROWTH * size) + _MOST_TEXT:
        raise _too_large(name)
    if _SESSION not in members:
        raise _no_session(name)
    if members[_SESSION].file_size > _MOST_TEXT:
        raise ValueError("too much text")
    stored = json.loads(archive.read(_SESSION).decode("utf-8", "surrogatepass"))
    if not isinstance(stored, dict) or type(stored.get("format")) is not int:
        raise _no_session(name)
    if stored["format"] > FORMAT:
        title = "The session {name} was saved by a newer version of this program."
        raise SessionError(title, "Update MMGPT Desktop, then open it again.", name=name)
    photos = _photos(archive, stored.get("photos"), name, cancel)
    cancel.raise_if_cancelled()
    session: Session = Reader(photos, archive.read(_ARRAYS)).decode(Session, stored.get("session"))
    session.check()
    return session


def _photos(
    archive: zipfile.ZipFile, stored: Any, session: str, cancel: CancelToken
) -> tuple[Photo, ...]:
    if not isinstance(stored, list) or len(stored) > _MOST_PHOTOS:
        raise ValueError("no list of photos")
    photos, room = [], MOST_DECODED
    for entry in stored:
        cancel.raise_if_cancelled()
        name, notes = str(entry["name"]), tuple(str(note) for note in entry["notes"])
        photo = photo_from_bytes(archive.read(str(entry["file"])), name)
        if (room := room - photo.pixels.nbytes) < 0:
            raise _too_large(session)
        moment = Reader((), b"").decode(Moment | None, entry.get("moment"))
        photos.append(replace(photo, notes=notes, moment=moment))
    return tuple(photos)
