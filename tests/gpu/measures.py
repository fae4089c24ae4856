"""What is measured in a process whose graphics card is the stub; each gives what JSON can hold."""

from __future__ import annotations

import collections
import ctypes
import gc
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.folder.bundle import open_bundle
from mmgpt_desktop.engine.onnx_runtime import OnnxRuntime, make_session
from mmgpt_desktop.messages import RuntimeName

COUNTERS = ("uploads", "downloads", "copies_on_card", "bytes_up", "bytes_down", "launches", "waits")
CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


class Card:
    """The stub's counters and failures, by name."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libcudart.so.13")

    def __getitem__(self, name: str) -> int:
        return ctypes.c_uint64.in_dll(self._library, name).value

    def counted(self) -> dict[str, int]:
        return {name: self[name] for name in COUNTERS}

    def since(self, before: Mapping[str, int]) -> dict[str, int]:
        return {name: count - before[name] for name, count in self.counted().items()}

    def __setitem__(self, name: str, value: int) -> None:
        ctypes.c_uint64.in_dll(self._library, name).value = value


@contextmanager
def recording() -> Iterator[list[tuple[Any, Path]]]:
    """Sessions that are made meanwhile, each with its optimised graph."""
    real, made = onnxruntime.InferenceSession, list[tuple[Any, Path]]()

    def make(model: Any, options: Any, **others: Any) -> Any:
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        graph = Path(folder) / f"{len(made)}.onnx"
        options.optimized_model_filepath = str(graph)
        key = "session.optimized_model_external_initializers_file_name"
        options.add_session_config_entry(key, f"{graph.name}_data")
        session = real(model, options, **others)
        made.append((session, graph))
        return session

    with tempfile.TemporaryDirectory() as folder:
        onnxruntime.InferenceSession = make
        try:
            yield made
        finally:
            onnxruntime.InferenceSession = real


def placed(session: Any, optimised: Path) -> dict[str, Any]:
    """Operators and how many of each, by provider; under "copies" the Memcpy nodes."""
    nodes = onnx.load(str(optimised), load_external_data=False).graph.node
    copies = sum(node.op_type.startswith("Memcpy") for node in nodes)
    found: dict[str, collections.Counter[str]] = {CUDA: collections.Counter()}
    for part in session.get_provider_graph_assignment_info():
        operators = found.setdefault(part.ep_name, collections.Counter())
        operators.update(node.op_type for node in part.get_nodes())
    return {"copies": copies, **found}


def placement(graph: str) -> dict[str, Any]:
    """A graph's nodes, in a session as the app makes them."""
    with recording() as sessions:
        make_session(graph, Path(graph).parent, cuda=True)
        return placed(*sessions[0])


def traffic(bundle: str, fusion: str, tokens: int) -> list[dict[str, int]]:
    """What the stub counted for each token of an answer: copies up and down, bytes, waits."""
    card = Card()
    runtime = OnnxRuntime(open_bundle(Path(bundle)), RuntimeName.ONNX_CUDA)
    spec, cancel, found = open_bundle(Path(bundle)).manifest.image_spec(fusion), CancelToken(), []
    pixels = np.zeros((1, 3, spec.size, spec.size), np.float32)
    encoded = runtime.encode(pixels, fusion, cancel)
    cache = None
    for feed in ([1, 2, 3, 4, 5], *[[7]] * tokens):
        before = card.counted()
        step = runtime.decode(feed, encoded, cache, attention=True, cancel=cancel)
        cache = step.cache
        found.append(card.since(before))
    runtime.close()
    return found


def opened() -> dict[str, Any]:
    """What becomes of a session with one product of matrices that runs once."""
    card, error, provider = Card(), None, None
    try:
        provider, held = _one_product(card)
    except Exception as caught:  # the library's exceptions share no base but this
        error, held = str(caught), 0
    gc.collect()
    counts = {name: card[name] for name in ("calls", "bytes_most")}
    left = card["bytes_held"]
    return {"provider": provider, "error": error, "bytes_held": held, "left": left, **counts}


def _one_product(card: Card) -> tuple[str, int]:
    """The provider, and the bytes on the card after the run."""
    info = helper.make_tensor_value_info
    weights = numpy_helper.from_array(np.ones((64, 64), np.float32), "weights")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weights"], ["y"])],
        "product",
        [info("x", TensorProto.FLOAT, [1, 64])],
        [info("y", TensorProto.FLOAT, [1, 64])],
        [weights],
    )
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 20)])
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=[CUDA, CPU], enable_fallback=0
    )
    session.disable_fallback()
    session.run(None, {"x": np.ones((1, 64), np.float32)})
    return session.get_providers()[0], card["bytes_held"]
