"""A model of two languages has the encoder's class names in both, and copies the one wanted."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.bundle_engine import BundleEngine
from mmgpt_desktop.engine.folder.bundle import Certainty, open_bundle
from mmgpt_desktop.engine.onnx_runtime import OnnxRuntime
from mmgpt_desktop.engine.torch_runtime import TorchRuntime
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.model import MMGPTConfig, MMGPTForConditionalGeneration
from mmgpt_desktop.model.configuration import CROSS_ATTENTION, GRAPH
from mmgpt_desktop.question_kinds import QuestionKind
from mmgpt_desktop.training.embedded_bundle import beyond, build_bundle
from mmgpt_desktop.training.head_scores import HeadScores
from mmgpt_desktop.training.imagenet_names import class_names, name_tokens
from mmgpt_desktop.training.tokenizer import train_on
from mmgpt_desktop.training.train import new_model
from tests.model.conftest import random_model, tiny_config

CANCEL = CancelToken()
PIXELS = np.random.default_rng(0).uniform(-1, 1, (1, 3, 64, 64)).astype(np.float32)
IN_ENGLISH = 20  # a token that asks for a name; the next one asks for it in Chinese


def bilingual_config() -> MMGPTConfig:
    config = tiny_config()
    config.languages, config.fusions, config.fusion = ("en", "zh"), (GRAPH,), GRAPH
    return config


@pytest.fixture(scope="module")
def model() -> MMGPTForConditionalGeneration:
    return random_model(bilingual_config())


@pytest.fixture(scope="module")
def bundle(
    model: MMGPTForConditionalGeneration,
    tiny_tokenizer: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "both"
    heads = {GRAPH: HeadScores([[0.1, 0.4], [0.3, 0.2]], 0.05, 10)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        build_bundle(model, tiny_tokenizer, heads, Certainty(1.2, 0.3, 0.2), folder)
    return folder


def test_a_class_stands_there_in_each_language(model: MMGPTForConditionalGeneration) -> None:
    scores = torch.zeros(1, 1000)
    scores[0, 7], scores[0, 300] = 9.0, 8.0
    cells, words = model.names(scores, model.embedding)
    assert cells.shape == words.shape == (1, 2 * (2 + 2), 32)
    assert torch.equal(words[0, :4], model.embedding(model.names.tokens[7]))
    assert torch.equal(words[0, 4:], model.embedding(model.names.tokens[300]))
    assert model.config.positions(GRAPH) == 16 + 8


def test_a_name_has_its_tokens_in_both_languages() -> None:
    tokenizer = train_on(["It is a goldfish.", "金鱼 丁鱥"] * 9, 320)
    table = name_tokens(tokenizer, 4, ("en", "zh"))
    assert table.shape == (1000, 8)
    fish = class_names().index("goldfish")
    english, chinese = (
        tokenizer.decode([token for token in part if token])
        for part in table[fish].view(2, 4).tolist()
    )
    assert (english, chinese) == (" goldfish", "金鱼")


def test_a_new_model_has_its_tokenizers_words_and_all_names() -> None:
    tokenizer = train_on(["It is a goldfish.", "金鱼 丁鱥"] * 9, 320)
    model = new_model(tokenizer, 1)
    assert tuple(model.config.languages) == ("en", "zh")
    assert model.embedding.num_embeddings == tokenizer.get_vocab_size()
    fish = model.names.tokens[class_names().index("goldfish")].tolist()
    assert tokenizer.decode(fish).replace("<|pad|>", "") == " goldfish金鱼"


def test_the_graphs_of_both_languages_equal_the_model(bundle: Path) -> None:
    opened = open_bundle(bundle)
    results = []
    for runtime in (OnnxRuntime(opened, RuntimeName.ONNX_CPU), TorchRuntime(opened)):
        encoded = runtime.encode(PIXELS, GRAPH, CANCEL)
        results.append(runtime.decode([1, 20, 30, 2], encoded, None, attention=True, cancel=CANCEL))
    ours, theirs = results
    assert np.abs(ours.logits - theirs.logits).max() < 1e-3
    assert ours.attention is not None
    assert theirs.attention is not None
    assert ours.attention.shape == (2 + 1, 2, 16 + 8)
    assert np.allclose(ours.attention, theirs.attention, atol=1e-4)


def test_the_manifest_says_both_languages(bundle: Path) -> None:
    assert json.loads((bundle / "config.json").read_text())["languages"] == ["en", "zh"]
    assert BundleEngine(bundle, RuntimeName.ONNX_CPU).load().languages == ("en", "zh")


def test_who_was_trained_to_translate_says_so(bundle: Path) -> None:
    assert "translate" in json.loads((bundle / "manifest.json").read_text())["beyond"]
    opened = open_bundle(bundle).manifest
    config = MMGPTConfig(languages=("en", "zh"), translates=True)
    assert QuestionKind.TRANSLATE in opened.beyond
    assert set(opened.beyond) - beyond(config) == {QuestionKind.TRANSLATE}


def test_the_name_in_the_questions_language_is_learnt_for_all_classes() -> None:
    """Whichever class is put first, also one that training never had."""
    torch.manual_seed(0)
    config = bilingual_config()
    config.fusions, config.fusion, config.name_tokens = (CROSS_ATTENTION,), CROSS_ATTENTION, 1
    config.num_hidden_layers, config.grid_size, config.pointing_heads = 2, 2, ()
    model = MMGPTForConditionalGeneration(config)
    model.names.tokens.copy_(torch.randint(30, 300, model.names.tokens.shape))
    model.encoder.requires_grad_(False)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 4e-3)
    for _ in range(250):
        loss, _ = ask_for_names(model, torch.randint(0, 800, (64,)))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        _, right = ask_for_names(model, torch.arange(800, 1000))
    assert right > 0.9


def ask_for_names(
    model: MMGPTForConditionalGeneration, classes: torch.Tensor
) -> tuple[torch.Tensor, float]:
    """The loss and the share of right answers when each other class is asked for in Chinese."""
    number = len(classes)
    chinese = torch.arange(number) % 2
    wanted = model.names.tokens[classes].gather(1, chinese[:, None])[:, 0]
    asked = torch.stack([torch.ones(number).long(), IN_ENGLISH + chinese], dim=1)
    fine, coarse = torch.randn(number, 4, 120), torch.randn(number, 1, 352)
    logits = model(asked, fine=fine, coarse=coarse, named=classes).logits[:, -1]
    right = (logits.argmax(dim=-1) == wanted).float().mean().item()
    return torch.nn.functional.cross_entropy(logits, wanted), right
