"""Writes an ONNX graph node by node, its weights in a file beside it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from mmgpt_desktop.engine.graphs.graph_file import stored_at

FLOAT, INT32, INT64 = TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64
END = int(np.iinfo(np.int64).max)  # of an axis, in a Slice
OPSET = 20
IR_VERSION = 10  # what ONNX Runtime reads
CONTRIB = "com.microsoft"
INLINE_BYTES = 1024
ALIGNMENT = 4096  # a page: ONNX Runtime maps such tensors instead of reading them


class Nodes(ABC):
    """What takes nodes and constants."""

    @abstractmethod
    def tensor(self, name: str, array: NDArray[Any]) -> str:
        """A constant; returns its name."""

    @abstractmethod
    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output; returns the output's name."""

    def constant(self, *values: float | int, scalar: bool = False) -> str:
        """A short list of int64 or float32, or one such number."""
        kind = np.float32 if any(isinstance(value, float) for value in values) else np.int64
        array = np.array(values[0] if scalar else values, kind)
        return self.tensor(f"const_{kind.__name__}_{array.tolist()}", array)


class GraphWriter(Nodes):
    """A graph under construction; large tensors go to `data` as they are given.

    Names of tensors are those that they were given, of nodes' outputs a number.
    """

    def __init__(self, data: BinaryIO, data_name: str) -> None:
        self._data, self._data_name = data, data_name
        self._nodes: list[onnx.NodeProto] = []
        self._tensors: dict[str, TensorProto] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._count = 0

    def input(self, name: str, dtype: int, shape: Sequence[int | str]) -> str:
        self._inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def output(self, value: str, name: str, dtype: int, shape: Sequence[int | str]) -> None:
        """Give `value` out under `name`."""
        if value != name:
            self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, dtype, shape))

    def tensor(self, name: str, array: NDArray[Any]) -> str:
        """A constant; the same name again is the same constant."""
        if name not in self._tensors:
            array = np.asarray(array, order="C")  # ascontiguousarray would make a scalar a list
            inline = array.nbytes <= INLINE_BYTES
            made = numpy_helper.from_array(array, name) if inline else self._stored(name, array)
            self._tensors[name] = made
        return name

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        return self.ops(kind, inputs, [self._name(kind)], domain=domain, **attributes)[0]

    def ops(
        self,
        kind: str,
        inputs: Sequence[str],
        outputs: Sequence[str | None],
        *,
        domain: str = "",
        **attributes: Any,
    ) -> list[str]:
        """Add a node with these outputs; None stands for one that gets a name of its own."""
        names = [self._name(kind) if name is None else name for name in outputs]
        self._nodes.append(helper.make_node(kind, inputs, names, domain=domain, **attributes))
        return names

    def save(self, path: Path) -> None:
        """Write the graph; its data must lie beside it under the name given at first."""
        graph = helper.make_graph(
            self._nodes, path.stem, self._inputs, self._outputs, list(self._tensors.values())
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION), path)

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"

    def _stored(self, name: str, array: NDArray[Any]) -> TensorProto:
        self._data.write(b"\0" * (-self._data.tell() % ALIGNMENT))
        offset = self._data.tell()
        self._data.write(array.tobytes())
        made = TensorProto(
            name=name,
            data_type=helper.np_dtype_to_tensor_dtype(array.dtype),
            dims=array.shape,
        )
        return stored_at(made, self._data_name, offset, array.nbytes)
