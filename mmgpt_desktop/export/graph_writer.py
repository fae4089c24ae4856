"""Writes an ONNX graph node by node, its weights in a file beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from mmgpt_desktop.engine.graphs.graph_file import stored_at
from mmgpt_desktop.engine.graphs.nodes import Nodes

FLOAT, INT32, INT64 = TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64
HALF = TensorProto.FLOAT16
END = int(np.iinfo(np.int64).max)  # of an axis, in a Slice
OPSET = 20
IR_VERSION = 10  # what ONNX Runtime reads
CONTRIB = "com.microsoft"
INLINE_BYTES = 1024
ALIGNMENT = 4096  # a page: ONNX Runtime maps such tensors instead of reading them


class WeightFile:
    """Large tensors one after the other in a file, for all graphs beside it."""

    def __init__(self, data: BinaryIO, name: str) -> None:
        self._data, self._name = data, name
        self._stored = dict[tuple[str, int], TensorProto]()

    def stored(self, name: str, array: NDArray[Any]) -> TensorProto:
        """Written as it is given; the same name and type again is the same tensor."""
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        if (name, kind) not in self._stored:
            self._data.write(b"\0" * (-self._data.tell() % ALIGNMENT))
            made = TensorProto(name=name, data_type=kind, dims=array.shape)
            stored_at(made, self._name, self._data.tell(), array.nbytes)
            self._data.write(array.tobytes())
            self._stored[name, kind] = made
        return self._stored[name, kind]


class GraphWriter(Nodes):
    """A graph under construction, its large tensors in `weights`."""

    def __init__(self, weights: WeightFile, activations: int = FLOAT) -> None:
        super().__init__(activations=activations)
        self._weights = weights
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, dtype: int, shape: Sequence[int | str]) -> str:
        self._inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def output(self, value: str, name: str, dtype: int, shape: Sequence[int | str]) -> None:
        """Give `value` out under `name`."""
        if value != name:
            self.nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, dtype, shape))

    def save(self, path: Path) -> None:
        """Write the graph; its data must lie beside it under the name given at first."""
        graph = helper.make_graph(
            self.nodes, path.stem, self._inputs, self._outputs, list(self.tensors.values())
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION), path)

    def stored(self, name: str, array: NDArray[Any]) -> TensorProto:
        if array.nbytes <= INLINE_BYTES:
            return super().stored(name, array)
        return self._weights.stored(name, array)
