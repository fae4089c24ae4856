"""The decoder for graphics cards, in half precision, beside the one for the CPU."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.families.registry import families
from mmgpt_desktop.engine.folder.layouts import CARD, find_graphs
from mmgpt_desktop.engine.graphs.attention_nodes import group_queries
from mmgpt_desktop.engine.graphs.decoder_session import ROOM, DecoderGraph
from mmgpt_desktop.export import vision
from mmgpt_desktop.export.decoder_graph import build_decoder
from mmgpt_desktop.export.export_folder import export
from mmgpt_desktop.export.linear import Precision, linears_for
from tests.benchmarks.precisions import LanguageModel, open_language
from tests.decoders import feeds_of, open_decoder, read_text
from tests.families.tiny import TINY
from tests.not_none import not_none

CANCEL = CancelToken()
PROMPT, STEPS = 30, 6


@dataclass(frozen=True)
class Pair:
    """The decoder for the CPU, and that for a card: here both run on the CPU."""

    language: LanguageModel
    plain: DecoderGraph
    card: DecoderGraph
    files: tuple[Path, Path]

    @property
    def looks(self) -> bool:
        """By cross-attention layers: these are words alone."""
        return bool(self.language.spec.cross_before)


@pytest.fixture(scope="module", params=list(families()))
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("card")
    language = open_language(TINY[request.param](folder / "model"))
    plain, card = folder / "decoder.onnx", folder / CARD
    exact = linears_for(Precision.FP16)
    build_decoder(language.spec, language.weights, plain, exact, card=card)
    plain_one, card_one = (open_decoder(file, language.spec) for file in (plain, card))
    return Pair(language, plain_one, card_one, (plain, card))


def test_it_answers_as_in_whole_precision(pair: Pair) -> None:
    language = pair.language
    given = language.spec, language.table, language.measured[0][: PROMPT + STEPS], PROMPT
    for (truth, looked), (logits, row) in zip(
        read_text(pair.plain, *given), read_text(pair.card, *given), strict=True
    ):
        assert logits.dtype == np.float32
        np.testing.assert_allclose(logits, truth, atol=0.01 * np.abs(truth).max())
        if not pair.looks:
            assert not_none(row).dtype == np.float32
            np.testing.assert_allclose(not_none(row), not_none(looked), atol=1e-2)
            np.testing.assert_allclose(not_none(row).sum(-1), 1, atol=1e-3)


def test_its_cache_is_half_as_large_and_grows_in_place(pair: Pair) -> None:
    for name in pair.card.pairs:
        assert pair.card.graph.dtype(name) == np.float16
        assert pair.plain.graph.dtype(name) == np.float32
    text = [token for words in pair.language.measured for token in words]
    tokens = (text * (1 + 2 * ROOM // len(text)))[: ROOM + PROMPT]
    spec, words = pair.language.spec, pair.language.table[tokens][None]
    _, _, first = pair.card.run(feeds_of(pair.card, spec, words[:, :8], 0), None, 8, CANCEL)
    rest = feeds_of(pair.card, spec, words[:, 8:], 8)
    grown, _, after = pair.card.run(rest, first, len(tokens) - 8, CANCEL)
    assert after.buffers is not first.buffers
    whole, _, _ = pair.card.run(feeds_of(pair.card, spec, words, 0), None, len(tokens), CANCEL)
    np.testing.assert_allclose(grown[0], whole[0, 8:], atol=0.01 * np.abs(whole).max())


def test_weights_are_there_once_and_nothing_turns_them_into_float32(pair: Pair) -> None:
    plain, card = (onnx.load(file, load_external_data=False) for file in pair.files)
    places = [
        {
            tensor.name: {entry.key: entry.value for entry in tensor.external_data}
            for tensor in model.graph.initializer
            if tensor.external_data
        }
        for model in (plain, card)
    ]
    shared = {name for name in places[1] if places[1][name] == places[0].get(name)}
    assert {name for name in shared if "proj" in name} == {
        name for name in places[1] if "proj" in name and not name.endswith(".bias")
    }
    assert {place["location"] for place in places[1].values()} == {"decoder.onnx.data"}
    gemma = pair.language.spec.kind.gemma
    halves = {each.name for each in card.graph.initializer if each.data_type == TensorProto.FLOAT16}
    widened = [
        node for node in card.graph.node if node.op_type == "Cast" and node.input[0] in halves
    ]
    assert bool(widened) == gemma
    assert all(len(node.output) == 3 for node in group_queries(card.graph))


def test_an_export_has_it_and_a_broken_one_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = TINY["idefics3"](tmp_path / "model")
    monkeypatch.setattr(vision, "export_vision", lambda _c, _f, path: path.touch())
    monkeypatch.setattr("mmgpt_desktop.export.export_folder.quantise", lambda path: None)
    sizes = export(checkpoint, tmp_path / "graphs", Precision.INT4, lambda *_: None)
    assert CARD in sizes
    files = find_graphs(tmp_path / "graphs")
    assert files.card == tmp_path / "graphs" / CARD
    assert find_graphs(tmp_path / "graphs", broken={files.card}).card is None
