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
END = int(np.iinfo(np.int64).max)  # of an axis, in a Slice
OPSET = 20
IR_VERSION = 10  # what ONNX Runtime reads
CONTRIB = "com.microsoft"
INLINE_BYTES = 1024
ALIGNMENT = 4096  # a page: ONNX Runtime maps such tensors instead of reading them


class GraphWriter(Nodes):
    """A graph under construction; large tensors go to `data` as they are given."""

    def __init__(self, data: BinaryIO, data_name: str) -> None:
        super().__init__()
        self._data, self._data_name = data, data_name
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
        self._data.write(b"\0" * (-self._data.tell() % ALIGNMENT))
        offset = self._data.tell()
        self._data.write(array.tobytes())
        made = TensorProto(
            name=name,
            data_type=helper.np_dtype_to_tensor_dtype(array.dtype),
            dims=array.shape,
        )
        return stored_at(made, self._data_name, offset, array.nbytes)
