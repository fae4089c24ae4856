"""Our decoder graphs beside transformers, on the same weights.

The language model has SmolVLM-256M's sizes and random weights, which cost as much as trained
ones. Each round gives every contender one prompt and one answer, so that a busy moment hurts
all alike; then those with attention and their twins without take turns, since what the one costs
more than the other is less than what a busy moment costs. Programs of others run beside them
(rivals.py). Whoever's packages aren't installed is left out, and named below the table.

python -m tests.benchmarks.peers --tokens 64 --rounds 5
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import onnx
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.families.idefics3 import Idefics3
from mmgpt_desktop.engine.graphs.attention_nodes import drop_attention
from mmgpt_desktop.engine.graphs.decoder_session import DecoderSession
from mmgpt_desktop.engine.graphs.graph_session import Graph
from mmgpt_desktop.engine.graphs.names import FEATURES
from mmgpt_desktop.export.decoder_graph import build_decoder
from mmgpt_desktop.export.decoder_spec import read_spec
from mmgpt_desktop.export.linear import (
    Precision,
    linears_for,
    prompt_linears_for,
)
from mmgpt_desktop.export.smaller_encoder import quantise
from mmgpt_desktop.export.weights import DecoderWeights
from mmgpt_desktop.text import in_columns
from tests.benchmarks.rivals import Rival, Speed, genai, llama_cpp, missing
from tests.benchmarks.weight_ways import DynamicInt8

Floats = NDArray[np.float32]
T = TypeVar("T")

VISION: dict[str, Any] = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "image_size": 512,
    "patch_size": 16,
}
PROMPT = 96  # 64 tokens of an image, 32 of text
THREADS = 2
TURN = 9  # steps; after the twin's each begins with cold caches
_TRANSFORMERS = ("torch", "transformers")
_DRAWS, _INTERVAL = 2000, (2.5, 97.5)  # of the bootstrap, and its per cents
SIZES: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 576,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "intermediate_size": 1536,
    "vocab_size": 49280,
    "max_position_embeddings": 8192,
    "rms_norm_eps": 1e-5,
    "rope_theta": 100000.0,
    "tie_word_embeddings": True,
}


@dataclass(eq=False)
class Contender:
    """Who is fed: `feed` takes embeddings [1, S, width], tells if the sequence is new, and
    gives the next token. `image` is how long a photo takes. `renew` opens its graph again.
    `twin` is the same without attention; `turns` are the seconds of answers that both gave in turn.
    """

    label: str
    feed: Callable[[Floats, bool], int]
    image: Callable[[], object] | None = None
    renew: Callable[[], object] = lambda: None
    speeds: list[Speed] = field(default_factory=list)
    images: list[float] = field(default_factory=list)
    turns: list[float] = field(default_factory=list)
    twin: Contender | None = None


def run(
    tokens: int,
    rounds: int,
    *,
    sizes: dict[str, Any] = SIZES,
    clock: Callable[[], float] = time.perf_counter,
    pictures: bool = True,
) -> int:
    """Print the table of all contenders, in rounds that alternate."""
    weights = random_weights(sizes)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print("building the graphs ...", file=sys.stderr)
        absent = list[str]()
        theirs = where_installed(
            absent, "transformers", partial(eager, sizes, weights), *_TRANSFORMERS
        )
        own = ours(sizes, weights, folder, PROMPT + tokens)
        groups: list[tuple[Contender, ...]] = [(each, each.twin) for each in own if each.twin]
        found = rivals(sizes, weights, folder, absent)
        images = partial(encoders_of, folder)
        if pictures and (
            encoders := where_installed(absent, "images", images, *_TRANSFORMERS, "onnxscript")
        ):
            for group in groups:
                for each in group:
                    each.image = encoders["fp32" if "fp" in each.label else "int8"]
            if theirs:
                theirs.image = encoders["transformers"]
        groups = [(theirs,), *groups] if theirs else groups
        known = [each for group in groups for each in group]
        table = weights["model.embed_tokens.weight"]
        for place in range(rounds + 1):
            print(f"round {place} of {rounds}", file=sys.stderr)  # round 0 warms up
            _round(groups, found, table, tokens, clock, counts=place > 0)
        print(table_of([*known, *found], tokens, rounds))
        print("\n".join(absent))
    return 0


def _round(
    groups: Sequence[Sequence[Contender]],
    found: Sequence[Rival],
    table: Floats,
    tokens: int,
    clock: Callable[[], float],
    *,
    counts: bool,
) -> None:
    prompt = np.random.default_rng(0).integers(3, len(table), PROMPT)
    for group in groups:
        for each in group:
            speed = answer(each, table, prompt, tokens, clock)
            started = clock()
            if each.image:
                each.image()
            if counts:
                each.speeds.append(speed)
                each.images.append(clock() - started)
        if counts and len(group) > 1:
            seconds = turns(group, table, prompt, tokens, clock)
            for each, own in zip(group, seconds, strict=True):
                each.turns.append(own)
    for rival in found:
        speed = rival.answer(prompt, tokens, clock)
        if counts:
            rival.speeds.append(speed)


def answer(
    contender: Contender,
    table: Floats,
    prompt: NDArray[np.int64],
    tokens: int,
    clock: Callable[[], float],
) -> Speed:
    """A whole answer by a graph that was opened for it."""
    contender.renew()
    contender.feed(table[prompt][None], True)  # warms up
    started = clock()
    last = contender.feed(table[prompt][None], True)
    prefill = clock() - started
    started = clock()
    for _ in range(tokens - 1):
        last = contender.feed(table[last][None, None], False)
    return Speed(prefill, clock() - started)


def turns(
    group: Sequence[Contender],
    table: Floats,
    prompt: NDArray[np.int64],
    tokens: int,
    clock: Callable[[], float],
) -> list[float]:
    """Seconds of everybody's answer after the prompt, a few steps of each in turn."""
    seconds = [0.0] * len(group)
    last = [each.feed(table[prompt][None], True) for each in group]
    for done in range(0, tokens - 1, TURN):
        for place, each in enumerate(group):
            started = clock()
            for _ in range(min(TURN, tokens - 1 - done)):
                last[place] = each.feed(table[last[place]][None, None], False)
            seconds[place] += clock() - started
    return seconds


def rivals(
    sizes: dict[str, Any], weights: dict[str, Floats], folder: Path, absent: list[str]
) -> list[Rival]:
    """Those that are installed."""
    given = sizes, weights, folder, THREADS
    found = (
        where_installed(
            absent, "onnxruntime-genai int4", partial(genai, *given), "onnxruntime-genai"
        ),
        where_installed(absent, "llama.cpp Q4_1", partial(llama_cpp, *given), "xllamacpp", "gguf"),
    )
    return [each for each in found if each]


def where_installed(
    absent: list[str], label: str, make: Callable[[], T], *packages: str
) -> T | None:
    """What `make` makes of these packages; None, and a line in `absent`, where they, or others
    that they need, aren't installed."""
    if lacking := missing(*packages):
        absent.append(f"{label}: not installed ({lacking}).")
        return None
    try:
        return make()
    except ImportError as error:
        absent.append(f"{label}: not installed ({error.name or error}).")
        return None
    except subprocess.CalledProcessError as error:  # it is made by a program of its own
        reason = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        absent.append(f"{label}: could not be made ({reason[-1] if reason else error}).")
        return None


def encoders_of(folder: Path) -> dict[str, Callable[[], Any]]:
    """What encodes one tile with SmolVLM-256M's sizes: transformers, and our graphs."""
    import torch
    from transformers import SmolVLMConfig, SmolVLMModel

    from mmgpt_desktop.export.vision import export_encoder

    text = {"model_type": "llama", "hidden_size": 576, "num_hidden_layers": 1, "vocab_size": 64}
    config = SmolVLMConfig(vision_config=VISION, text_config=text, scale_factor=4)
    model = SmolVLMModel._from_config(config, attn_implementation="eager").eval()
    pixels = torch.rand(1, 1, 3, VISION["image_size"], VISION["image_size"])

    @torch.inference_mode()
    def theirs() -> Any:
        return model.get_image_features(pixels, output_attentions=True)

    encoders, feeds = (
        dict[str, Callable[[], Any]](transformers=theirs),
        {"pixel_values": pixels.numpy()},
    )
    for precision in ("fp32", "int8"):
        path = folder / f"vision.{precision}.onnx"
        export_encoder(model, Idefics3, feeds, path)
        if precision == "int8":
            quantise(path)
        graph = Graph(path, cuda=False, threads=THREADS)
        encoders[precision] = partial(graph.run, [FEATURES], feeds, CancelToken())
    return encoders


def random_weights(sizes: dict[str, Any]) -> dict[str, Floats]:
    generator, width = np.random.default_rng(0), int(sizes["hidden_size"])
    head = width // sizes["num_attention_heads"]
    keys, inner = head * sizes["num_key_value_heads"], int(sizes["intermediate_size"])

    def some(rows: int, columns: int) -> Floats:
        return generator.standard_normal((rows, columns), np.float32) / np.float32(columns**0.5)

    ones = np.ones(width, np.float32)
    made = {"model.embed_tokens.weight": some(sizes["vocab_size"], width)}
    for layer in range(sizes["num_hidden_layers"]):
        name = f"model.layers.{layer}"
        made |= {
            f"{name}.input_layernorm.weight": ones,
            f"{name}.self_attn.q_proj.weight": some(width, width),
            f"{name}.self_attn.k_proj.weight": some(keys, width),
            f"{name}.self_attn.v_proj.weight": some(keys, width),
            f"{name}.self_attn.o_proj.weight": some(width, width),
            f"{name}.post_attention_layernorm.weight": ones,
            f"{name}.mlp.gate_proj.weight": some(inner, width),
            f"{name}.mlp.up_proj.weight": some(inner, width),
            f"{name}.mlp.down_proj.weight": some(width, inner),
        }
    return made | {"model.norm.weight": ones}


def ours(
    sizes: dict[str, Any], weights: dict[str, Floats], folder: Path, capacity: int
) -> list[Contender]:
    """Each precision with the attention of every word; its twin is without."""
    spec, own = read_spec(sizes), DecoderWeights(weights)
    ways = {each.value: (linears_for(each), prompt_linears_for(each)) for each in Precision}
    ways["int8 dynamic"] = DynamicInt8(), None
    made = []
    for name, (linears, quick) in ways.items():
        path, prompt = folder / f"{name}.onnx", folder / f"{name}.prompt.onnx" if quick else None
        build_decoder(spec, own, path, linears)
        if quick and prompt:
            build_decoder(spec, own, prompt, quick, cache_only=True)
        new = partial(DecoderSession, capacity=capacity, threads=THREADS, prompt=prompt)
        graph, bare = _Graph(partial(new, path)), _Graph(partial(new, without_attention(path)))
        twin = Contender(f"ours {name}, no attention", bare.feed, renew=bare.open)
        made.append(Contender(f"ours {name}, attention", graph.feed, renew=graph.open, twin=twin))
    return made


class _Graph:
    """Opened anew for each round: where its memory happens to lie makes up to 5 % of its speed."""

    def __init__(self, session: Callable[[], DecoderSession]) -> None:
        self._make = session
        self.open()

    def open(self) -> None:
        self._session = self._make()

    def feed(self, embeddings: Floats, new: bool) -> int:
        if new:
            self._session.length = 0
        logits, _ = self._session.feed(embeddings)
        return int(logits[-1].argmax())


def without_attention(path: Path) -> Path:
    """The same graph and the same weights, less the attention output."""
    model = onnx.load(path, load_external_data=False)
    drop_attention(model.graph)
    bare = path.with_suffix(".bare.onnx")
    onnx.save(model, bare)
    return bare


def eager(sizes: dict[str, Any], weights: dict[str, Floats]) -> Contender:
    """transformers as the field uses it to see attention."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.set_num_threads(THREADS)
    config = LlamaConfig(**{key: size for key, size in sizes.items() if key != "model_type"})
    model = LlamaForCausalLM._from_config(config, attn_implementation="eager").eval()
    tensors = {name: torch.from_numpy(array.copy()) for name, array in weights.items()}
    model.load_state_dict(tensors, strict=False)  # the head is the embedding
    cache: list[Any] = [None]

    @torch.inference_mode()
    def feed(embeddings: Floats, new: bool) -> int:
        past = None if new else cache[0]
        given = torch.from_numpy(np.ascontiguousarray(embeddings))
        out = model(
            inputs_embeds=given,
            past_key_values=past,
            use_cache=True,
            output_attentions=True,
            logits_to_keep=1,
        )
        cache[0] = out.past_key_values
        torch.stack([layer[0, :, -1] for layer in out.attentions])
        return int(out.logits[0, -1].argmax())

    return Contender("transformers eager, attention", feed)


def table_of(contenders: Sequence[Contender | Rival], tokens: int, rounds: int) -> str:
    first = _medians(contenders[0].speeds)
    titles = ("prefill ms", "tokens/s", "prefill x", "tokens/s x", "image s", "attention costs")
    rows = [["", *titles]]
    for each in contenders:
        prefill, decode = _medians(each.speeds)
        speeds = f"{prefill * 1000:.1f}", f"{(tokens - 1) / decode:.1f}"
        times = f"{first[0] / prefill:.2f}", f"{first[1] / decode:.2f}"
        rows.append([each.label, *speeds, *times, _image(each), cost(each)])
    lines = [in_columns(rows)]
    lines.append(f"Medians of {rounds} rounds: {PROMPT} positions, then {tokens} tokens.")
    lines.append(f"{THREADS} threads; x: against the first row. image: one tile, 64 tokens.")
    lines.append("attention costs: seconds a token, against the row below, taking turns (95 %).")
    return "\n".join(lines)


def _image(contender: Contender | Rival) -> str:
    if isinstance(contender, Rival) or contender.image is None:
        return "-"
    return f"{statistics.median(contender.images):.2f}"


def cost(contender: Contender | Rival) -> str:
    """Of attention, where there is a twin without it: rounds are compared one by one."""
    if isinstance(contender, Rival) or contender.twin is None:
        return ""
    both = zip(contender.turns, contender.twin.turns, strict=True)
    more = [100 * one / two - 100 for one, two in both]
    draws = np.random.default_rng(0).choice(more, (_DRAWS, len(more)))
    low, high = np.percentile(np.median(draws, axis=1), _INTERVAL)
    return f"{statistics.median(more):+.1f} % ({low:+.1f} to {high:+.1f})"


def _medians(speeds: Sequence[Speed]) -> tuple[float, float]:
    prefill = statistics.median(speed.prefill for speed in speeds)
    return prefill, statistics.median(speed.decode for speed in speeds)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.peers", description=__doc__)
    parser.add_argument("--tokens", type=int, default=64, help="tokens of each answer")
    parser.add_argument("--rounds", type=int, default=5, help="answers of each kind")
    options = parser.parse_args()
    return run(options.tokens, options.rounds)


if __name__ == "__main__":
    sys.exit(main())
