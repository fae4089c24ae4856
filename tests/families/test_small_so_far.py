"""mmgpt-small's adapters as far as they were trained: they still fit the model."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file

from mmgpt_desktop.embedded import ADAPTERS
from mmgpt_desktop.model.adapters import own_state
from mmgpt_desktop.model.looking_llama import FlamingoConfig, FlamingoForConditionalGeneration
from mmgpt_desktop.model.packing import unpack

SO_FAR = Path(__file__).parent.parent / "data" / "mmgpt-small"


def test_the_trained_adapters_fit_the_model() -> None:
    config = FlamingoConfig.from_pretrained(SO_FAR)
    with torch.device("meta"):
        model = FlamingoForConditionalGeneration(config)
    wanted = {name: each.shape for name, each in own_state(model).items()}
    found = unpack(load_file(SO_FAR / ADAPTERS))
    assert {name: each.shape for name, each in found.items()} == wanted
    assert all(each.isfinite().all() for each in found.values())
    assert int(found["names"].max()) < config.vocab_size
