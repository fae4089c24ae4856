"""From a file to photos: a picture gives one, a video or an animation evenly spread frames."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.errors import Cancelled, ImageError
from mmgpt_desktop.imaging.file_kinds import KINDS
from mmgpt_desktop.imaging.images import damage_named, identified, open_file, photo_of, read_photo
from mmgpt_desktop.imaging.readers import NotDecoded, open_kind
from mmgpt_desktop.imaging.stills import count_frames, to_rgb, turn_upright
from mmgpt_desktop.imaging.video import LONG_SIDE, TimedFrame, read_frames, spread, video_format
from mmgpt_desktop.messages import Moment, Photo
from mmgpt_desktop.note import Note
from mmgpt_desktop.text import safe_name

FRAMES = 8
MOST_FRAMES = 3000  # of an animation: to show one, all before it are decoded
MOST_PIXELS = 25_000_000  # of an animation's frame: several are in memory at a time
_HEAD = 400
_USUAL_FRAME_MS = 100  # where an animation says 0, as browsers take it


def load_photos(path: Path, cancel: CancelToken, count: int = FRAMES) -> tuple[Photo, ...]:
    """Read a picture or a video; every failure is an `ImageError`, but for Cancelled.

    Frames of a clip have their `moment`, and no two of them the same pixels.
    """
    with open_file(path) as (stream, name):
        return _read(stream, name, count, cancel)


def photos_from_bytes(
    data: bytes, name: str, cancel: CancelToken, count: int = FRAMES
) -> tuple[Photo, ...]:
    """As `load_photos`, of what was pasted, dropped or downloaded."""
    return _read(io.BytesIO(data), safe_name(name), count, cancel)


def _read(stream: BinaryIO, name: str, count: int, cancel: CancelToken) -> tuple[Photo, ...]:
    if container := video_format(stream.read(_HEAD)):
        stream.seek(0)
        return _photos(read_frames(stream, container, name, count, cancel), name)
    stream, kind = identified(stream, name)
    if KINDS[kind].many == "frames" and (frames := _animation(stream, kind, name, count, cancel)):
        return frames
    return (read_photo(stream, name),)


def _animation(
    stream: BinaryIO, kind: str, name: str, count: int, cancel: CancelToken
) -> tuple[Photo, ...]:
    """Nothing for a still, and for what shows no more than its first frame."""
    with damage_named(name, kind):
        try:
            image = open_kind(stream, kind)
        except Exception:  # the still may be there all the same
            return ()
        total = count_frames(image)
        if total < 2:
            return ()
        frames, good = _frames(image, total, name, count, cancel)
        if good < total:  # so the frames that were wanted are not spread over those that are good
            image = open_kind(stream, kind)
            frames, _ = _frames(image, good, name, count, cancel) if good > 1 else ([], 0)
        whole = image.info.get("frames", total)
        template = "Only the first {good} of its {count} frames can be read."
        note = Note(template, {"good": good, "count": whole})
        return _photos(frames, name, (note,) if good < whole else ())


def _frames(
    image: Image.Image, total: int, name: str, count: int, cancel: CancelToken
) -> tuple[list[TimedFrame], int]:
    """Evenly spread, upright; and how many of the first `total` are good."""
    if total > MOST_FRAMES:
        title = "The animation {name} is too long: {total} frames, and {most} is the most."
        hint = "Cut a short piece out of it first."
        raise ImageError(title, hint, name=name, total=total, most=MOST_FRAMES)
    first = 1 if getattr(image, "default_image", False) else 0  # a still for others to show
    wanted, found, seconds = set(spread(range(first, total), count)), list[TimedFrame](), 0.0
    for place in range(max(wanted) + 1):
        cancel.raise_if_cancelled()
        try:
            image.seek(place)
            _check_size(image, name)
            image.load()
        except (Cancelled, ImageError, NotDecoded, MemoryError):
            raise
        except Exception:  # Pillow's parsers raise what they like on damaged bytes
            return found, place
        if place in wanted:
            found.append((seconds, _pixels(image)))
        if place >= first:
            seconds += (image.info.get("duration") or _USUAL_FRAME_MS) / 1000
    return found, total


def _check_size(image: Image.Image, name: str) -> None:
    """A GIF may grow on the way."""
    width, height = image.size
    if width * height > MOST_PIXELS:
        title = "The animation {name} is too large: {width} x {height} pixels."
        raise ImageError(title, "Make it smaller first.", name=name, width=width, height=height)


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    frame = image.copy()
    turn_upright(frame)
    small = to_rgb(frame, still=False)
    small.thumbnail((LONG_SIDE, LONG_SIDE))
    return np.array(small, np.uint8)


def _photos(frames: list[TimedFrame], name: str, notes: tuple[Note, ...] = ()) -> tuple[Photo, ...]:
    photos: dict[str, tuple[float, Photo]] = {}
    for seconds, pixels in frames:
        photo = photo_of(pixels, name, notes)
        photos.setdefault(photo.image_id, (seconds, photo))
    if len(photos) == 1:  # nothing moves
        return tuple(photo for _, photo in photos.values())
    clip = hashlib.sha256("".join(photos).encode()).hexdigest()
    return tuple(replace(photo, moment=Moment(clip, seconds)) for seconds, photo in photos.values())
