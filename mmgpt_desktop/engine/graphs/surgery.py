"""Gives a decoder's graph the output `attention` where it has none.

float32 [layer, head, T]: what the last position reads of all T = past + fed positions, for
one sequence without padding. Where the graph spells attention out, its softmax is taken; where
a fused operator hides it, the last row's softmax is computed again beside it, from the query
after rotary embedding and the keys that the operator hands on: softmax(q K^T / sqrt(d)), as in
Vaswani et al. 2017. Layers of the same kind are computed together, so that it costs few nodes.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import onnx
from onnx import TensorProto, helper
from onnx.inliner import inline_local_functions

from mmgpt_desktop.engine.graphs.attention_nodes import (
    ATTENTION,
    GIVEN,
    FusedAttention,
    FusedKind,
    Spelled,
    TensorKind,
    Unknown,
    ask_kernels,
    drop_attention,
    find_attention,
    group_queries,
    tensor_kinds,
    writes_in_place,
)
from mmgpt_desktop.engine.graphs.graph_file import read_graph
from mmgpt_desktop.engine.graphs.nodes import Nodes
from mmgpt_desktop.errors import NotAvailable
from mmgpt_desktop.note import NO_NOTE, Note
from mmgpt_desktop.writing import beside, sweep

VERSION = 3  # of what is written into the cache
_PRESENT_KEY = re.compile(r"present.*key")
_HIDDEN = float("-inf")

_log = logging.getLogger(__name__)


class Edited(NamedTuple):
    """A decoder's graph, its weights left in the folder of its file.

    `in_place`: its cache may be written in place (`attention_nodes.writes_in_place`).
    """

    graph: bytes
    in_place: bool


def attending_graph(
    path: Path,
    cache: Path | None,
    *,
    kernels: bool,
    edit: Callable[[onnx.GraphProto], object] = lambda _graph: None,
) -> tuple[Edited, Note]:
    """The decoder of `path` with `attention` among its outputs; or as it is, and why.

    `kernels`: operators that can give their attention do, which they can on the CPU alone;
    else it is computed again beside them. `edit` changes the graph before. What was made is kept
    in `cache`, by the graph's checksum. Raises BundleError for a bad file.
    """
    model = read_graph(path)
    edit(model.graph)
    plain: bytes = model.SerializeToString(deterministic=True)
    if any(output.name == ATTENTION for output in model.graph.output):
        if not group_queries(model.graph):
            return Edited(plain, False), NO_NOTE
        drop_attention(model.graph)  # made for one provider, it may be of no use to another
    in_place = writes_in_place(model.graph)
    digest, way = hashlib.sha256(plain).hexdigest(), "given" if kernels else "rebuilt"
    kept = cache / f"attention-{VERSION}-{way}-{digest}.onnx" if cache else None
    with contextlib.suppress(OSError):  # a home that can't be read is no fault of the model
        if kept and kept.is_file():
            return Edited(kept.read_bytes(), in_place), NO_NOTE
    try:
        add_attention(model, kernels=kernels)
    except NotAvailable as missing:
        return Edited(plain, in_place), missing.note
    edited: bytes = model.SerializeToString()
    if kept:
        _keep(kept, edited)
    return Edited(edited, in_place), NO_NOTE


def add_attention(model: onnx.ModelProto, *, kernels: bool) -> None:
    """Edit `model` in place, as `attending_graph`. Raises NotAvailable, and then it may be half
    edited."""
    try:
        _edit(model, kernels)
    except Unknown as unknown:
        title = "This model's decoder doesn't give its attention ({reason})."
        hint = "It can answer, but show no map of where a word looked; PyTorch may."
        raise NotAvailable(title, hint, reason=str(unknown)) from unknown


def _edit(model: onnx.ModelProto, kernels: bool) -> None:
    if model.functions:
        model.CopyFrom(inline_local_functions(model))
    if kernels:
        ask_kernels(model.graph)
    wanted = sum(1 for output in model.graph.output if _PRESENT_KEY.search(output.name))
    _make_room(model.graph)
    kinds = tensor_kinds(model)
    found = _Weaver(model.graph, kinds).weave(ATTENTION) or _edit_branches(model.graph, kinds)
    if not found:
        raise Unknown("none was recognised in it")
    if wanted and found != wanted:
        raise Unknown(f"of {wanted} layers, {found} were recognised")
    axes = ["layers", "heads", "positions"]
    model.graph.output.append(helper.make_tensor_value_info(ATTENTION, TensorProto.FLOAT, axes))


def _make_room(graph: onnx.GraphProto) -> None:
    """A tensor within the graph may have the output's name: it gets another."""
    for node in graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name == ATTENTION:
                    names[index] = f"{ATTENTION}/own"


def _edit_branches(graph: onnx.GraphProto, kinds: dict[str, TensorKind]) -> int:
    """Graphs for with and without a past, merged by an If: both get the output."""
    for node in graph.node:
        if node.op_type != "If":
            continue
        branches = [attribute.g for attribute in node.attribute]
        found = {_Weaver(branch, kinds).weave(branch.name + ATTENTION) for branch in branches}
        if found == {0}:
            continue
        if len(found) > 1:
            raise Unknown("its branches differ")
        for branch in branches:
            branch.output.append(helper.make_empty_tensor_value_info(branch.name + ATTENTION))
        node.output.append(ATTENTION)
        return found.pop()
    return 0


def _keep(path: Path, graph: bytes) -> None:
    """Written beside and put in place, so that nobody reads half of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        with beside(path) as unfinished:
            unfinished.write_bytes(graph)
    except OSError as error:  # next time the graph is edited again
        _log.warning("an edited graph could not be kept: %s", error)


class _Weaver(Nodes):
    """Adds nodes to one graph."""

    def __init__(self, graph: onnx.GraphProto, kinds: dict[str, TensorKind]) -> None:
        super().__init__(f"{graph.name}/attention/")
        self._graph = graph
        self._found = list(find_attention(graph, kinds))

    def weave(self, output: str) -> int:
        """Make the tensor `output`; returns how many layers it has. 0 changes nothing."""
        layers = self._attention(output)
        self._graph.node.extend(self.nodes)
        self._graph.initializer.extend(self.tensors.values())
        return layers

    def _attention(self, output: str) -> int:
        groups = dict[object, list[int]]()
        for layer, found in enumerate(self._found):
            groups.setdefault(found.kind, []).append(layer)
        if not groups:
            return 0
        parts = [self._together([self._found[i] for i in layers]) for layers in groups.values()]
        if len(parts) == 1:
            self.ops("Identity", parts, [output])
            return len(self._found)
        order = [layer for layers in groups.values() for layer in layers]
        places = self.constant(*map(order.index, range(len(order))))
        self.ops("Gather", [self._concat(parts, 0), places], [output], axis=0)
        return len(order)

    def _together(self, found: Sequence[Spelled | FusedAttention]) -> str:
        """The weights of layers of one kind: float32 [layer, head, T]."""
        if found[0].kind == GIVEN:
            return self._float(self._concat([self._given_row(each) for each in found], 0))
        spelled = [self._last_row(each) for each in found if isinstance(each, Spelled)]
        rows = [each for each in found if isinstance(each, FusedAttention)]
        return self._softmax(rows, rows[0].kind) if rows else self._concat(spelled, 0)

    def _given_row(self, found: Spelled | FusedAttention) -> str:
        """[1, head, S, T] to [1, head, T]: each by itself, so that none is kept for longer."""
        assert isinstance(found, Spelled)
        return self.op("Gather", found.weights, self._scalar(-1), axis=2)

    def _last_row(self, found: Spelled) -> str:
        """[1, ..., S, T] to [1, head, T]; the heads may be two axes, groups and their members."""
        last = self.op("Gather", found.weights, self._scalar(-1), axis=-2)
        flat = self.op("Flatten", self._float(last), axis=-1)
        return self._reshape(flat, [1, -1, self._size(flat, 1)])

    def _softmax(self, rows: list[FusedAttention], kind: FusedKind) -> str:
        keys = [self._keys(row) for row in rows]  # each [1, kv head, T, d]
        kv_heads, room, width = (self._size(keys[0], axis) for axis in (1, 2, 3))
        length = self._total(kind) if kind.total else room
        query = self._concat([self._query(row) for row in rows], 0)  # [layer, head * d]
        query = self._reshape(query, [len(rows), -1, width])
        if kind.rotary:
            query = self._rotated(query, kind.rotary, kind)
        query = self.op("Mul", query, self._scale(kind, width))
        query = self._reshape(query, [len(rows), kv_heads, -1, width])
        query = self.op("Transpose", query, perm=[0, 1, 3, 2])  # [layer, kv head, d, member]
        # Keys times query, not query times keys: so the keys need not be transposed.
        products = [self._product(each, query, layer) for layer, each in enumerate(keys)]
        scores = self._concat(products, 0)
        if kind.total:
            scores = self._slice(scores, 0, length, 2)
        scores = self.op("Transpose", scores, perm=[0, 1, 3, 2])
        scores = self._reshape(scores, [len(rows), -1, length])
        return self._normalised(self._masked(self._capped(scores, kind), length, kind), kind)

    def _total(self, kind: FusedKind) -> str:
        return self._reshape(self.op("Cast", kind.total, to=TensorProto.INT64), [1])

    def _keys(self, row: FusedAttention) -> str:
        if row.kind.with_values:
            return self.op("Gather", row.keys, self._scalar(0), axis=0)
        if not row.kind.heads_of_flat_keys:
            return row.keys
        shape: list[int | str] = [1, self._size(row.keys, 1), row.kind.heads_of_flat_keys, -1]
        return self.op("Transpose", self._reshape(row.keys, shape), perm=[0, 2, 1, 3])

    def _query(self, row: FusedAttention) -> str:
        """The last position's query, float32 [1, head * d]."""
        kind = row.kind
        last = self.op("Gather", row.query, self._scalar(-1), axis=kind.query_axis)
        if kind.projects:
            last = self.op("MatMul", last, row.projection)
        last = self._float(last)
        if kind.packed:
            heads, together = kind.packed
            apart = self._reshape(last, [1, together, -1])
            last = self._slice(apart, 0, self.constant(heads), 1)
        last = self.op("Flatten", last, axis=1)
        if kind.adds_bias:
            own = self._slice(self._float(row.bias), 0, self._size(last, 1), 0)
            last = self.op("Add", last, own)
        return last

    def _rotated(self, query: str, tables: tuple[str, str], kind: FusedKind) -> str:
        """Rotary embedding (Su et al. 2021) of [layer, head, d]: of the first parts alone where
        the tables are shorter than that."""
        place = self._position(kind)
        rows = [self.op("Gather", table, place, axis=0) for table in tables]
        cosines, sines = map(self._float, rows)  # [1, r / 2]
        half = self._size(cosines, 1)
        whole = self.op("Add", half, half)
        if kind.interleaved:
            left, right = (self._slice(query, first, whole, 2, 2) for first in (0, 1))
        else:
            left, right = self._slice(query, 0, half, 2), self._slice(query, half, whole, 2)
        turned = [
            self.op("Sub", self._times(left, cosines), self._times(right, sines)),
            self.op("Add", self._times(right, cosines), self._times(left, sines)),
        ]
        if kind.interleaved:
            layers, heads = self._size(left, 0), self._size(left, 1)
            pairs = [self._reshape(part, [layers, heads, half, 1]) for part in turned]
            turned = [self._reshape(self._concat(pairs, 3), [layers, heads, whole])]
        rest = self._slice(query, whole, self._size(query, 2), 2)
        return self._concat([*turned, rest], 2)

    def _position(self, kind: FusedKind) -> str:
        """The last position's number, [1]."""
        if not kind.position_ids:
            return self._reshape(kind.last_position, [1])
        flat = self._reshape(kind.position_ids, [-1])
        return self._slice(flat, -1, self._size(flat, 0), 0)

    def _scale(self, kind: FusedKind, width: str) -> str:
        if kind.scale:
            return self._scalar(kind.scale)
        root = self.op("Sqrt", self._float(width))
        return self.op("Div", self._scalar(1.0), root)

    def _product(self, keys: str, query: str, layer: int) -> str:
        """[1, kv head, T, member]"""
        own = self.op("Gather", query, self._scalar(layer), axis=0)
        return self.op("MatMul", self._float(keys), own)

    def _capped(self, scores: str, kind: FusedKind) -> str:
        if not kind.softcap:
            return scores
        cap = self._scalar(kind.softcap)
        return self._times(self.op("Tanh", self.op("Div", scores, cap)), cap)

    def _masked(self, scores: str, length: str, kind: FusedKind) -> str:
        if kind.mask:
            last = self.op("Gather", kind.mask, self._scalar(-1), axis=-2)
            if kind.mask_is_bool:
                never, always = self._scalar(_HIDDEN), self._scalar(0.0)
                last = self.op("Where", last, always, never)
            # [..., head or 1, T]: the batch of one stands where the layers are.
            scores = self.op("Add", scores, self._float(last))
        if kind.window:
            many = self.op("Reshape", length, self.constant())
            # Counted from the first position in the window, so that nothing is handed to a card.
            before = self.op("Sub", self._scalar(kind.window), many)
            places = self.op("Range", before, self._scalar(kind.window), self._scalar(1))
            far = self.op("Less", places, self._scalar(0))
            scores = self.op("Where", far, self._scalar(_HIDDEN), scores)
        return scores

    def _normalised(self, scores: str, kind: FusedKind) -> str:
        """Softmax over the positions, and over a sink's score where the heads have one."""
        if not (kind.sink or kind.smooth):
            return self.op("Softmax", scores, axis=-1)
        own = self._float(kind.sink) if kind.sink else self.constant(0.0)
        layers, heads, length = (self._size(scores, axis) for axis in (0, 1, 2))
        column = self._concat([layers, heads, self.constant(1)], 0)
        sinks = self.op("Expand", self._reshape(own, [1, -1, 1]), column)
        weights = self.op("Softmax", self._concat([scores, sinks], 2), axis=-1)
        return self._slice(weights, 0, length, 2)

    # What the nodes above are made of. Operator sets from 11 on must do: so no Split, Squeeze,
    # Unsqueeze and ReduceMean, whose axes became inputs, and no Shape of a part.

    def _scalar(self, value: float) -> str:
        return self.constant(value, scalar=True)

    def _float(self, name: str) -> str:
        """As float32; ONNX Runtime drops casts that change nothing."""
        return self.op("Cast", name, to=TensorProto.FLOAT)

    def _times(self, left: str, right: str) -> str:
        return self.op("Mul", left, right)

    def _concat(self, parts: Sequence[str], axis: int) -> str:
        return parts[0] if len(parts) == 1 else self.op("Concat", *parts, axis=axis)

    def _size(self, name: str, axis: int) -> str:
        """The length of an axis, int64 [1]."""
        return self._slice(self.op("Shape", name), axis, self.constant(axis + 1), 0)

    def _reshape(self, name: str, shape: Sequence[int | str]) -> str:
        sizes = [self.constant(size) if isinstance(size, int) else size for size in shape]
        return self.op("Reshape", name, self._concat(sizes, 0))

    def _slice(self, name: str, start: int | str, end: str, axis: int, step: int = 1) -> str:
        first = self.constant(start) if isinstance(start, int) else start
        return self.op("Slice", name, first, end, self.constant(axis), self.constant(step))
