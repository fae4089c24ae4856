"""Prefix attention: blocks of positions that see each other both ways, in graphs of ours and the
community's."""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

from mmgpt_desktop.engine.graphs.attention_nodes import group_queries
from mmgpt_desktop.engine.graphs.names import BLOCKS, EMBEDS
from mmgpt_desktop.engine.graphs.nodes import Nodes

FORBIDDEN = -1e4  # a score that leaves nothing after the softmax, in float16, too
_BIAS = 10  # the number of the operator's input
_REPLACED = ("causal", "local_window_size")


def see_blocks(graph: onnx.GraphProto, *, windows_cut: bool) -> bool:
    """Have a decoder of the community read pictures both ways, where its graph reads in order only.

    Adds the input `blocks` int64 [T]: positions of one block see each other both ways, and -1
    stands alone (`Prompt.blocks`). A layer's window cuts blocks where `windows_cut`.

    False where the graph is left as it is: its attention isn't GroupQueryAttention's, or it has
    a mask already.
    """
    kernels, names = group_queries(graph), {each.name for each in graph.input}
    masked = any(any(node.input[_BIAS : _BIAS + 1]) for node in kernels)
    if not kernels or masked or BLOCKS in names or EMBEDS not in names:
        return False
    nodes, biases = Nodes(f"{BLOCKS}/"), dict[int, str]()
    size, scalar = nodes.op("Shape", BLOCKS), nodes.constant()
    fed = nodes.op("Gather", nodes.op("Shape", EMBEDS), nodes.constant(1), axis=0)
    length, past = (
        nodes.op("Reshape", each, scalar) for each in (size, nodes.op("Sub", size, fed))
    )
    kinds = {each.name: each.type.tensor_type.elem_type for each in graph.input}
    for node in kernels:
        settings = {each.name: each.i for each in node.attribute}
        window = settings.get("local_window_size", -1)
        if window not in biases:
            kind = kinds.get(node.input[3], TensorProto.FLOAT)
            bias = block_bias(nodes, length, past, window, windows_cut=windows_cut)
            biases[window] = nodes.op("Cast", bias, to=kind)
        node.input.extend([""] * (_BIAS + 1 - len(node.input)))
        node.input[_BIAS] = biases[window]
        kept = [each for each in node.attribute if each.name not in _REPLACED]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute("causal", 0)])
    graph.input.append(helper.make_tensor_value_info(BLOCKS, TensorProto.INT64, ["positions"]))
    after = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes.nodes, *after])
    graph.initializer.extend(nodes.tensors.values())
    return True


def block_bias(nodes: Nodes, length: str, past: str, window: int, *, windows_cut: bool) -> str:
    """Nodes for [1, 1, S, T]: 0 where a new position sees another, else `FORBIDDEN`.

    It sees what is before it, if `window` is above 0 so many of them, and its own block both
    ways. `length` is T and `past` T - S, int64 [].
    """
    zero, one = nodes.constant(0, scalar=True), nodes.constant(1, scalar=True)
    columns = nodes.op("Range", zero, length, one)
    rows = nodes.op("Unsqueeze", nodes.op("Range", past, length, one), nodes.constant(1))
    back = nodes.op("Sub", rows, columns)  # (S, T)
    own = nodes.op("Gather", BLOCKS, rows, axis=0)  # (S, 1)
    inside = nodes.op("GreaterOrEqual", own, zero)
    together = nodes.op("And", nodes.op("Equal", own, BLOCKS), inside)
    seen, near = nodes.op("GreaterOrEqual", back, zero), ""
    if window > 0:
        near = nodes.op("Less", back, nodes.constant(window, scalar=True))
        seen = nodes.op("And", seen, near)
    seen = nodes.op("Or", seen, together)
    if near and windows_cut:
        seen = nodes.op("And", seen, near)
    free, never = (nodes.constant(score, scalar=True) for score in (0.0, FORBIDDEN))
    return nodes.op("Unsqueeze", nodes.op("Where", seen, free, never), nodes.constant(0, 1))
