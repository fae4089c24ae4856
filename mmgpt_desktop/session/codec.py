"""Messages and records as JSON and back, with their arrays in one block of bytes beside it.

What is read is checked against the annotations of the types, so that a file can hold nothing
that the program would not have written.
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.decoding import read_note
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import Photo
from mmgpt_desktop.note import Note

_ALIGNED = 16
_LONGEST_ERROR = 1000
_MOST_DIMENSIONS = 8
LONGEST_TEXT = 200_000  # of a question or an answer: longer than any model here reads
_LARGEST = 2**53  # far beyond any count, and safe wherever numbers go


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
        if isinstance(value, (tuple, list)):
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


class Reader:
    """Makes values of a wanted type from JSON; ValueError where it doesn't fit.

    Arrays are read-only and share the memory of `arrays`.
    """

    def __init__(
        self, photos: tuple[Photo, ...], arrays: bytes, cancel: CancelToken | None = None
    ) -> None:
        self._photos, self._arrays, self._cancel = photos, arrays, cancel

    def decode(self, kind: Any, value: Any) -> Any:
        if (read := self._special().get(kind)) is not None:
            return read(value)
        origin, arguments = get_origin(kind), get_args(kind)
        if origin in (Union, types.UnionType):
            return self._optional(arguments, value)
        if origin is tuple:
            return self._tuple(arguments, value)
        if origin is list:
            return list(self._tuple((*arguments, Ellipsis), value))
        if origin is np.ndarray:
            return self._array(np.dtype(get_args(arguments[1])[0]), value)
        if origin is Literal:
            return _one_of(arguments, value)
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            return kind(_plain(str, value))
        if dataclasses.is_dataclass(kind):
            return self._dataclass(kind, value)
        return _plain(kind, value)

    def _special(self) -> dict[Any, Callable[[Any], Any]]:
        return {Photo: self._photo, AppError: _error, Note: read_note, float: _float}

    def _optional(self, kinds: tuple[Any, ...], value: Any) -> Any:
        if value is None and type(None) in kinds:
            return None
        return self.decode(next(kind for kind in kinds if kind is not type(None)), value)

    def _tuple(self, kinds: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
        items = _plain(list, value)
        if kinds[-1] is Ellipsis:
            return tuple(self.decode(kinds[0], item) for item in items)
        return tuple(self.decode(kind, item) for kind, item in zip(kinds, items, strict=True))

    def _dataclass(self, kind: Any, value: Any) -> Any:
        """A field that the file lacks, as an older program's may, keeps its default."""
        if self._cancel is not None:
            self._cancel.raise_if_cancelled()
        stored, hints = _plain(dict, value), _hints(kind)
        given = {
            field.name: self.decode(hints[field.name], stored[field.name])
            for field in dataclasses.fields(kind)
            if field.init and field.name in stored
        }
        try:
            return kind(**given)
        except TypeError as error:
            raise ValueError(f"{kind.__name__}: {error}") from error

    def _photo(self, value: Any) -> Photo:
        place: int = _plain(int, value)
        if not 0 <= place < len(self._photos):
            raise ValueError(f"no photo {place}")
        return self._photos[place]

    def _array(self, dtype: np.dtype[Any], value: Any) -> NDArray[Any]:
        stored = _plain(dict, value)
        sizes = _plain(list, stored.get("shape"))
        if len(sizes) > _MOST_DIMENSIONS:  # else their product could be computed for ever
            raise ValueError(f"an array of {len(sizes)} dimensions")
        shape = [_plain(int, size) for size in sizes]
        at, count = _plain(int, stored.get("at")), math.prod(shape)
        dtype = dtype.newbyteorder("<")
        inside = at >= 0 and at + count * dtype.itemsize <= len(self._arrays)
        if min(shape, default=0) < 0 or not inside:
            raise ValueError(f"no array of {shape} at {at}")
        flat = np.frombuffer(self._arrays, dtype, count, at)
        return flat.reshape(shape).astype(dtype.newbyteorder("="), copy=False)


@lru_cache(maxsize=64)
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _plain(kind: Any, value: Any) -> Any:
    """True is no number here."""
    if type(value) is not kind:
        raise ValueError(f"{type(value).__name__} where {kind.__name__} is wanted")
    if kind is int and abs(value) > _LARGEST:
        raise ValueError("a number beyond all sense")
    if kind is str and len(value) > LONGEST_TEXT:
        raise ValueError("endless text")
    return value


def _float(value: Any) -> float:
    if type(value) is int:
        return float(_plain(int, value))
    if not math.isfinite(_plain(float, value)):
        raise ValueError("no finite number")
    return float(value)


def _one_of(allowed: tuple[Any, ...], value: Any) -> Any:
    if value not in allowed:
        raise ValueError(f"none of {allowed}")
    return value


def _error(value: Any) -> AppError:
    """The sentences as they were shown: what the file says is no template."""
    stored = _plain(dict, value)
    texts = (_plain(str, stored.get(name))[:_LONGEST_ERROR] for name in ("title", "hint"))
    title, hint = (text.replace("{", "{{").replace("}", "}}") for text in texts)
    return AppError(title, hint)
