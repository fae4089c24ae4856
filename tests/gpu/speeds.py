"""How fast a card runs a decoder with random weights: our graphs, and transformers beside them."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.folder.layouts import CARD
from mmgpt_desktop.engine.graphics_card import free_memory
from mmgpt_desktop.engine.graphs.attention_nodes import writes_in_place
from mmgpt_desktop.engine.graphs.decoder_session import DecoderGraph, Past
from mmgpt_desktop.engine.graphs.graph_file import read_graph
from mmgpt_desktop.engine.graphs.graph_session import Graph
from mmgpt_desktop.export.decoder_graph import build_decoder
from mmgpt_desktop.export.decoder_spec import DecoderSpec, read_spec
from mmgpt_desktop.export.linear import Precision, linears_for
from mmgpt_desktop.export.weights import DecoderWeights
from tests.benchmarks.peers import SIZES as SMOLVLM
from tests.benchmarks.peers import random_weights
from tests.decoders import open_decoder

Floats = NDArray[np.float32]

PROMPT = 1024
SMALL = {
    **SMOLVLM,
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 256,
    "vocab_size": 512,
}
TWO_BILLION = {
    **SMOLVLM,
    "hidden_size": 2048,
    "num_hidden_layers": 24,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "intermediate_size": 8192,
}
SIZES = {"SmolVLM-256M's sizes": SMOLVLM, "2 B": TWO_BILLION}

Answer = Callable[[Floats], int]  # embeddings [1, S, width] to the next token


@dataclass(frozen=True)
class Row:
    """Seconds of each round's prompt and of its `tokens`; bytes of the card that were taken."""

    label: str
    tokens: int
    prefill: list[float]
    decode: list[float]
    taken: int

    def values(self) -> dict[str, float]:
        return {
            "prefill ms": 1000 * statistics.median(self.prefill),
            "tokens/s": self.tokens / statistics.median(self.decode),
            "card MB": self.taken / 1e6,
        }


def speeds(sizes: dict[str, Any], *, tokens: int, rounds: int) -> Iterator[Row]:
    """Ours in float16 with every word's attention and without, and in 4 bits; transformers'
    float16 with its quick attention, and with the one that gives its weights."""
    weights, spec = random_weights(sizes), read_spec(sizes)
    table = weights["model.embed_tokens.weight"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for precision, attention in (
            (Precision.FP16, True),
            (Precision.FP16, False),
            (Precision.INT4, True),
        ):
            make = partial(_ours, spec, weights, folder, precision, attention)
            label = f"ours {precision}, {'attention' if attention else 'no attention'}"
            yield _measured(label, make, table, tokens, rounds)
    for attention in (False, True):
        label = f"transformers fp16, {'eager, attention' if attention else 'sdpa'}"
        yield _measured(label, partial(_theirs, sizes, weights, attention), table, tokens, rounds)


def _measured(
    label: str, make: Callable[[], Callable[[], Answer]], table: Floats, tokens: int, rounds: int
) -> Row:
    """`make` gives what begins a new sequence."""
    before = free_memory() or 0
    begin = make()
    prompt = np.random.default_rng(0).integers(3, len(table), PROMPT)
    row = Row(label, tokens, [], [], 0)
    for turn in range(rounds + 1):
        answer = begin()
        started = time.perf_counter()
        last = answer(table[prompt][None])
        between = time.perf_counter()
        for _ in range(tokens):
            last = answer(table[last][None, None])
        if turn:  # the first warms up
            row.prefill.append(between - started)
            row.decode.append(time.perf_counter() - between)
    return Row(label, tokens, row.prefill, row.decode, before - (free_memory() or 0))


def _ours(
    spec: DecoderSpec, weights: dict[str, Floats], folder: Path, precision: Precision, shown: bool
) -> Callable[[], Answer]:
    card = folder / f"{precision}.{CARD}"
    if not card.exists():
        plain = folder / f"{precision}.onnx"
        build_decoder(spec, DecoderWeights(weights), plain, linears_for(precision), card=card)
    if shown:
        decoder = open_decoder(card, spec, cuda=True)
    else:
        in_place = writes_in_place(read_graph(card).graph)
        decoder = DecoderGraph(Graph(card, cuda=True), in_place=in_place, cuda=True)

    def begin() -> Answer:
        past = [Past(0)]

        def answer(words: Floats) -> int:
            count, done = words.shape[1], past[0].length
            feeds = decoder.text_feeds(words, done, logits_from=count - 1)
            logits, _, past[0] = decoder.run(feeds, past[0], count, CancelToken())
            return int(logits[0, -1].argmax())

        return answer

    return begin


def _theirs(sizes: dict[str, Any], weights: dict[str, Floats], shown: bool) -> Callable[[], Answer]:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    device = "cuda" if torch.cuda.is_available() else "cpu"
    config = LlamaConfig(**{key: size for key, size in sizes.items() if key != "model_type"})
    kind = "eager" if shown else "sdpa"
    model = LlamaForCausalLM._from_config(config, attn_implementation=kind).eval()
    model.load_state_dict(
        {name: torch.from_numpy(array) for name, array in weights.items()}, strict=False
    )
    model.to(device, torch.float16)

    def begin() -> Answer:
        cache: list[Any] = [None]

        @torch.inference_mode()
        def answer(words: Floats) -> int:
            given = torch.from_numpy(np.ascontiguousarray(words)).to(device, torch.float16)
            out = model(
                inputs_embeds=given,
                past_key_values=cache[0],
                use_cache=True,
                output_attentions=shown,
                logits_to_keep=1,
            )
            cache[0] = out.past_key_values
            if shown:
                torch.stack([layer[0, :, -1] for layer in out.attentions]).cpu()
            return int(out.logits[0, -1].argmax())  # waits for the card

        return answer

    return begin
