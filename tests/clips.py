"""Short videos and animations, made on the spot."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

SIZE = (64, 48)  # width, height


def shade(place: int, count: int) -> int:
    return round(250 * place / count)


def frame(place: int, count: int) -> np.ndarray:
    """Grey that grows lighter from frame to frame, with a dark square at the upper left."""
    pixels = np.full((SIZE[1], SIZE[0], 3), shade(place, count), np.uint8)
    pixels[:16, :16] = 0
    return pixels


def write_video(path: Path, count: int = 40, *, rate: int = 10, codec: str = "mpeg4") -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(rate))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 2_000_000
        for place in range(count):
            picture = av.VideoFrame.from_ndarray(frame(place, count), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def write_sound(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        sound.rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    return path


def write_animation(path: Path, count: int = 20, *, milliseconds: int = 100) -> Path:
    pictures = [Image.fromarray(frame(place, count)) for place in range(count)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=milliseconds, loop=0)
    return path
