"""As `measures`, for the decoders that an export has for graphics cards."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.folder.layouts import CARD
from mmgpt_desktop.engine.graphs.decoder_session import DecoderGraph, Past
from mmgpt_desktop.engine.graphs.surgery import attending_graph
from mmgpt_desktop.export.decoder_graph import build_decoder
from mmgpt_desktop.export.linear import Precision, linears_for
from tests.benchmarks.precisions import LanguageModel, open_language
from tests.decoders import feeds_of, open_decoder
from tests.families.tiny import TINY
from tests.gpu.measures import Card, placement

PROMPT, STEPS = 20, 30


def decoders(precision: str, kinds: list[str]) -> dict[str, dict[str, Any]]:
    """By family: where its nodes are, and what the stub counted for each token."""
    return {kind: _decoder(kind, Precision(precision)) for kind in kinds}


def _decoder(kind: str, precision: Precision) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        language = open_language(TINY[kind](folder / "model"))
        spec, card = language.spec, folder / CARD
        plain = folder / "decoder.onnx"
        build_decoder(spec, language.weights, plain, linears_for(precision), card=card)
        attending = card
        if not spec.cross_interval:
            attending = folder / "attending.onnx"
            attending.write_bytes(attending_graph(card, None, kernels=False)[0].graph)
        decoder = open_decoder(card, spec, cuda=True)
        return {"placed": placement(str(attending)), "steps": _steps(language, decoder)}


def _steps(language: LanguageModel, decoder: DecoderGraph) -> list[dict[str, int]]:
    card, past, found = Card(), Past(0), []
    words = np.resize(language.table, (1, PROMPT + STEPS, language.spec.width))
    for start, stop in ((0, PROMPT), *((at, at + 1) for at in range(PROMPT, PROMPT + STEPS))):
        feeds = feeds_of(decoder, language.spec, words[:, start:stop], start)
        feeds["logits_from"] = np.array(stop - start - 1)
        before = card.counted()
        _, _, past = decoder.run(feeds, past, stop - start, CancelToken())
        found.append({name: count - before[name] for name, count in card.counted().items()})
    return found[1:]
