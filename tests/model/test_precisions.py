"""The table that chooses the default precision, on a tiny checkpoint."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import LlamaConfig, LlamaForCausalLM

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.chat.model_inputs import Context, Prompt
from mmgpt_desktop.engine.families.registry import checkpoint_torch, families
from mmgpt_desktop.engine.folder.checkpoint import open_checkpoint
from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.export.decoder_graph import build_decoder
from mmgpt_desktop.export.decoder_spec import DecoderSpec
from mmgpt_desktop.export.linear import Floating
from tests.benchmarks.precisions import (
    ComparedRow,
    Difference,
    compare,
    input_products,
    main,
    open_language,
    open_session,
    table_of,
    ways,
)
from tests.families.checkpoints import byte_tokenizer, save_checkpoint, tiny_smolvlm
from tests.families.tiny import TINY, near
from tests.not_none import not_none


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_smolvlm(tmp_path_factory.mktemp("model") / "tiny-smolvlm", head_dim=16)


def moved(difference: Difference) -> float:
    return not_none(difference.attention)


def test_every_way_has_a_row(checkpoint: Path, tmp_path: Path) -> None:
    told = list[str]()
    rows = compare(open_language(checkpoint), tmp_path, told.append)
    assert [row.name for row in rows] == list(ways({})) == told[1:]
    found = {row.name: row.difference for row in rows}
    assert found["fp32"] == Difference(1, 0)
    assert found["fp16"].agreement > 0.95
    four = [row for row in rows if row.name.startswith("int4")]
    assert all(moved(row.difference) > moved(found["fp16"]) for row in four)
    assert all(row.rate > 0 and row.prefill > 0 for row in rows)


@pytest.mark.parametrize("kind", list(families()))
def test_every_family_is_compared_and_its_truth_is_pytorchs(kind: str, tmp_path: Path) -> None:
    folder = TINY[kind](tmp_path / "model")
    whole = open_language(folder)
    language = replace(whole, measured=whole.measured[:2])
    rows = compare(language, tmp_path, lambda _: None)
    assert [row.name for row in rows] == list(ways({}))
    assert all(0 < row.difference.agreement <= 1 for row in rows)
    unseen = [row.difference.attention is None for row in rows]
    crossed = bool(language.spec.cross_before)  # these look by layers of their own
    assert set(unseen) == {crossed}
    assert ("No attention is compared" in table_of(rows)) == crossed

    path, text = tmp_path / "decoder.onnx", language.measured[0]
    build_decoder(language.spec, language.weights, path, Floating(), attention=language.shown)
    words = language.table[list(text)][None]
    found, _ = open_session(path, language.spec).feed(words, logits_from=0)
    near(found, pytorchs_logits(folder, text, language.spec))


def test_a_language_model_without_pictures_is_compared_too(tmp_path: Path) -> None:
    words = byte_tokenizer(("<|endoftext|>",))
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=words.get_vocab_size(),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
    )
    folder = tmp_path / "model"
    save_checkpoint(folder, LlamaForCausalLM(config), words, None, image_processor={})
    whole = open_language(folder)
    rows = compare(replace(whole, measured=whole.measured[:1]), tmp_path, lambda _: None)
    assert [row.name for row in rows] == list(ways({}))


def pytorchs_logits(folder: Path, text: Sequence[int], spec: DecoderSpec) -> NDArray[np.float32]:
    """Of words alone, read in order."""
    checkpoint = open_checkpoint(folder)
    places = np.broadcast_to(spec.begin + np.arange(len(text)), (spec.axes, len(text)))
    alone = np.full(len(text), -1) if checkpoint.model_type in ("gemma3", "paligemma") else None
    prompt = Prompt(tuple(text[:1]), (), places, spec.begin + len(text), blocks=alone)
    return checkpoint_torch(checkpoint).score(text, Context(prompt), CancelToken())


def test_what_no_graph_can_be_built_for_is_refused_in_a_sentence(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "other"
    shutil.copytree(checkpoint, folder)
    config = json.loads((folder / "config.json").read_text())
    config["text_config"] = {"model_type": "gpt2"}
    (folder / "config.json").write_text(json.dumps(config))
    assert main([str(folder)]) == 2
    assert "No graph can be built for a decoder of type gpt2." in capsys.readouterr().err


def test_what_goes_into_a_layer_is_what_it_multiplies(checkpoint: Path, tmp_path: Path) -> None:
    language = open_language(checkpoint)
    products = input_products(language, tmp_path)
    assert products.keys() >= {"lm_head", "layers.1.mlp.down_proj"}
    norm = language.weights["layers.0.input_layernorm.weight"]
    expected = np.zeros((32, 32))
    for text in language.calibration:
        x = language.table[list(text)]
        x = norm * x / np.sqrt(np.square(x).mean(-1, keepdims=True) + language.spec.epsilon)
        expected += x.T @ x
    given = products["layers.0.self_attn.q_proj+k_proj+v_proj"]
    np.testing.assert_allclose(given, expected, rtol=1e-3, atol=1e-2)


def test_the_quickest_of_the_true_enough_is_named() -> None:
    rows = [
        ComparedRow("true", Difference(1.0, 0.0), 100, 10, 20),
        ComparedRow("near", Difference(0.95, 0.02), 50, 10, 30),
        ComparedRow("forgetful", Difference(0.94, 0.0), 50, 10, 40),
        ComparedRow("astray", Difference(1.0, 0.03), 50, 10, 50),
    ]
    assert table_of(rows).endswith("near.")


def test_without_attention_agreement_alone_decides() -> None:
    rows = [
        ComparedRow("true", Difference(1.0, None), 100, 10, 20),
        ComparedRow("near", Difference(0.95, None), 50, 10, 30),
        ComparedRow("forgetful", Difference(0.94, None), 50, 10, 40),
    ]
    assert table_of(rows).endswith("agreement of 95% at least: near.")


def test_the_command_prints_the_table(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(checkpoint)]) == 0
    assert "agreement  attention" in capsys.readouterr().out
    with pytest.raises(BundleError, match="it holds no model"):
        open_language(tmp_path)
