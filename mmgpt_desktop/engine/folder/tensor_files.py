"""What a safetensors file says of itself, before any of it is believed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmgpt_desktop.engine.folder.model_files import (
    ANOTHER,
    refuse_other_weights,
    unreadable,
    wrong_length,
)
from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.text import safe_name

HEADER_LIMIT = 32 << 20  # bytes; the longest known has 2 MB
MOST_DIMENSIONS = 8
_LARGEST = 1 << 60  # numbers along a side, or bytes of a file
_METADATA = "__metadata__"
_BITS = {"F64": 64, "I64": 64, "U64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16,
         "I16": 16, "U16": 16, "I8": 8, "U8": 8, "BOOL": 8, "F8_E4M3": 8, "F8_E5M2": 8}  # fmt: skip


@dataclass(frozen=True)
class StoredTensor:
    """A tensor's place: bytes `begin` to `end` of its file."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def numbers(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class TensorFile:
    """`size` is how long the file must be; `metadata` what its maker wrote besides."""

    tensors: Mapping[str, StoredTensor]
    size: int
    metadata: Mapping[str, Any]


def read_header(file: Path) -> TensorFile:
    """The header of a safetensors file, which must reach as far as its tensors do.

    8 bytes give the header's length, little-endian; the header is JSON, in which each tensor
    has its `dtype`, `shape`, and its `data_offsets` in the bytes that follow (the safetensors
    format's specification). Raises BundleError.
    """
    name = safe_name(file.name)
    try:
        with file.open("rb") as stream:
            begun = stream.read(1024)
            length = int.from_bytes(begun[:8], "little")
            size = file.stat().st_size
            refuse_other_weights(name, begun)
            if length > min(HEADER_LIMIT, size):
                raise ValueError("a header of that length")
            stream.seek(8)
            header = json.loads(stream.read(length))
        metadata = header.pop(_METADATA, {})
        tensors = {key: _tensor(entry, 8 + length) for key, entry in header.items()}
        _check_places(tensors.values(), 8 + length)
    except OSError as error:
        raise unreadable(name, error) from error
    except (ValueError, RecursionError, TypeError, LookupError, AttributeError) as error:
        title = "The model's {name} is damaged: it is no safetensors file."
        raise BundleError(title, ANOTHER, name=name) from error
    expected = max((each.end for each in tensors.values()), default=8 + length)
    if size != expected:
        raise wrong_length(file.name, size, expected)
    return TensorFile(tensors, expected, metadata if isinstance(metadata, dict) else {})


def _check_places(tensors: Iterable[StoredTensor], start: int) -> None:
    """One tensor follows the other: were bytes shared, a small file could fill the memory."""
    for each in sorted(tensors, key=lambda tensor: (tensor.begin, tensor.end)):
        if each.begin != start:
            raise ValueError("tensors with a gap between them, or over each other")
        start = each.end


def _tensor(entry: Any, start: int) -> StoredTensor:
    """Raises ValueError, TypeError and LookupError."""
    shape, (begin, end), dtype = entry["shape"], entry["data_offsets"], entry["dtype"]
    if not isinstance(shape, list) or len(shape) > MOST_DIMENSIONS or not isinstance(dtype, str):
        raise ValueError("a shape that no tensor has")
    if not all(type(each) is int and 0 <= each < _LARGEST for each in (*shape, begin, end)):
        raise ValueError("a number that no tensor has")
    needed = math.prod(shape) * _BITS[dtype] // 8 if dtype in _BITS else end - begin
    if end < begin or end - begin != needed:
        raise ValueError("a tensor that doesn't fill its place")
    return StoredTensor(dtype, tuple(shape), start + begin, start + end)
