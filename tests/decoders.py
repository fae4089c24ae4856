"""Decoders of ours, led by embeddings alone, on the CPU or on a graphics card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.graphs.decoder_session import DecoderGraph, Past
from mmgpt_desktop.engine.graphs.graph_session import Graph
from mmgpt_desktop.engine.graphs.surgery import attending_graph
from mmgpt_desktop.export.decoder_spec import DecoderSpec

Given = tuple[NDArray[Any], NDArray[Any] | None]


def open_decoder(path: Path, spec: DecoderSpec, *, cuda: bool = False) -> DecoderGraph:
    """With attention as a card gives it, where no kernel gives its own."""
    if spec.cross_before:  # its graph gives what the cross-attention layers read
        return DecoderGraph(Graph(path, cuda), in_place=True, cuda=cuda)
    edited, missing = attending_graph(path, None, kernels=False)
    assert not missing
    return DecoderGraph(Graph(path, cuda, edited.graph), in_place=edited.in_place, cuda=cuda)


def feeds_of(
    decoder: DecoderGraph, spec: DecoderSpec, words: NDArray[np.float32], past: int
) -> dict[str, Any]:
    """Of embeddings [1, S, width] after `past` others, with the logits of all of them."""
    count = words.shape[1]
    return {
        **decoder.text_feeds(words, past, logits_from=0, begin=spec.begin),
        "blocks": np.full(past + count, -1),
        "deepstack_embeds": np.zeros((spec.deepstack, 1, count, spec.width), np.float32),
    }


def read_text(
    decoder: DecoderGraph,
    spec: DecoderSpec,
    table: NDArray[np.float32],
    text: Sequence[int],
    prompt: int,
) -> Iterator[Given]:
    """Logits and attention of the first `prompt` words, and of the others one by one."""
    past, start = Past(0), 0
    for stop in range(prompt, len(text) + 1):
        feeds = feeds_of(decoder, spec, table[list(text[start:stop])][None], start)
        logits, attention, past = decoder.run(feeds, past, stop - start, CancelToken())
        yield logits, attention
        start = stop
