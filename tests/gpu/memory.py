"""What mmgpt-mini takes of a graphics card's memory, in a process that has the stub for one."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import onnx
from onnx import helper

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.bundle_engine import BundleEngine
from mmgpt_desktop.messages import GenerationRequest, Message, RuntimeName, Sampling
from mmgpt_desktop.resources import mini_path
from tests.fakes import make_photo
from tests.gpu.measures import Card, recording

TOKENS = 40
# The stub's logits are all alike: drawn from them, a token is hardly ever the end.
SAMPLING = Sampling(max_new_tokens=TOKENS, temperature=1.0, seed=1)
REQUEST = GenerationRequest(1, (make_photo(64, 48),), (Message("user", "What is this?"),), SAMPLING)


def switches(times: int) -> list[dict[str, int]]:
    """Bytes on the card of each of `times` loads: weights of the graphs; what is held when they
    are loaded, after an answer of `tokens` and after closing; and the most there ever was."""
    card, found = Card(), list[dict[str, int]]()
    for _ in range(times):
        card["bytes_most"] = card["bytes_held"]
        with recording() as sessions:
            engine = BundleEngine(mini_path(), RuntimeName.ONNX_CUDA)
            engine.load()
            weights = sum(_weights(graph) for _, graph in sessions)
        sessions.clear()
        held = {"weights": weights, "loaded": card["bytes_held"]}
        steps: list[object] = []
        engine.generate(REQUEST, CancelToken(), steps.append)
        held |= {"tokens": len(steps), "answered": card["bytes_held"]}
        engine.close()
        del engine
        gc.collect()
        found.append({**held, "closed": card["bytes_held"], "most": card["bytes_most"]})
    return found


def _weights(graph: Path) -> int:
    tensors = onnx.load(str(graph), load_external_data=False).graph.initializer
    return sum(
        int(np.prod(each.dims)) * helper.tensor_dtype_to_np_dtype(each.data_type).itemsize
        for each in tensors
    )
