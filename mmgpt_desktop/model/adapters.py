"""mmgpt-small's own weights, what stands between language model and encoder, and how the whole
model is put together from its parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from mmgpt_desktop.embedded import ADAPTERS
from mmgpt_desktop.model.encoder import EfficientNetLite2
from mmgpt_desktop.model.looking_llama import FlamingoConfig, FlamingoForConditionalGeneration
from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration
from mmgpt_desktop.model.packing import BLOCK, SCALE, halve, unpack, write_tensors


def new_flamingo(
    language: LlamaForCausalLM, encoder: EfficientNetLite2, **settings: Any
) -> FlamingoForConditionalGeneration:
    """Untrained adapters between a language model and an encoder, whose classes may be more than
    the `settings` have: the first are read."""
    known = LlamaConfig.to_dict(language.config)
    unlike = ("model_type", "architectures", "quantization_config", "dtype", "transformers_version")
    config = FlamingoConfig(**{k: v for k, v in known.items() if k not in unlike}, **settings)
    model = FlamingoForConditionalGeneration(config)
    model.language.load_state_dict(language.model.state_dict(), strict=False)
    model.tie_weights()
    seen = encoder.state_dict()
    for name in ("classifier.weight", "classifier.bias"):
        seen[name] = seen[name][: config.classes]
    model.encoder.load_state_dict(seen)
    return model


def borrow_reader(
    model: FlamingoForConditionalGeneration, mini: MMGPTForConditionalGeneration
) -> None:
    """Begin with the cells of mmgpt-mini, which has learnt what of them words are about."""
    assert mini.graph is not None
    model.reader.cells.load_state_dict(mini.cells.state_dict())
    model.reader.graph.load_state_dict(mini.graph.state_dict())


def own_state(model: FlamingoForConditionalGeneration) -> dict[str, Tensor]:
    """The trained parameters and the names' words, by name."""
    state = {name: each.detach().float() for name, each in model.adapters().items()}
    return {**state, "names": model.get_buffer("names")}


def save_adapters(
    model: FlamingoForConditionalGeneration, folder: Path, *, packed: bool = False
) -> None:
    """Write them and the configuration; `packed` as they ship, matrices in 4 bits."""
    state = own_state(model)
    written = _packed(state) if packed else {n: each.contiguous() for n, each in state.items()}
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(written, folder / ADAPTERS)
    model.config.save_pretrained(folder)


def _packed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    written = {}
    for name, each in state.items():
        if each.is_floating_point() and each.ndim == 2 and each.shape[1] % BLOCK == 0:
            written[name], written[name + SCALE] = halve(each)
        else:
            written[name] = each.half() if each.is_floating_point() else each.to(torch.int32)
    return {name: each.contiguous() for name, each in written.items()}


def load_adapters(model: FlamingoForConditionalGeneration, folder: Path) -> None:
    """Raises ValueError for those of another shape."""
    found = unpack(load((folder / ADAPTERS).read_bytes()))
    if found.keys() != own_state(model).keys():
        raise ValueError("these adapters are another model's")
    with torch.no_grad():
        model.load_state_dict(found, strict=False)
