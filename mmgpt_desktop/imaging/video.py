"""A few upright frames of a video file, by PyAV (FFmpeg), which is imported when it is needed.

FFmpeg gets an open file and the format that its first bytes show: it probes nothing, and may
open no other file and no address, whatever a file asks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.errors import Cancelled, ImageError
from mmgpt_desktop.imaging.file_kinds import is_boxed_picture

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

MAX_PIXELS = 40_000_000  # of a frame, before it is made smaller: 8K is less
LONG_SIDE = 1280  # of a frame as it is kept
MOST_DECODED = 6000  # frames that are looked at on the way to those that are kept
_MPEG_STARTS = {b"\x00\x00\x01\xba": "mpeg", b"\x00\x00\x01\xb3": "mpegvideo"}
_STARTS = {b"OggS": "ogg", b"\x1aE\xdf\xa3": "matroska", b"FLV\x01": "flv", **_MPEG_STARTS}
_ASF = bytes.fromhex("3026b2758e66cf11")
_QUICKTIME = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_HINT = "Get a whole copy of it, or convert it to MP4."

TimedFrame = tuple[float, NDArray[np.uint8]]  # seconds, pixels [height, width, 3]


def video_format(head: bytes) -> str:
    """FFmpeg's name for the format that a file's first 400 bytes show; empty for none."""
    if head[4:8] in _QUICKTIME and not is_boxed_picture(head):
        return "mov"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[:8] == _ASF:
        return "asf"
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return "mpegts"
    return _STARTS.get(head[:4], "")


def read_frames(
    stream: BinaryIO, kind: str, name: str, count: int, cancel: CancelToken
) -> list[TimedFrame]:
    """At most `count` frames, evenly spread over the video, in order; at least one.

    Every failure is an ImageError, but for Cancelled.
    """
    try:
        import av
    except ImportError as error:
        title = "Videos can't be read here: the package av is missing."
        hint = "The full edition has it. Pictures and animations open without it."
        raise ImageError(title, hint) from error
    try:
        limit = {"max_pixels": str(MAX_PIXELS)}
        with av.open(stream, "r", format=kind, options=limit, io_open=_refuse) as container:
            if not container.streams.video:
                title = "There are no moving pictures in {name}."
                raise ImageError(title, "Choose a video.", name=name)
            return _read(container, _Decoder(container, name, cancel), count)
    except (Cancelled, ImageError):
        raise
    except MemoryError as error:
        title = "The video {name} is too large for this computer's memory."
        raise ImageError(title, "Make it smaller first.", name=name) from error
    except Exception as error:  # FFmpeg's errors have many types; damaged files raise others
        title = "The video {name} is damaged, or of a kind that can't be read."
        raise ImageError(title, _HINT, name=name) from error


def _refuse(url: str, flags: int, options: Any) -> NoReturn:
    raise PermissionError("a video may open no other file")


class _Decoder:
    """Frames of the first video stream, as long as that is not too much work."""

    def __init__(self, container: InputContainer, name: str, cancel: CancelToken) -> None:
        self._container, self._name, self._cancel = container, name, cancel
        self.stream: VideoStream = container.streams.video[0]
        self.stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        self._left = MOST_DECODED

    def frames(self) -> Iterator[VideoFrame]:
        """From where the container stands; damaged ones are left out. Raises ImageError."""
        for frame in self._container.decode(self.stream):
            self._cancel.raise_if_cancelled()
            self._left -= 1
            if self._left < 0 or frame.width * frame.height > MAX_PIXELS:
                title = "The video {name} is too long or too large."
                raise ImageError(title, "Cut a short piece out of it first.", name=self._name)
            if not frame.is_corrupt:
                yield frame

    def at(self, seconds: float) -> VideoFrame | None:
        """The last frame that begins no later, or the first one after it."""
        start = self.stream.start_time or 0
        assert self.stream.time_base is not None
        self._container.seek(start + int(seconds / self.stream.time_base), stream=self.stream)
        found = None
        for frame in self.frames():
            if found is not None and self.seconds(frame) > seconds:
                break
            found = frame
        return found

    def seconds(self, frame: VideoFrame) -> float:
        """From the beginning of the stream."""
        base = self.stream.time_base
        first = float((self.stream.start_time or 0) * base) if base is not None else 0.0
        return max(0.0, (frame.time or 0.0) - first)


def _read(container: InputContainer, decoder: _Decoder, count: int) -> list[TimedFrame]:
    duration = length_of(container, decoder.stream)
    found = []
    if duration > 0:
        times = [(place + 0.5) * duration / count for place in range(count)]
        found = [frame for time in times if (frame := decoder.at(time)) is not None]
    found = found or _thinned(decoder.frames(), count)
    timed = {decoder.seconds(frame): frame for frame in found}
    if not timed:
        raise ValueError("no frame")
    return [(seconds, _pixels(timed[seconds], decoder.stream)) for seconds in sorted(timed)]


def length_of(container: InputContainer, stream: VideoStream) -> float:
    """Seconds; 0 where the file doesn't say."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / 1_000_000


def _thinned(frames: Iterator[VideoFrame], count: int) -> list[VideoFrame]:
    """`count` of them, evenly spread, where nobody knows how many will come: every so many
    are kept, and half of those again whenever there are twice as many."""
    kept: list[VideoFrame] = []
    step = 1
    for place, frame in enumerate(frames):
        if place % step == 0:
            kept.append(frame)
        if len(kept) > 2 * count:
            kept, step = kept[::2], 2 * step
    return spread(kept, count)


def spread(items: Sequence[Any], count: int) -> list[Any]:
    """At most `count` of them, each from the middle of its part."""
    if len(items) <= count:
        return list(items)
    return [items[(2 * place + 1) * len(items) // (2 * count)] for place in range(count)]


def _pixels(frame: VideoFrame, stream: VideoStream) -> NDArray[np.uint8]:
    """Small enough, with square pixels, and turned as the camera was held."""
    aspect = float(stream.sample_aspect_ratio or 1)
    aspect = aspect if 0.1 < aspect < 10 else 1.0
    width = frame.width * aspect
    scale = min(1.0, LONG_SIDE / max(width, frame.height))
    size = max(1, round(width * scale)), max(1, round(frame.height * scale))
    pixels = frame.to_ndarray(format="rgb24", width=size[0], height=size[1])
    turned = np.rot90(pixels, k=round(frame.rotation / 90))  # anticlockwise, both
    return np.ascontiguousarray(turned, np.uint8)
