"""Room on a graphics card for keys and values, made there: none of it crosses the bus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.onnx_runtime import make_session, run_on_card

FILLED, ROOM = "filled", "room"
_AXES = 4  # [1, kv_heads, positions, head_dim]
_POSITIONS = 2  # of which this is the axis of the positions


class CardRoom:
    """Copies of keys and values with room behind them. One thread at a time."""

    def __init__(self, names: Sequence[str], kind: Any) -> None:
        """Of these names, all in numbers of `kind` (numpy's). Raises RuntimeFailure."""
        self._names = list(names)
        self._session = make_session(room_graph(names, kind), Path(), cuda=True)

    def __call__(self, held: Mapping[str, Any], filled: int, room: int) -> dict[str, Any]:
        """The first `filled` positions of what is `held` and `room` zeros behind them, as values
        on the card. Raises RuntimeFailure."""
        feeds = {**held, **room_feeds(filled, room)}
        kept = [room_of(name) for name in self._names]
        made = run_on_card(self._session, kept, feeds, CancelToken(), kept=kept)
        return dict(zip(self._names, made, strict=True))


def room_graph(names: Sequence[str], kind: Any) -> bytes:
    """For each name an output (`room_of`), from an input of that name and `room_feeds`."""
    number = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    whole = helper.np_dtype_to_tensor_dtype(np.dtype(np.int64))
    info, nodes = helper.make_tensor_value_info, []
    for name in names:
        begin = f"begin.{name}"
        nodes += [
            helper.make_node("Slice", [name, "zero", FILLED, "axis"], [begin]),
            helper.make_node("Pad", [begin, ROOM], [room_of(name)]),
        ]
    shape: list[str | int | None] = [1, None, None, None]
    inputs = [info(name, number, shape) for name in names]
    inputs += [info(FILLED, whole, [1]), info(ROOM, whole, [2 * _AXES])]
    outputs = [info(room_of(name), number, shape) for name in names]
    constants = [
        helper.make_tensor("zero", whole, [1], [0]),
        helper.make_tensor("axis", whole, [1], [_POSITIONS]),
    ]
    graph = helper.make_graph(nodes, "room", inputs, outputs, constants)
    opset = helper.make_opsetid("", 17)
    return bytes(helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString())


def room_of(name: str) -> str:
    return f"room.{name}"


def room_feeds(filled: int, room: int) -> dict[str, NDArray[np.int64]]:
    pads = np.zeros(2 * _AXES, np.int64)
    pads[_AXES + _POSITIONS] = room
    return {FILLED: np.array([filled], np.int64), ROOM: pads}
