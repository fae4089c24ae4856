"""Has a decoder of the community read pictures both ways, where its graph reads in order only."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from mmgpt_desktop.engine.graphs.attention_nodes import group_queries
from mmgpt_desktop.engine.graphs.names import BLOCKS, EMBEDS

FORBIDDEN = -1e4  # a score that leaves nothing after the softmax, in float16, too
_BIAS = 10  # the number of the operator's input
_REPLACED = ("causal", "local_window_size")


def see_blocks(graph: onnx.GraphProto, *, windows_cut: bool) -> bool:
    """Add the input `blocks` int64 [T]: positions of one block see each other both ways, and -1
    stands alone (`Prompt.blocks`). A layer's window cuts blocks where `windows_cut`.

    False where the graph is left as it is: its attention isn't GroupQueryAttention's, or it has
    a mask already.
    """
    kernels, names = group_queries(graph), {each.name for each in graph.input}
    masked = any(any(node.input[_BIAS : _BIAS + 1]) for node in kernels)
    if not kernels or masked or BLOCKS in names or EMBEDS not in names:
        return False
    writer, biases = _Writer(), dict[int, str]()
    kinds = {each.name: each.type.tensor_type.elem_type for each in graph.input}
    for node in kernels:
        settings = {each.name: each.i for each in node.attribute}
        window = settings.get("local_window_size", -1)
        if window not in biases:
            kind = kinds.get(node.input[3], TensorProto.FLOAT)
            biases[window] = writer.bias(window, windows_cut, kind)
        node.input.extend([""] * (_BIAS + 1 - len(node.input)))
        node.input[_BIAS] = biases[window]
        kept = [each for each in node.attribute if each.name not in _REPLACED]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute("causal", 0)])
    graph.input.append(helper.make_tensor_value_info(BLOCKS, TensorProto.INT64, ["positions"]))
    nodes = [*writer.nodes, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(writer.constants)
    return True


class _Writer:
    """The nodes that tell which position sees which, [S, T]."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[TensorProto] = []
        size = self._op("Shape", BLOCKS)
        fed = self._op("Gather", self._op("Shape", EMBEDS), self._int([1]), axis=0)
        length, past = self._scalar(size), self._scalar(self._op("Sub", size, fed))
        zero, one = self._int(0), self._int(1)
        columns = self._op("Range", zero, length, one)
        rows = self._op("Unsqueeze", self._op("Range", past, length, one), self._int([1]))
        self._back = self._op("Sub", rows, columns)
        own = self._op("Gather", BLOCKS, rows, axis=0)  # [S, 1]
        self._causal = self._op("Not", self._op("Less", self._back, zero))
        inside = self._op("Not", self._op("Less", own, zero))
        self._together = self._op("And", self._op("Equal", own, BLOCKS), inside)

    def bias(self, window: int, windows_cut: bool, kind: int) -> str:
        """[1, 1, S, T]: 0, or what leaves nothing."""
        seen, near = self._causal, ""
        if window > 0:
            near = self._op("Less", self._back, self._int(window))
            seen = self._op("And", seen, near)
        seen = self._op("Or", seen, self._together)
        if near and windows_cut:
            seen = self._op("And", seen, near)
        free, never = (self._constant(np.array(score, np.float32)) for score in (0, FORBIDDEN))
        bias = self._op("Cast", self._op("Where", seen, free, never), to=kind)
        return self._op("Unsqueeze", bias, self._int([0, 1]))

    def _scalar(self, name: str) -> str:
        return self._op("Reshape", name, self._int([]))

    def _int(self, value: int | list[int]) -> str:
        return self._constant(np.array(value, np.int64))

    def _constant(self, value: Any) -> str:
        name = f"{BLOCKS}/constant.{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def _op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{BLOCKS}/{kind}.{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name
