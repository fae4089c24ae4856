"""A decoder's graph with its cache of keys and values: copied by each step, or written in place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.graphs.card_room import CardRoom
from mmgpt_desktop.engine.graphs.graph_session import Graph
from mmgpt_desktop.engine.graphs.names import ATTENTION, KEYS, LOGITS, SIGHT, VALUES
from mmgpt_desktop.engine.onnx_runtime import (
    ASK_AGAIN,
    RUNNING,
    import_onnxruntime,
    onnx_failures,
    run_bound,
    run_on_card,
)
from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.text import safe_name

ROOM = 256  # positions that a new buffer has beyond those that it must hold
_CACHED = re.compile(r"past|cache|present|memory", re.IGNORECASE)
_PART = re.compile(r"(?<![a-zA-Z])(k|v|keys?|values?)(?![a-zA-Z])", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")


class Buffers:
    """Room for the keys and values of one sequence, which a graph reads and writes.

    The first `filled` of `capacity` positions hold something: `copied`, to begin with.
    """

    def __init__(self, decoder: DecoderGraph, capacity: int, copied: Past | None = None) -> None:
        self.capacity, self.filled = capacity, copied.length if copied else 0
        make = self._on_card if decoder.cuda else self._on_host
        self._values = make(decoder, copied)  # the binding doesn't keep them
        self.binding = self._bound(decoder, decoder.graph)
        self.prompt_binding = self._bound(decoder, decoder.prompt) if decoder.prompt else None

    def _on_host(self, decoder: DecoderGraph, copied: Past | None) -> dict[str, Any]:
        ort, values = import_onnxruntime(), dict[str, Any]()
        for past in decoder.pairs:
            room = np.zeros(decoder.shape(past, self.capacity), decoder.graph.dtype(past))
            if copied:
                room[:, :, : copied.length] = copied.buffers.held(past)[:, :, : copied.length]
            values[past] = ort.OrtValue.ortvalue_from_numpy(room, "cpu")
        return values

    def _on_card(self, decoder: DecoderGraph, copied: Past | None) -> dict[str, Any]:
        held = copied.buffers.values if copied else decoder.nothing()
        return decoder.card_room()(held, self.filled, self.capacity - self.filled)

    @property
    def values(self) -> Mapping[str, Any]:
        """ONNX Runtime's own, by the names of the decoder's inputs."""
        return self._values

    def _bound(self, decoder: DecoderGraph, graph: Graph) -> Any:
        binding = graph.session.io_binding()
        for past, present in decoder.pairs.items():
            binding.bind_ortvalue_input(past, self._values[past])
            binding.bind_ortvalue_output(present, self._values[past])
        return binding

    def held(self, past: str) -> NDArray[Any]:
        return np.asarray(self._values[past].numpy())


@dataclass(frozen=True, eq=False)
class Past:
    """Keys and values of `length` positions: arrays by the names of the decoder's inputs (on CUDA
    values that stay on the card), or the beginning of buffers."""

    length: int
    arrays: Mapping[str, Any] = field(default_factory=dict)
    in_place: Buffers | None = None

    @property
    def buffers(self) -> Buffers:
        assert self.in_place
        return self.in_place


class DecoderGraph:
    """A decoder's graph, for one sequence at a time. One thread at a time.

    `in_place`: the graph may write its present into the buffers that it reads its past from
    (`attention_nodes.writes_in_place`), so that a step copies no cache. `prompt`: a second graph
    of that kind, which gives the cache alone.
    """

    def __init__(
        self, graph: Graph, *, in_place: bool, cuda: bool = False, prompt: Graph | None = None
    ) -> None:
        """Raises RuntimeFailure where the graph lacks an output."""
        self.graph, self.cuda, self.prompt = graph, cuda, prompt
        self.pairs = _pairs(graph)
        self._card_room: CardRoom | None = None
        pasts = list(self.pairs)
        # CUDA's operator takes half precision alone. With float32 it runs on the processor, and
        # what it writes would be copied to the card, over the whole of a buffer.
        on_card = cuda and all(graph.dtype(name) == np.float16 for name in pasts)
        self._in_place = in_place and (on_card or not cuda)
        if LOGITS not in graph.outputs:
            title = "The model's {graph} lacks {name}."
            raise RuntimeFailure(title, "Choose another model.", graph=graph.name, name=LOGITS)
        self._wanted = [name for name in (LOGITS, ATTENTION) if name in graph.outputs]
        self._taken = [name for name in graph.inputs if name not in self.pairs]

    def card_room(self) -> CardRoom:
        """Made when it is first needed: only for a cache that is written in place on a card."""
        self._card_room = self._card_room or CardRoom([*self.pairs], np.float16)
        return self._card_room

    def close(self) -> None:
        self.graph.close()
        if self.prompt:
            self.prompt.close()
        self._card_room = None

    @property
    def layers(self) -> int:
        return len(self.pairs) // 2

    def run(
        self, feeds: Mapping[str, Any], past: Past | None, count: int, cancel: CancelToken
    ) -> tuple[NDArray[Any], NDArray[Any] | None, Past]:
        """Feed `count` positions after `past`, which stays as it is.

        Gives the logits, the attention if the graph has it, and the past of what comes next.
        Raises RuntimeFailure and Cancelled.
        """
        run = self._run_in_place if self._in_place else self._run_with_copies
        (logits, *attention), after = run(feeds, past or Past(0), count, cancel)
        return logits, attention[0] if attention else None, after

    def fill(
        self, feeds: Mapping[str, Any], past: Past | None, count: int, cancel: CancelToken
    ) -> Past:
        """Feed `count` positions after `past` to `prompt`: the past of the last of them, which
        is to be fed to `run` next.

        It is fed here as well, since those before it may look at it (`Prompt.blocks`). Raises as
        `run`.
        """
        assert self.prompt
        past = past or Past(0)
        buffers = self._buffers(past, count)
        taken = [name for name in self.prompt.inputs if name not in self.pairs]
        fitted = self.prompt.fitted(taken, feeds)
        run_bound(self.prompt.session, buffers.prompt_binding, fitted, cancel)
        buffers.filled = past.length + count - 1
        return Past(buffers.filled, in_place=buffers)

    def text_feeds(
        self, embeddings: NDArray[np.float32], fed: int, *, logits_from: int, begin: int = 0
    ) -> dict[str, NDArray[Any]]:
        """What a graph of ours takes beside its cache, for words alone: [1, S, width] after `fed`
        others, of which the first stands at `begin`. Neither deepstack nor blocks are among it."""
        count, total = embeddings.shape[1], fed + embeddings.shape[1]
        axes = self.graph.shapes["position_ids"][:-1]
        places = np.arange(begin + fed, begin + total)
        # Sums: numpy's `ones` and `broadcast_to` are Python, slow after a step's megabytes.
        return {
            "inputs_embeds": embeddings,
            "position_ids": np.zeros((*axes, count), np.int64) + places,
            "attention_mask": np.zeros((1, total), np.int64) + 1,
            "logits_from": np.array(logits_from),
            **unseen(self.graph, count),
        }

    def score(self, feeds: Mapping[str, Any], cancel: CancelToken) -> NDArray[Any]:
        """The logits of what is fed after nothing."""
        (logits,) = self.graph.run([LOGITS], {**feeds, **self.nothing()}, cancel)
        return np.asarray(logits)

    def shape(self, name: str, length: int) -> tuple[int, int, int, int]:
        """[1, kv_heads, length, head_dim], with both sizes as the graph declares them."""
        declared = self.graph.shapes[name]
        if len(declared) != 4 or not all(isinstance(declared[axis], int) for axis in (1, 3)):
            title = "The model's {graph} does not say the size of {name}."
            values = {"graph": self.graph.name, "name": safe_name(name)}
            raise RuntimeFailure(title, "Use PyTorch.", **values)
        return 1, declared[1], length, declared[3]

    def nothing(self) -> dict[str, NDArray[Any]]:
        """No past, as arrays."""
        return {name: np.zeros(self.shape(name, 0), self.graph.dtype(name)) for name in self.pairs}

    def _run_with_copies(
        self, feeds: Mapping[str, Any], past: Past, count: int, cancel: CancelToken
    ) -> tuple[list[NDArray[Any]], Past]:
        held, outputs = past.arrays or self.nothing(), [*self._wanted, *self.pairs.values()]
        if self.cuda:
            taken, kept = self.graph.fitted(self._taken, feeds), set(self.pairs.values())
            given = run_on_card(self.graph.session, outputs, {**taken, **held}, cancel, kept=kept)
        else:
            given = self.graph.run(outputs, {**feeds, **held}, cancel)
        many = len(self._wanted)
        present = dict(zip(self.pairs, given[many:], strict=True))
        return given[:many], Past(past.length + count, present)

    def _run_in_place(
        self, feeds: Mapping[str, Any], past: Past, count: int, cancel: CancelToken
    ) -> tuple[list[NDArray[Any]], Past]:
        buffers = self._buffers(past, count)
        for name in self._wanted:  # anew: attention grows
            buffers.binding.bind_output(name)
        fitted = self.graph.fitted(self._taken, feeds)
        given = run_bound(self.graph.session, buffers.binding, fitted, cancel)
        buffers.filled = past.length + count  # only now: a run that broke has written nothing
        first = len(self.pairs)  # those of the cache were bound before
        found = [given[first + index].numpy() for index in range(len(self._wanted))]
        return found, Past(buffers.filled, in_place=buffers)

    def _buffers(self, past: Past, count: int) -> Buffers:
        """Where `count` positions can be written after `past`: its own buffers, unless they are
        full, or hold another answer's positions by now (beam search)."""
        total, held = past.length + count, past.in_place
        if held and held.filled == past.length and total <= held.capacity:
            return held
        with onnx_failures(RUNNING, ASK_AGAIN, on_card=self.cuda):
            return Buffers(self, total + ROOM, past if held else None)


def _pairs(graph: Graph) -> dict[str, str]:
    """By the name of each input for past keys or values the output of the present ones.

    Exporters call them "past_key_values.0.key", "past.0.key", "past_key_0", "cache_k.0" and the
    like. Raises RuntimeFailure where they can't be told.
    """
    pasts = {name: place for name in graph.inputs if (place := _cached(name))}
    presents = {place: name for name in graph.outputs if (place := _cached(name))}
    places = set(pasts.values())
    whole = {(part, layer) for part in "kv" for layer in {layer for _, layer in places}}
    if not places or len(pasts) != len(places) or places != whole or places - presents.keys():
        title = "The model's {graph} keeps what it has read in a way that is not known here."
        raise RuntimeFailure(title, "Use PyTorch.", graph=graph.name)
    return {name: presents[place] for name, place in pasts.items()}


def _cached(name: str) -> tuple[str, int] | None:
    """Whether it is the keys or the values that have such a name, and of which layer."""
    parts, numbers = _PART.findall(name.replace("_", ".")), _NUMBER.findall(name)
    if not _CACHED.search(name) or not parts or not numbers:
        return None
    return parts[-1][0].lower(), int(numbers[0])


class DecoderSession:
    """A decoder graph of ours (`export.decoder.build_decoder`), led by embeddings alone.

    For graphs with neither deepstack nor blocks, on the CPU. Positions count from `begin`.
    """

    def __init__(
        self,
        path: Path,
        *,
        capacity: int,
        threads: int,
        prompt: Path | None = None,
        begin: int = 0,
    ) -> None:
        graph = Graph(path, cuda=False, threads=threads)
        quick = Graph(prompt, cuda=False, threads=threads) if prompt else None
        self._decoder = DecoderGraph(graph, in_place=True, prompt=quick)
        self._buffers = Buffers(self._decoder, capacity)
        self._begin, self._never = begin, CancelToken()
        self.length = 0  # positions in the cache; may be set back

    def feed(
        self, embeddings: NDArray[np.float32], *, logits_from: int | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Feed [1, S, width] after what was fed.

        Gives logits [S - logits_from, vocabulary] (of the last position, unless said) and
        the last position's attention [layer, head, T], None where the graph has none.
        """
        count = embeddings.shape[1]
        self._buffers.filled = self.length
        past = Past(self.length, in_place=self._buffers)
        if self._decoder.prompt and logits_from is None and count > 1:
            feeds = self._feeds(embeddings, self.length, 0)
            past = self._decoder.fill(feeds, past, count, self._never)
            embeddings, count = embeddings[:, -1:], 1
        first = count - 1 if logits_from is None else logits_from
        feeds = self._feeds(embeddings, past.length, first)
        logits, attention, after = self._decoder.run(feeds, past, count, self._never)
        self.length, self._buffers = after.length, after.buffers
        return logits[0], attention

    def _feeds(
        self, embeddings: NDArray[np.float32], fed: int, wanted: int
    ) -> dict[str, NDArray[Any]]:
        return self._decoder.text_feeds(embeddings, fed, logits_from=wanted, begin=self._begin)


def unseen(graph: Graph, count: int) -> dict[str, NDArray[Any]]:
    """What the cross-attention layers of a graph, if it has some, take for `count` words that
    look at no photo."""
    if KEYS not in graph.shapes:
        return {}
    layers, heads, _, width = graph.shapes[KEYS]
    nothing = np.zeros((layers, heads, 1, width), np.float32)
    return {KEYS: nothing, VALUES: nothing, SIGHT: np.zeros((count, 1), np.float32)}
