"""Finds the attention of each layer in a decoder's graph, spelled out or in a fused operator.

What the operators take and give is in the specifications of ONNX (Attention, from operator set
23 on) and of ONNX Runtime (GroupQueryAttention, MultiHeadAttention and its older Attention).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import onnx
from onnx import NodeProto, TensorProto, helper

ATTENTION, GROUP_QUERY = "attention", "GroupQueryAttention"
_GIVES, _SOFTMAX = "qk_output", 2  # the attribute, and its value for what the softmax gave
_WITHOUT_WEIGHTS = ("sliding_window_cache", "kv_cache_bit_width")
_STEPS = 8  # nodes between a softmax and the products around it (masks, scales, casts)
_PRODUCTS = {"MatMul", "Gemm", "Einsum", "FusedMatMul", "MatMulInteger"}
_BEFORE = {"Add", "Sub", "Mul", "Div", "Where", "Cast", "Reshape", "Tanh", "Identity", "Clip",
           "Max", "Min", "Transpose", "DequantizeLinear", "QuantizeLinear"}  # fmt: skip
_AFTER = {"Cast", "Identity", "Dropout", "Where", "Reshape", "Mul", "Expand",
          "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"}  # fmt: skip
_FLOATS = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16}
_LOGICAL = {"And", "Or", "Not", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"}


class Unknown(Exception):
    """A graph whose attention can't be had; the end of a sentence says why."""


@dataclass(frozen=True)
class TensorKind:
    """As far as known: an ONNX element type or 0; the lengths of the axes, None for open ones."""

    element: int = 0
    shape: tuple[int | None, ...] | None = None

    @property
    def rank(self) -> int | None:
        return None if self.shape is None else len(self.shape)


SPELLED, GIVEN = "spelled out", "given"


@dataclass(frozen=True)
class Spelled:
    """Attention whose softmax, [1, ..., S, T], is a tensor of the graph; [1, head, S, T] where
    an operator gives it."""

    weights: str
    kind: str = SPELLED


@dataclass(frozen=True)
class FusedKind:
    """How a fused operator makes its weights. Layers that agree in all of this go together.

    Tensors by name, "" for none. `mask` [..., S, T] is added to the scores, or a bool. Of
    `packed` (queries, all) heads in the query's tensor the queries come first. `sink` [head] are
    scores beside those of the positions; `smooth` means a sink of 0.
    """

    query_axis: int = 1
    packed: tuple[int, int] | None = None
    with_values: bool = False  # keys and values in one tensor [2, 1, head, T, d]
    heads_of_flat_keys: int = 0  # keys are [1, T, head * d], else [1, head, T, d]
    key_shape: tuple[int | None, ...] = ()
    adds_bias: bool = False
    projects: bool = False
    rotary: tuple[str, str] | None = None  # cosines and sines [position, r / 2]
    interleaved: bool = False
    position_ids: str = ""
    last_position: str = ""
    total: str = ""  # positions, where the keys may have room for more
    scale: float = 0.0  # 0 is 1 / sqrt(d)
    softcap: float = 0.0
    mask: str = ""
    mask_is_bool: bool = False
    window: int = 0  # positions, the last one included; 0 is all
    sink: str = ""
    smooth: bool = False


@dataclass(frozen=True)
class FusedAttention:
    """The last row of a fused operator's attention, to be computed again."""

    query: str
    keys: str
    kind: FusedKind
    bias: str = ""
    projection: str = ""


@dataclass
class _Node:
    """A node with its attributes at hand."""

    proto: NodeProto
    kinds: dict[str, TensorKind]
    producers: dict[str, NodeProto]
    attributes: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.attributes = {a.name: helper.get_attribute_value(a) for a in self.proto.attribute}

    def input(self, index: int) -> str:
        return self.proto.input[index] if index < len(self.proto.input) else ""

    def output(self, index: int) -> str:
        return self.proto.output[index] if index < len(self.proto.output) else ""

    def kind(self, name: str) -> TensorKind:
        return self.kinds.get(name, TensorKind())

    def is_bool(self, name: str) -> bool:
        made = self.producers.get(name)
        known = self.kind(name).element
        return known == TensorProto.BOOL or (not known and made is not None
                                             and made.op_type in _LOGICAL)  # fmt: skip

    def refuse(self, *names: str) -> None:
        """Raises Unknown where the node has one of these attributes, other than 0."""
        for name in names:
            if self.attributes.get(name):
                raise Unknown(f"{self.proto.op_type} with {name}")


def find_attention(
    graph: onnx.GraphProto, kinds: dict[str, TensorKind]
) -> Iterator[Spelled | FusedAttention]:
    """Layer after layer, which is the order of the nodes. Raises Unknown."""
    producers = {name: node for node in graph.node for name in node.output if name}
    consumers = dict[str, list[NodeProto]]()
    for node in graph.node:
        for name in node.input:
            consumers.setdefault(name, []).append(node)
    for node in graph.node:
        if node.op_type == "Softmax":
            if _is_attention(node, producers, consumers):
                yield Spelled(node.output[0])
        elif reader := _READERS.get((node.domain.replace("ai.onnx", ""), node.op_type)):
            yield reader(_Node(node, kinds, producers))


def tensor_kinds(model: onnx.ModelProto) -> dict[str, TensorKind]:
    """What is known of the graph's tensors; names are unique, its branches' among them."""
    inferred = onnx.shape_inference.infer_shapes(model)
    return dict(_kinds(inferred.graph))


def _kinds(graph: onnx.GraphProto) -> Iterator[tuple[str, TensorKind]]:
    for tensor in graph.initializer:
        yield tensor.name, TensorKind(tensor.data_type, tuple(tensor.dims))
    for value in (*graph.value_info, *graph.input, *graph.output):
        kind = value.type.tensor_type
        lengths = (d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim)
        shape = tuple(lengths) if kind.HasField("shape") else None
        yield value.name, TensorKind(kind.elem_type, shape)
    for node in graph.node:
        for branch in _branches(node):
            yield from _kinds(branch)


def _is_attention(
    softmax: NodeProto, producers: dict[str, NodeProto], consumers: dict[str, list[NodeProto]]
) -> bool:
    """Is it between two products: of queries and keys, and of the weights and values?"""

    def above(node: NodeProto) -> Iterable[NodeProto]:
        return (producers[name] for name in node.input if name in producers)

    def below(node: NodeProto) -> Iterable[NodeProto]:
        return (user for name in node.output for user in consumers.get(name, ()))

    return _reaches(softmax, above, _BEFORE) and _reaches(softmax, below, _AFTER)


def _reaches(
    start: NodeProto, near: Callable[[NodeProto], Iterable[NodeProto]], through: set[str]
) -> bool:
    edge: list[NodeProto] = [start]
    for _ in range(_STEPS):
        found = [node for each in edge for node in near(each)]
        if any(node.op_type in _PRODUCTS for node in found):
            return True
        edge = [node for node in found if node.op_type in through]
    return False


def ask_kernels(graph: onnx.GraphProto) -> None:
    """Have GroupQueryAttention give its weights, which ONNX Runtime's on the CPU can."""
    for number, node in enumerate(group_queries(graph)):
        has = {attribute.name for attribute in node.attribute if attribute.i}
        if len(node.output) == 3 and not has.intersection(_WITHOUT_WEIGHTS):
            node.output.append(f"{ATTENTION}/given.{number}")
            node.attribute.append(helper.make_attribute(_GIVES, _SOFTMAX))


def drop_attention(graph: onnx.GraphProto) -> None:
    """Take the output `attention` away, with all that served it alone."""
    kept = [output for output in graph.output if output.name != ATTENTION]
    del graph.output[:]
    graph.output.extend(kept)
    read = {output.name for output in kept}
    needed = list[NodeProto]()
    for node in reversed(graph.node):
        if read.intersection(node.output):
            needed.append(node)
            read.update(node.input)
            for branch in _branches(node):
                read.update(name for inner in _nodes(branch) for name in inner.input)
                read.update(output.name for output in branch.output)
    nodes = [_quiet(node, read) for node in reversed(needed)]
    del graph.node[:]
    graph.node.extend(nodes)


def _quiet(node: NodeProto, read: set[str]) -> NodeProto:
    """A kernel gives no weights that nobody reads."""
    copy = NodeProto()
    copy.CopyFrom(node)
    if node.op_type == GROUP_QUERY and len(node.output) == 4 and node.output[3] not in read:
        copy.output.pop()
        del copy.attribute[:]
        copy.attribute.extend(each for each in node.attribute if each.name != _GIVES)
    return copy


def writes_in_place(graph: onnx.GraphProto) -> bool:
    """May the buffers of past and present keys and values be the same, with room for more
    positions than they hold?

    So where GroupQueryAttention alone reads and makes them: it goes by the lengths that it is
    told, and others by the buffer's.
    """
    kernels = group_queries(graph)
    pasts = [name for node in kernels for name in node.input[3:5]]
    presents = [name for node in kernels for name in node.output[1:3]]
    own = {id(node) for node in kernels}
    others = {name for node in _nodes(graph) if id(node) not in own for name in node.input}
    taken = {each.name for each in graph.input if each.name.startswith("past")}
    given = {each.name for each in graph.output}
    shared = {*pasts, *presents}
    return (
        len(shared) == 4 * len(kernels) > 0
        and set(pasts) == taken
        and given.issuperset(presents)
        and not others & shared
    )


def group_queries(graph: onnx.GraphProto) -> list[NodeProto]:
    return [node for node in graph.node if node.op_type == GROUP_QUERY]


def _nodes(graph: onnx.GraphProto) -> Iterator[NodeProto]:
    """Those of its branches, too."""
    for node in graph.node:
        yield node
        for branch in _branches(node):
            yield from _nodes(branch)


def _branches(node: NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _group_query(node: _Node) -> FusedAttention | Spelled:
    if node.output(3) and node.attributes.get(_GIVES) == _SOFTMAX:
        return Spelled(node.output(3), GIVEN)
    node.refuse(*_WITHOUT_WEIGHTS)
    if node.input(14):
        raise Unknown("GroupQueryAttention that normalises its queries")
    keys = _present(node)
    heads, kv_heads = node.attributes["num_heads"], node.attributes["kv_num_heads"]
    rotary = node.attributes.get("do_rotary", 0)
    kind = FusedKind(
        packed=None if node.input(1) else (heads, heads + 2 * kv_heads),
        key_shape=_heads_and_width(node, keys),
        rotary=(node.input(7), node.input(8)) if rotary else None,
        interleaved=bool(node.attributes.get("rotary_interleaved", 0)),
        position_ids=node.input(9) if rotary else "",
        last_position=node.input(5) if rotary else "",
        total=node.input(6),
        scale=node.attributes.get("scale", 0.0),
        softcap=node.attributes.get("softcap", 0.0),
        mask=node.input(10),
        window=max(0, node.attributes.get("local_window_size", -1)),
        sink=node.input(11),
        smooth=node.attributes.get("smooth_softmax", 0) == 1,
    )
    return FusedAttention(node.input(0), keys, kind)


def _multi_head(node: _Node) -> FusedAttention:
    if node.input(8):
        raise Unknown("MultiHeadAttention with a shared buffer of keys")
    if not node.input(1):
        raise Unknown("MultiHeadAttention with packed queries")
    keys, flat = node.output(1), 0
    if not keys:
        keys = node.input(1)
        rank = node.kind(keys).rank
        if rank not in (3, 4):
            raise Unknown("MultiHeadAttention without keys for all positions")
        flat = node.attributes["num_heads"] if rank == 3 else 0
    kind = FusedKind(
        heads_of_flat_keys=flat,
        key_shape=_heads_and_width(node, keys),
        adds_bias=bool(node.input(3)),
        scale=node.attributes.get("scale", 0.0),
        mask=node.input(5),
    )
    return FusedAttention(node.input(0), keys, kind, bias=node.input(3))


def _standard(node: _Node) -> FusedAttention:
    """Attention of ONNX itself: heads are an axis, unless attributes give their number."""
    if node.input(6):
        raise Unknown("Attention with a shared buffer of keys")
    flat = "q_num_heads" in node.attributes
    keys = node.output(1) or node.input(1)
    kind = FusedKind(
        query_axis=1 if flat else 2,
        heads_of_flat_keys=0 if node.output(1) else node.attributes.get("kv_num_heads", 0),
        key_shape=_heads_and_width(node, keys),
        scale=node.attributes.get("scale", 0.0),
        softcap=node.attributes.get("softcap", 0.0),
        mask=node.input(3),
        mask_is_bool=node.is_bool(node.input(3)),
    )
    return FusedAttention(node.input(0), keys, kind)


def _projecting(node: _Node) -> FusedAttention:
    """ONNX Runtime's older Attention, with the projections of query, key and value inside."""
    node.refuse("do_rotary", "past_present_share_buffer", "qkv_hidden_sizes")
    heads = node.attributes["num_heads"]
    kind = FusedKind(
        packed=(heads, 3 * heads),
        with_values=True,
        adds_bias=bool(node.input(2)),
        projects=True,
        scale=node.attributes.get("scale", 0.0),
        mask=node.input(5),
    )
    return FusedAttention(node.input(0), _present(node), kind, node.input(2), node.input(1))


_READERS: dict[tuple[str, str], Callable[[_Node], FusedAttention | Spelled]] = {
    ("com.microsoft", GROUP_QUERY): _group_query,
    ("com.microsoft", "MultiHeadAttention"): _multi_head,
    ("com.microsoft", "Attention"): _projecting,
    ("", "Attention"): _standard,
}


def _present(node: _Node) -> str:
    keys = node.output(1)
    if not keys:
        raise Unknown(f"{node.proto.op_type} without a cache")
    if node.kind(keys).element not in {0, *_FLOATS}:
        raise Unknown(f"{node.proto.op_type} with a quantised cache")
    return keys


def _heads_and_width(node: _Node, keys: str) -> tuple[int | None, ...]:
    """So that layers of other sizes don't go together."""
    shape: Sequence[int | None] = node.kind(keys).shape or ()
    return (shape[1], shape[3]) if len(shape) == 4 else tuple(shape[2:])
