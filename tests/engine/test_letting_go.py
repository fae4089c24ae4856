"""A model goes when it is let go: the window's collector takes what came to stay as it is."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.open_engine import open_engine
from mmgpt_desktop.messages import GenerationRequest, Message, RuntimeName, Sampling
from mmgpt_desktop.resources import mini_path
from tests.families.checkpoints import noise_photo, tiny_smolvlm

HEAVY = (np.ndarray, torch.Tensor, torch.nn.Module, onnxruntime.InferenceSession)


def shipped(_folder: Path) -> Path:
    return mini_path()


@pytest.mark.parametrize(
    ("make", "runtime"),
    [
        (shipped, RuntimeName.ONNX_CPU),
        (shipped, RuntimeName.TORCH),
        (tiny_smolvlm, RuntimeName.TORCH),
    ],
)
def test_nothing_heavy_waits_for_the_collector(
    make: Callable[[Path], Path], runtime: RuntimeName, tmp_path: Path
) -> None:
    engine = open_engine(make(tmp_path / "model"), runtime)
    engine.load(lambda *_: None, CancelToken())
    gc.collect()
    kept = gc.get_debug()
    gc.disable()
    try:
        gc.set_debug(gc.DEBUG_SAVEALL)
        photo, question = noise_photo(64, 48), (Message("user", "What is it?"),)
        request = GenerationRequest(1, (photo,), question, Sampling(max_new_tokens=3))
        outcome = engine.generate(request, CancelToken(), lambda _step: None)
        assert (outcome.kind, outcome.error) == ("done", None)
        engine.close()
        del engine
        gc.collect()
        assert not [type(thing) for thing in gc.garbage if isinstance(thing, HEAVY)]
    finally:
        gc.set_debug(kept)
        gc.garbage.clear()
        gc.enable()
