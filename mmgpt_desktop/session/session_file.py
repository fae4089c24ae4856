"""Sessions as `.mmgpt` files: a zip with pictures, the conversation and its maps.

`session.json` says all that can be read, `arrays.bin` holds the numbers that it points at, and
`photos/` the pictures without loss. Nothing is ever unpacked to disk.
"""

from __future__ import annotations

import json
import stat
import struct
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from PIL import Image

from mmgpt_desktop import __version__
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.decoding import DataDecoder, read_note
from mmgpt_desktop.errors import Cancelled, SessionError
from mmgpt_desktop.imaging.encoded import encoded
from mmgpt_desktop.messages import KEPT_SIDE, Moment, Photo
from mmgpt_desktop.session.archive import Archive, is_zip, open_archive
from mmgpt_desktop.session.codec import Writer, session_decoder
from mmgpt_desktop.session.limits import check_session
from mmgpt_desktop.session.session_record import Session
from mmgpt_desktop.text import safe_name
from mmgpt_desktop.writing import replacing

SUFFIX = ".mmgpt"
FORMAT = 1
MOST_BYTES = 2 << 30
_MOST_TEXT = 64 << 20
_MOST_VALUES = 4_000_000  # in the text: each costs some hundred bytes of memory
_MOST_PHOTOS = 1000
MOST_DECODED = 4 << 30  # of all photos together: an even one of 300 MB is 300 kB in a file
# What we write grows by little when it is read, text by more and even pictures by most. A file
# that would grow by more than so many times its size, and some, is made to fill the memory.
_MOST_GROWTH, _TEXT_GROWTH, _VALUES_GROWTH, _PICTURES_GROWTH = 10, 100, 10, 250
_SOME, _SOME_VALUES, SOME_PICTURES = 1 << 20, 1_000_000, 128 << 20
_PNG_HEAD = struct.Struct(">16s2I")  # its signature and how its first chunk begins; its size
_PNG_START = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
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
            "notes": [note.stored() for note in photo.notes],
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
    fits = len(text) <= _MOST_TEXT and _values(text) <= _MOST_VALUES and packed <= MOST_BYTES
    if not fits or len(pictures) > _MOST_PHOTOS or decoded > _most_decoded(packed):
        title = "The session is too large to be saved."
        raise SessionError(title, "Clear conversations or remove pictures, then save it again.")
    with replacing(path) as unfinished, zipfile.ZipFile(unfinished, "w") as archive:
        archive.writestr(_member(_SESSION), text, zipfile.ZIP_DEFLATED)
        archive.writestr(_member(_ARRAYS), bytes(writer.arrays))
        for name, picture in zip(names, pictures, strict=True):
            archive.writestr(_member(name), picture)


def _member(name: str) -> zipfile.ZipInfo:
    """Of no date: a zip has none before 1980 or after 2107, and a computer's clock may stand
    anywhere."""
    return zipfile.ZipInfo(name)


def _png(photo: Photo) -> bytes:
    known = _encoded.get(photo)
    if known is None:
        known = encoded(Image.fromarray(photo.pixels), "PNG", compress_level=1)
        _encoded[photo] = known
    return known


def open_session(path: Path, cancel: CancelToken | None = None) -> Session:
    """Read and check a session; every failure is a SessionError."""
    name = safe_name(path.name or str(path))
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            raise SessionError("{name} is no file.", "Choose a session's file.", name=name)
        if not is_zip(path):
            raise _no_session(name)
        with open_archive(path) as archive:
            return _read(archive, status.st_size, name, cancel or CancelToken())
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


def _read(archive: Archive, size: int, name: str, cancel: CancelToken) -> Session:
    if _SESSION not in archive:
        raise _no_session(name)
    text_size = archive.size(_SESSION)
    others = archive.unpacked - text_size
    if text_size > min(_MOST_TEXT, _SOME + _TEXT_GROWTH * size):
        raise _too_large(name)
    if others > min(MOST_BYTES, _SOME + _MOST_GROWTH * size):
        raise _too_large(name)
    text = archive.read(_SESSION)
    if _values(text) > min(_MOST_VALUES, _SOME_VALUES + _VALUES_GROWTH * size):
        raise _too_large(name)
    stored = json.loads(text.decode("utf-8", "surrogatepass"))
    del text
    if not isinstance(stored, dict) or type(stored.get("format")) is not int:
        raise _no_session(name)
    if stored["format"] > FORMAT:
        title = "The session {name} was saved by a newer version of this program."
        raise SessionError(title, "Update MMGPT Desktop, then open it again.", name=name)
    photos = _photos(archive, stored.get("photos"), _most_decoded(size), name, cancel)
    cancel.raise_if_cancelled()
    reader = session_decoder(photos, archive.read(_ARRAYS), cancel)
    session: Session = reader.decode(Session, stored.get("session"))
    check_session(session)
    return session


def _values(text: bytes) -> int:
    """How many values JSON holds, or a few more: each follows one of these."""
    return sum(map(text.count, (b"[", b"{", b",", b":")))


def _most_decoded(size: int) -> int:
    """The bytes of all photos together that a file of that size may hold."""
    return min(MOST_DECODED, SOME_PICTURES + _PICTURES_GROWTH * size)


def _photos(
    archive: Archive, stored: Any, room: int, session: str, cancel: CancelToken
) -> tuple[Photo, ...]:
    """Each picture is decoded once, also if it is named several times; none before all of them
    are known to fit."""
    if not isinstance(stored, list) or len(stored) > _MOST_PHOTOS:
        raise ValueError("no list of photos")
    for entry in stored:
        if (room := room - _decoded_size(archive.head(str(entry["file"]), _PNG_HEAD.size))) < 0:
            raise _too_large(session)
    from mmgpt_desktop.imaging.images import photo_from_bytes  # it brings all readers along

    decoded: dict[str, Photo] = {}
    photos = []
    for entry in stored:
        cancel.raise_if_cancelled()
        file, notes = str(entry["file"]), tuple(map(read_note, entry["notes"]))
        if file not in decoded:
            decoded[file] = photo_from_bytes(archive.read(file), "")
        moment = DataDecoder().decode(Moment | None, entry.get("moment"))
        name = safe_name(str(entry["name"]))
        photos.append(replace(decoded[file], name=name, notes=notes, moment=moment))
    return tuple(photos)


def _decoded_size(head: bytes) -> int:
    """Of a picture that begins like this. ValueError for what no session's picture is."""
    start, width, height = _PNG_HEAD.unpack(head)
    if start != _PNG_START or not 0 < max(width, height) <= KEPT_SIDE:
        raise ValueError("no picture of a session")
    return int(3 * width * height)
