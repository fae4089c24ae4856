"""The weights of an image encoder's graph in fewer bits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from mmgpt_desktop.engine.graphs.nodes import Nodes
from mmgpt_desktop.export.graph_writer import CONTRIB
from mmgpt_desktop.export.linear import Precision, linears_for

_LARGE = 1024  # values; smaller tensors keep their precision


def halve(path: Path) -> None:
    """Store the weights as float16; ONNX Runtime widens them when it loads the graph."""
    model = onnx.load(path)
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < _LARGE:
            continue
        name, stored = tensor.name, f"{tensor.name}.float16"
        half = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(half, stored))
        casts.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    _save(model, path)


def quantise(path: Path) -> None:
    """Matrices in 8 bits by blocks, as the decoder's: one scale for all that a layer is fed
    with is quicker, and loses what is small beside a few large values."""
    model = onnx.load(path)
    graph, way, made = model.graph, linears_for(Precision.INT8), Nodes("made.")
    stored = {tensor.name: tensor for tensor in graph.initializer}
    turned = dict(_turned(graph, stored))
    for node in graph.node:
        weight = _weight(node, stored, turned)
        if weight is None:
            made.nodes.append(node)
            continue
        matrix = numpy_helper.to_array(stored[weight])
        bias = numpy_helper.to_array(stored[node.input[2]]) if len(node.input) > 2 else None
        way.add(made, weight, node.input[0], matrix, bias)
        made.nodes[-1].output[0] = node.output[0]
    read = {name for node in made.nodes for name in node.input}
    nodes = [node for node in made.nodes if node.output[0] not in turned or node.output[0] in read]
    read = {name for node in nodes for name in node.input}
    tensors = [tensor for name, tensor in {**stored, **made.tensors}.items() if name in read]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(tensors)
    model.opset_import.append(helper.make_opsetid(CONTRIB, 1))
    _save(model, path)


def _turned(graph: onnx.GraphProto, stored: dict[str, TensorProto]) -> Iterator[tuple[str, str]]:
    """Transposed matrices, and what they are made of."""
    for node in graph.node:
        if node.op_type == "Transpose" and len(stored.get(node.input[0], TensorProto()).dims) == 2:
            yield node.output[0], node.input[0]


def _weight(node: NodeProto, stored: dict[str, TensorProto], turned: dict[str, str]) -> str | None:
    """The matrix [N, K] of a linear layer, if the node is one and it is large."""
    name = None
    if node.op_type == "MatMul":
        name = turned.get(node.input[1])
    elif node.op_type == "Gemm" and any(
        each.name == "transB" and each.i for each in node.attribute
    ):
        name = node.input[1]
    return name if name in stored and np.prod(stored[name].dims) >= _LARGE else None


def _save(model: onnx.ModelProto, path: Path) -> None:
    """With all weights in one file beside the graph, made anew."""
    data = path.with_name(f"{path.name}.data")
    data.unlink(missing_ok=True)
    onnx.save(model, path, save_as_external_data=True, location=data.name, size_threshold=_LARGE)
