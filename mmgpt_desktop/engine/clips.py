"""From a file to photos: a picture gives one, a video or an animation evenly spread frames."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from mmgpt_desktop.engine.images import (
    damage_named,
    load_photo,
    open_file,
    open_image,
    photo_from_bytes,
    photo_of,
    to_rgb,
)
from mmgpt_desktop.engine.runtime import CancelToken
from mmgpt_desktop.engine.video import LONG_SIDE, TimedFrame, read_frames, spread, video_format
from mmgpt_desktop.errors import ImageError
from mmgpt_desktop.messages import Moment, Photo
from mmgpt_desktop.text import safe_name

FRAMES = 8
MOST_FRAMES = 3000  # of an animation: to show one, all before it are decoded
MOST_PIXELS = 25_000_000  # of an animation's frame: several are in memory at a time
_ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")
_HEAD = 400
_USUAL_FRAME_MS = 100  # where an animation says 0, as browsers take it


def load_photos(path: Path, cancel: CancelToken, count: int = FRAMES) -> tuple[Photo, ...]:
    """Read a picture or a video; every failure is an `ImageError`, but for Cancelled.

    Frames of a clip have their `moment`, and no two of them the same pixels.
    """
    with open_file(path) as (stream, name):
        frames = _frames(stream, name, count, cancel)
    return frames or (load_photo(path),)


def photos_from_bytes(
    data: bytes, name: str, cancel: CancelToken, count: int = FRAMES
) -> tuple[Photo, ...]:
    """As `load_photos`, of what was pasted, dropped or downloaded."""
    frames = _frames(io.BytesIO(data), safe_name(name), count, cancel)
    return frames or (photo_from_bytes(data, name),)


def _frames(stream: BinaryIO, name: str, count: int, cancel: CancelToken) -> tuple[Photo, ...]:
    """Nothing for a picture."""
    kind = video_format(stream.read(_HEAD))
    stream.seek(0)
    if kind:
        return _photos(read_frames(stream, kind, name, count, cancel), name)
    image = open_image(stream, name)
    with damage_named(name):
        moves = image.format in _ANIMATED and getattr(image, "n_frames", 1) > 1
        return _photos(_animation(image, name, count, cancel), name) if moves else ()


def _animation(image: Image.Image, name: str, count: int, cancel: CancelToken) -> list[TimedFrame]:
    total: int = image.n_frames  # type: ignore[attr-defined]
    if total > MOST_FRAMES:
        title = "The animation {name} is too long: {total} frames, and {most} is the most."
        hint = "Cut a short piece out of it first."
        raise ImageError(title, hint, name=name, total=total, most=MOST_FRAMES)
    wanted, found, seconds = set(spread(range(total), count)), [], 0.0
    for place in range(max(wanted) + 1):
        cancel.raise_if_cancelled()
        image.seek(place)
        if image.width * image.height > MOST_PIXELS:  # a GIF may grow on the way
            title = "The animation {name} is too large: {width} x {height} pixels."
            width, height = image.size
            raise ImageError(title, "Make it smaller first.", name=name, width=width, height=height)
        image.load()
        if place in wanted:
            small = to_rgb(image.copy())
            small.thumbnail((LONG_SIDE, LONG_SIDE))
            found.append((seconds, np.array(small, np.uint8)))
        seconds += (image.info.get("duration") or _USUAL_FRAME_MS) / 1000
    return found


def _photos(frames: list[TimedFrame], name: str) -> tuple[Photo, ...]:
    photos: dict[str, tuple[float, Photo]] = {}
    for seconds, pixels in frames:
        photo = photo_of(pixels, name)
        photos.setdefault(photo.image_id, (seconds, photo))
    if len(photos) == 1:  # nothing moves
        return tuple(photo for _, photo in photos.values())
    clip = hashlib.sha256("".join(photos).encode()).hexdigest()
    return tuple(replace(photo, moment=Moment(clip, seconds)) for seconds, photo in photos.values())
