"""Other programs that run a language model of the same sizes, where their packages are there.

They take the same random weights, in their own way with 4 bits, and give no attention.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models

from tests.gguf_files import write_gguf

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Speed:
    """Seconds of the prompt, and of all later tokens."""

    prefill: float
    decode: float


@dataclass(eq=False)
class Rival:
    """Who answers: `answer` takes the prompt's tokens, how many are wanted, and the clock."""

    label: str
    answer: Callable[[Ids, int, Callable[[], float]], Speed]
    speeds: list[Speed] = field(default_factory=list)


def missing(*packages: str) -> str:
    """The packages that aren't installed, by the names that pip takes."""
    modules = {"onnxruntime-genai": "onnxruntime_genai"}
    lacking = [
        name for name in packages if importlib.util.find_spec(modules.get(name, name)) is None
    ]
    return ", ".join(lacking)


def genai(
    sizes: Mapping[str, Any], weights: dict[str, Floats], folder: Path, threads: int
) -> Rival:
    """onnxruntime-genai, on the graph that its own builder makes."""
    import onnxruntime_genai as og  # type: ignore[import-not-found]

    _write_checkpoint(sizes, weights, folder / "checkpoint")
    out = folder / "genai"
    builder = [sys.executable, "-m", "onnxruntime_genai.models.builder"]
    paths = ["-i", str(folder / "checkpoint"), "-o", str(out), "-c", str(folder)]
    subprocess.run([*builder, *paths, "-p", "int4", "-e", "cpu"], check=True, capture_output=True)
    settings = json.loads((out / "genai_config.json").read_text(encoding="utf-8"))
    settings["model"]["decoder"]["session_options"]["intra_op_num_threads"] = threads
    (out / "genai_config.json").write_text(json.dumps(settings), encoding="utf-8")
    model = og.Model(str(out))

    def answer(prompt: Ids, tokens: int, clock: Callable[[], float]) -> Speed:
        options = og.GeneratorParams(model)
        longest = len(prompt) + tokens + 1
        options.set_search_options(max_length=longest, min_length=longest, do_sample=False)
        generator = og.Generator(model, options)
        started = clock()
        generator.append_tokens(prompt.astype(np.int32))
        generator.generate_next_token()
        prefilled = clock()
        for _ in range(tokens - 1):
            generator.generate_next_token()
        return Speed(prefilled - started, clock() - prefilled)

    return Rival("onnxruntime-genai int4", answer)


def llama_cpp(
    sizes: Mapping[str, Any], weights: dict[str, Floats], folder: Path, threads: int
) -> Rival:
    """llama.cpp as the package xllamacpp carries it; by its own clock."""
    import xllamacpp  # type: ignore[import-not-found]

    options = xllamacpp.CommonParams()
    tokens = [f"<{number}>" for number in range(sizes["vocab_size"])]
    file = write_gguf(folder / "model.gguf", sizes, weights, tokens, ["< 0"])
    options.model.path = str(file)
    options.n_ctx, options.n_parallel, options.verbosity = 512, 1, -1
    options.cpuparams.n_threads = options.cpuparams_batch.n_threads = threads
    server = xllamacpp.Server(options)

    def answer(prompt: Ids, tokens: int, clock: Callable[[], float]) -> Speed:
        del clock
        asked = {"prompt": prompt.tolist(), "n_predict": tokens, "ignore_eos": True}
        told = server.handle_completions({**asked, "cache_prompt": False, "temperature": 0})
        times = told["timings"]
        rate = times["predicted_ms"] / times["predicted_n"]
        return Speed(times["prompt_ms"] / 1000, rate * (tokens - 1) / 1000)

    return Rival("llama.cpp Q4_1", answer)


def _write_checkpoint(sizes: Mapping[str, Any], weights: dict[str, Floats], folder: Path) -> None:
    folder.mkdir()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = {**sizes, "architectures": ["LlamaForCausalLM"], "bos_token_id": 1, "eos_token_id": 2}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    words = {f"<{number}>": number for number in range(sizes["vocab_size"])}
    Tokenizer(models.BPE(vocab=words, merges=[])).save(str(folder / "tokenizer.json"))
    settings = json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"})
    (folder / "tokenizer_config.json").write_text(settings, encoding="utf-8")
