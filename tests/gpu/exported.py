"""As `measures`, for the decoders that an export has for graphics cards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.folder.layouts import CARD
from mmgpt_desktop.engine.graphs.decoder_session import DecoderGraph, Past
from mmgpt_desktop.engine.graphs.surgery import attending_graph
from mmgpt_desktop.export.decoder_spec import DecoderSpec, read_spec
from tests.decoders import feeds_of, open_decoder
from tests.gpu.measures import Card, placement

CONFIG = "config.json"  # the language model's own
PROMPT, STEPS = 20, 30


def decoders(folders: dict[str, str]) -> dict[str, dict[str, Any]]:
    """By family, whose decoder and configuration lie in that folder: where its nodes are, and what
    the stub counted for each token."""
    return {kind: _decoder(Path(folder)) for kind, folder in folders.items()}


def _decoder(folder: Path) -> dict[str, Any]:
    spec = read_spec(json.loads((folder / CONFIG).read_text(encoding="utf-8")))
    card = attending = folder / CARD
    if not spec.cross_before:
        attending = folder / "attending.onnx"
        attending.write_bytes(attending_graph(card, None, kernels=False)[0].graph)
    decoder = open_decoder(card, spec, cuda=True)
    return {"placed": placement(str(attending)), "steps": _steps(spec, decoder)}


def _steps(spec: DecoderSpec, decoder: DecoderGraph) -> list[dict[str, int]]:
    card, past, found = Card(), Past(0), []
    words = np.zeros((1, PROMPT + STEPS, spec.width), np.float32)
    for start, stop in ((0, PROMPT), *((at, at + 1) for at in range(PROMPT, PROMPT + STEPS))):
        feeds = feeds_of(decoder, spec, words[:, start:stop], start)
        feeds["logits_from"] = np.array(stop - start - 1)
        before = card.counted()
        _, _, past = decoder.run(feeds, past, stop - start, CancelToken())
        found.append(card.since(before))
    return found[1:]
