"""ONNX files: a graph read without its weights, and no weights from outside its folder.

A graph that is edited leaves its weights where they lie: whatever is large becomes external
data, also what the file itself holds, by its offset in that file.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from mmgpt_desktop.engine.folder.model_files import (
    ANOTHER,
    lies_inside,
    missing,
    refuse_stand_in_file,
)
from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.text import safe_name

INLINE_BYTES = 1024  # smaller tensors (shapes, constants) stay in the graph
# Field numbers of onnx.proto and the wire types of Protocol Buffers.
_MODEL_GRAPH, _GRAPH_INITIALIZER, _TENSOR_RAW_DATA = 7, 5, 9
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}


class _Field(NamedTuple):
    """A field of a message: `start` to `end` with its tag, its content from `content` on."""

    number: int
    start: int
    content: int
    end: int


def read_graph(path: Path) -> onnx.ModelProto:
    """The graph of an ONNX file, with each large tensor external: relative to its folder.

    Reads the graph alone, whatever the weights' size. Raises BundleError where the file is
    missing or no graph, or where a tensor lies outside the folder.
    """
    try:
        model = _read_light(path)
    except (OSError, ValueError, IndexError, DecodeError) as error:
        refuse_stand_in_file(path)
        title = "The model's graph {name} is missing or damaged."
        raise BundleError(title, ANOTHER, name=safe_name(path.name)) from error
    check_external(model, path.parent)
    return model


def check_external(model: onnx.ModelProto, folder: Path) -> None:
    """Raises BundleError if a tensor's external data lies outside `folder`, or isn't all
    there."""
    needed = dict[str, int]()  # bytes that each file must have, at least
    for tensor in _tensors(model):
        entry = {each.key: each.value for each in tensor.external_data}
        if place := entry.get("location"):
            needed[place] = max(needed.get(place, 0), _end(entry))
    for place, size in sorted(needed.items()):
        if not lies_inside(place, folder):
            title = "The model's graph points to a file outside its folder: {name}."
            raise BundleError(title, "Don't use this model.", name=safe_name(place))
        file = folder / place
        if not file.is_file():
            raise missing(place)
        if file.stat().st_size < size:
            refuse_stand_in_file(file)
            title = "The model's file {name} is cut short."
            raise BundleError(title, ANOTHER, name=safe_name(place))


def external_places(path: Path) -> set[str]:
    """The files that hold a graph's weights, as it names them; none of a file that is no graph."""
    try:
        return {each.value for each in _locations(_read_light(path))}
    except (OSError, ValueError, IndexError, DecodeError):
        return set()


def at_real_places(graph: bytes, folder: Path) -> tuple[bytes, Path]:
    """A checked graph whose external data are the files that links in `folder` lead to, and the
    folder that they are relative to: ONNX Runtime follows no link that leaves it, and the
    snapshots of the hub's cache are links alone."""
    model = onnx.ModelProto.FromString(graph)
    places = _locations(model)
    root = folder.resolve()
    real = {each.value: (root / each.value).resolve() for each in places}
    if all(path == root / place for place, path in real.items()):
        return graph, folder
    home = Path(os.path.commonpath([path.parent for path in real.values()]))
    for each in places:
        each.value = real[each.value].relative_to(home).as_posix()
    return model.SerializeToString(), home


def stored_at(
    tensor: onnx.TensorProto, location: str, offset: int, length: int
) -> onnx.TensorProto:
    """The tensor, whose numbers are so many bytes of the file `location`."""
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def forget_traces(model: onnx.ModelProto) -> None:
    """Drop where PyTorch's exporter found each node: longer than the graph."""
    for node in model.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")


def _locations(model: onnx.ModelProto) -> list[onnx.StringStringEntryProto]:
    """The entries that name the files of its external data."""
    entries = (each for tensor in _tensors(model) for each in tensor.external_data)
    return [each for each in entries if each.key == "location"]


def _end(entry: Mapping[str, str]) -> int:
    """Where a tensor ends in its file, as far as it says so."""
    try:
        return int(entry.get("offset", 0)) + int(entry.get("length", 0))
    except ValueError:
        return 0


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    yield from _graph_tensors(model.graph)
    for function in model.functions:
        yield from _node_tensors(function.node)


def _graph_tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _node_tensors(graph.node)


def _node_tensors(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.TensorProto]:
    for node in nodes:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for graph in (attribute.g, *attribute.graphs):
                yield from _graph_tensors(graph)


def _read_light(path: Path) -> onnx.ModelProto:
    """Raises OSError, and what `_light` does of a file that is no graph."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _light(data, path.name)


def _light(data: mmap.mmap, location: str) -> onnx.ModelProto:
    model, graph = onnx.ModelProto(), onnx.GraphProto()
    fields = list(_fields(data, 0, len(data)))
    model.MergeFromString(
        b"".join(data[f.start : f.end] for f in fields if f.number != _MODEL_GRAPH)
    )
    for outer in fields:
        if outer.number != _MODEL_GRAPH:
            continue
        light = list[bytes]()
        for field in _fields(data, outer.content, outer.end):
            if field.number == _GRAPH_INITIALIZER:
                graph.initializer.append(_tensor(data, field, location))
            else:
                light.append(data[field.start : field.end])
        graph.MergeFromString(b"".join(light))
    model.graph.CopyFrom(graph)
    return model


def _tensor(data: mmap.mmap, field: _Field, location: str) -> onnx.TensorProto:
    parts = list(_fields(data, field.content, field.end))
    raw = next((part for part in parts if part.number == _TENSOR_RAW_DATA), None)
    if raw is None or raw.end - raw.content < INLINE_BYTES:
        whole: onnx.TensorProto = onnx.TensorProto.FromString(data[field.content : field.end])
        return whole
    rest = b"".join(data[part.start : part.end] for part in parts if part is not raw)
    tensor: onnx.TensorProto = onnx.TensorProto.FromString(rest)
    return stored_at(tensor, location, raw.content, raw.end - raw.content)


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[_Field]:
    at = start
    while at < end:
        tag, content = _varint(data, at)
        wire = tag & 7
        if wire == _BYTES:
            length, content = _varint(data, content)
            after = content + length
        elif wire == _VARINT:
            after = _varint(data, content)[1]
        elif wire in _FIXED_SIZES:
            after = content + _FIXED_SIZES[wire]
        else:
            raise ValueError("not a Protocol Buffers file")
        if after > end:
            raise ValueError("a field reaches beyond its message")
        yield _Field(tag >> 3, at, content, after)
        at = after


def _varint(data: mmap.mmap, at: int) -> tuple[int, int]:
    """A number of 7 bits a byte, the low ones first; and where it ends."""
    value = 0
    for shift in range(0, 64, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number is too long")
