"""Messages and records as JSON and back, with their arrays in one block of bytes beside it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.decoding import Count, DataDecoder, Mistake, at_most
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import Photo
from mmgpt_desktop.note import Note, plain

_ALIGNED = 16
_LONGEST_ERROR = 1000
_DTYPES: dict[Any, np.dtype[Any]] = {  # of the arrays in messages
    NDArray[np.float16]: np.dtype(np.float16),
    NDArray[np.float32]: np.dtype(np.float32),
    NDArray[np.int64]: np.dtype(np.int64),
}


class Writer:
    """Collects photos and arrays while values become JSON."""

    def __init__(self) -> None:
        self.photos: list[Photo] = []
        self.arrays = bytearray()

    def encode(self, value: Any) -> Any:
        if isinstance(value, Photo):
            return self._photo(value)
        if isinstance(value, Note):
            return value.stored()
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, AppError):
            return {"title": value.title, "hint": value.hint}
        if dataclasses.is_dataclass(value):
            names = [field.name for field in dataclasses.fields(value) if field.init]
            return {name: self.encode(getattr(value, name)) for name in names}
        if isinstance(value, tuple | list):
            return [self.encode(each) for each in value]
        return value.item() if isinstance(value, np.generic) else value

    def _photo(self, photo: Photo) -> int:
        if photo not in self.photos:
            self.photos.append(photo)
        return self.photos.index(photo)

    def _array(self, array: NDArray[Any]) -> dict[str, Any]:
        self.arrays.extend(bytes(-len(self.arrays) % _ALIGNED))
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        place = {"at": len(self.arrays), "shape": list(array.shape)}
        self.arrays.extend(little.tobytes())
        return place


def session_decoder(
    photos: Sequence[Photo], arrays: bytes, cancel: CancelToken | None = None
) -> DataDecoder:
    """Reads what a `Writer` wrote. Arrays are read-only and share the memory of `arrays`."""
    read_array = {kind: partial(_array, dtype, arrays) for kind, dtype in _DTYPES.items()}
    special: dict[Any, Callable[[Any], Any]] = {AppError: _error, **read_array}
    special[Photo] = partial(_photo, photos)
    return DataDecoder(special, each=(cancel or CancelToken()).raise_if_cancelled)


def _photo(photos: Sequence[Photo], value: Any) -> Photo:
    index: int = DataDecoder().decode(int, value)
    if not 0 <= index < len(photos):
        raise Mistake("{key} is none of the photos.")
    return photos[index]


def _array(dtype: np.dtype[Any], arrays: bytes, value: Any) -> NDArray[Any]:
    place: _ArrayPlace = DataDecoder().decode(_ArrayPlace, value)
    dtype = dtype.newbyteorder("<")
    count = math.prod(place.shape)
    if place.at + count * dtype.itemsize > len(arrays):
        raise Mistake("{key} is no array of this file.")
    flat = np.frombuffer(arrays, dtype, count, place.at)
    return flat.reshape(place.shape).astype(dtype.newbyteorder("="), copy=False)


@dataclasses.dataclass(frozen=True)
class _ArrayPlace:
    """Few dimensions, else their product could be computed for ever."""

    at: Count
    shape: Annotated[tuple[Count, ...], at_most(8)]


@dataclasses.dataclass(frozen=True)
class _Said:
    title: str
    hint: str


def _error(value: Any) -> AppError:
    """The sentences as they were shown: what the file says is no template."""
    said: _Said = DataDecoder().decode(_Said, value)
    title, hint = (plain(text[:_LONGEST_ERROR]).template for text in (said.title, said.hint))
    return AppError(title, hint)
