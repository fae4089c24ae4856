"""Nodes and constants that come into an ONNX graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper


class Nodes:
    """Written one after the other; strings are names of values.

    Names that are made here begin with `prefix`: those of the graph are others. `activations`:
    the type of what flows between the graph's layers, float32 or float16.
    """

    def __init__(self, prefix: str = "", activations: int = TensorProto.FLOAT) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: dict[str, TensorProto] = {}
        self._prefix, self._count = prefix, 0
        self.activations = activations

    def tensor(self, name: str, array: NDArray[Any]) -> str:
        """A constant; the same name again is the same constant."""
        if name not in self.tensors:
            # ascontiguousarray would make a scalar a list
            self.tensors[name] = self.stored(name, np.asarray(array, order="C"))
        return name

    def flowing(self, name: str, array: NDArray[np.float32]) -> str:
        """A constant in the activations' type."""
        return self.tensor(name, array.astype(helper.tensor_dtype_to_np_dtype(self.activations)))

    def cast(self, value: str, kind: int, to: int) -> str:
        """`value`, which is of `kind`, as another."""
        return value if kind == to else self.op("Cast", value, to=to)

    def stored(self, name: str, array: NDArray[Any]) -> TensorProto:
        """A constant as the graph keeps it."""
        return numpy_helper.from_array(array, name)

    def constant(self, *values: float | int, scalar: bool = False) -> str:
        """A short list of int64 or float32, or one such number."""
        kind = np.float32 if any(isinstance(value, float) for value in values) else np.int64
        array = np.array(values[0] if scalar else values, kind)
        return self.tensor(f"{self._prefix}const_{kind.__name__}_{array.tolist()}", array)

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output."""
        return self.ops(kind, inputs, [None], domain=domain, **attributes)[0]

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
        self.nodes.append(helper.make_node(kind, inputs, names, domain=domain, **attributes))
        return names

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{self._prefix}{kind}_{self._count}"
