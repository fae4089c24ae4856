"""mmgpt-small of tiny parts: a GGUF file's language model, weights, and mmgpt-mini's encoder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.embedded import SMALL, models_here
from mmgpt_desktop.engine.checkpoint_engine import CheckpointEngine
from mmgpt_desktop.engine.folder.checkpoint import open_checkpoint
from mmgpt_desktop.engine.open_engine import open_engine
from mmgpt_desktop.export.linear import Precision
from mmgpt_desktop.export.preparation import prepare_small
from mmgpt_desktop.imaging.images import load_photo
from mmgpt_desktop.messages import GenerationRequest, Message, RuntimeName, Sampling, TokenStep
from mmgpt_desktop.model.adapters import new_flamingo, save_adapters
from mmgpt_desktop.model.assembly import read_language
from mmgpt_desktop.model.packing import load_packed
from mmgpt_desktop.resources import mini_path, resource_path
from tests.gguf_files import Kind, write_gguf
from tests.small_parts import install_parts

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>")
TOKENS = (*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet()), "th", "the")
MERGES = ("t h", "th e")
CONFIG = LlamaConfig(
    vocab_size=len(TOKENS),
    hidden_size=64,
    intermediate_size=96,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    max_position_embeddings=512,
    rms_norm_eps=1e-5,
    tie_word_embeddings=True,
    bos_token_id=1,
    eos_token_id=2,
)
SIZES = {**CONFIG.to_dict(), "rope_theta": 10000.0}
TEXT = "What is the thing?"


def language() -> LlamaForCausalLM:
    torch.manual_seed(0)
    model: LlamaForCausalLM = LlamaForCausalLM(CONFIG).eval()
    for parameter in model.parameters():
        parameter.data *= 5
    return model


def language_file(folder: Path) -> Path:
    weights = {
        name: each.numpy()
        for name, each in language().state_dict().items()
        if name != "lm_head.weight"
    }
    file = folder / "tiny.gguf"
    special = len(SPECIAL)
    return write_gguf(file, SIZES, weights, TOKENS, MERGES, special=special, kind=Kind.F32)


@pytest.fixture(scope="module")
def patched() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield monkeypatch


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, patched: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    parts = install_parts(patched, folder, language_file(folder).read_bytes())
    encoder = load_packed(mini_path()).encoder
    looks = {"cross_layers": (1,), "reader_width": 48}
    model = new_flamingo(language(), encoder, pointing_heads=((0, 0),), **looks)
    save_adapters(model, parts.own, packed=True)
    said = list[str]()
    path = prepare_small(lambda _done, what: said.append(what), Precision.FP32)
    assert said[0] == "Reading the language model"
    assert said[-1] == "Looking which heads tell most"
    return path


def test_the_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    model, words = read_language(language_file(tmp_path))
    ids = words(TEXT, return_tensors="pt")["input_ids"]
    assert words.decode(ids[0]) == TEXT
    assert words.convert_tokens_to_ids(list(SPECIAL)) == [0, 1, 2, 3]
    assert len(ids[0]) == len(TEXT) - 3, "the merges are known"
    with torch.inference_mode():
        found, expected = model(ids).logits, language()(ids).logits
    assert torch.allclose(found, expected, atol=1e-4)


def test_it_is_one_of_the_models_that_are_here(prepared: Path) -> None:
    assert models_here()[SMALL] == prepared
    assert prepared.name == SMALL
    checkpoint = open_checkpoint(prepared)
    assert checkpoint.name == SMALL
    manifest = json.loads((prepared / "manifest.json").read_text(encoding="utf-8"))
    assert len(manifest["attention"]["heads"]) > 0
    assert not [file for file in prepared.iterdir() if file.stat().st_mode & 0o044 != 0o044]


def test_nothing_is_left_of_the_work(prepared: Path) -> None:
    assert [path.name for path in prepared.parent.iterdir()] == [SMALL]
    assert list(prepared.parent.parent.iterdir()) == [prepared.parent]


@pytest.mark.parametrize("question", [True, False])
def test_its_graphs_answer_and_pytorch_alike(prepared: Path, question: bool) -> None:
    photo = load_photo(resource_path("samples", "cat.jpg"))
    answers = []
    for name in (RuntimeName.ONNX_CPU, RuntimeName.TORCH):
        engine = open_engine(prepared, name)
        assert isinstance(engine, CheckpointEngine)
        engine.load()
        asked, short = (Message("user", TEXT),), Sampling(max_new_tokens=4, temperature=0)
        request = GenerationRequest(1, (photo,) if question else (), asked, short)
        steps = list[TokenStep]()
        outcome = engine.generate(request, CancelToken(), steps.append)
        assert outcome.error is None
        answers.append([step.probability for step in steps])
        engine.close()
    graphs, torchs = answers
    assert len(graphs) == len(torchs) > 0
    assert np.allclose(graphs, torchs, atol=1e-3)
