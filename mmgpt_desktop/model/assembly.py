"""mmgpt-small's folder, made once on each computer: a checkpoint as the app reads public ones.

The language model comes from a GGUF file, whose weights of 4 bits are read as they are; the
adapters and the encoder ship with the app.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from mmgpt_desktop.embedded import FACTS
from mmgpt_desktop.model.adapters import load_adapters, new_flamingo
from mmgpt_desktop.model.configuration import IMAGE_MEAN, IMAGE_SIZE, IMAGE_STD
from mmgpt_desktop.model.looking_llama import FlamingoConfig, FlamingoForConditionalGeneration
from mmgpt_desktop.model.packing import WEIGHTS, load_packed, write_tensors
from mmgpt_desktop.writing import write_json

PICTURES = {"size": IMAGE_SIZE, "mean": IMAGE_MEAN, "std": IMAGE_STD, "max_aspect": 2.0}
_TOKENS = ("bos_token", "eos_token", "pad_token", "unk_token")


def assemble(gguf: Path, adapters: Path, bundle: Path, out: Path) -> Path:
    """Write the whole model into the folder `out`: the language model in the file `gguf`, the
    adapters in their folder, the encoder of mmgpt-mini's `bundle`. Takes half a minute."""
    out.mkdir(parents=True, exist_ok=True)
    language, tokenizer = read_language(gguf)
    model = with_adapters(language, adapters, bundle)
    state = {
        name: _stored(name, each)
        for name, each in model.state_dict().items()
        if name != "lm_head.weight"  # the embedding again
    }
    write_tensors(state, out / WEIGHTS)
    model.config.save_pretrained(out)
    tokenizer.backend_tokenizer.save(str(out / "tokenizer.json"))
    named = {name: getattr(tokenizer, name) for name in _TOKENS}
    write_json(out / "tokenizer_config.json", named)
    write_json(out / "preprocessor_config.json", PICTURES)
    if (adapters / FACTS).is_file():
        shutil.copyfile(adapters / FACTS, out / FACTS)
    return out


def with_adapters(language: Any, adapters: Path, bundle: Path) -> FlamingoForConditionalGeneration:
    """The whole model, in evaluation mode."""
    known = FlamingoConfig.from_pretrained(adapters).to_diff_dict()
    ours = {name: known[name] for name in FlamingoConfig.OURS if name in known}
    model = new_flamingo(language, load_packed(bundle).encoder, **ours)
    load_adapters(model, adapters)
    model.eval()
    return model


def read_language(gguf: Path) -> tuple[Any, Any]:
    """The language model and its tokenizer, both as transformers reads them of llama.cpp's file."""
    place = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    language = AutoModelForCausalLM.from_pretrained(**place, dtype=torch.float32)
    return language, AutoTokenizer.from_pretrained(**place)


def _stored(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """Floats in half precision, but for the few that are no matrices."""
    half = tensor.is_floating_point() and tensor.ndim > 1
    return tensor.detach().to(torch.float16 if half else tensor.dtype).contiguous()
