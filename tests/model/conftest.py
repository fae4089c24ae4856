"""A tiny model of the real architecture, and its bundle, made once."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch

from mmgpt_desktop.model import MMGPTConfig, MMGPTForConditionalGeneration
from mmgpt_desktop.model.configuration import FUSIONS
from mmgpt_desktop.training.painting.painter_bundle import build_painter
from mmgpt_desktop.training.tokenizer import train_on
from tests.made_once import made_once
from tests.model.painting_models import tiny_painting


def tiny_config(latents: int = 0) -> MMGPTConfig:
    """Decoder layers 1 and 3 look; 16 cells (4 with concatenation) and 2 names of 2 tokens."""
    return MMGPTConfig(
        vocab_size=300,
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        grid_size=4,
        dropout=0.0,
        max_position_embeddings=64,
        graph_heads=2,
        similar_cells=2,
        resampler_latents=latents,
        name_classes=2,
        name_tokens=2,
        pointing_heads=((1, 0), (3, 1)),
    )


@pytest.fixture(params=FUSIONS)
def fusion(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def tiny_model() -> MMGPTForConditionalGeneration:
    return random_model(tiny_config())


def random_model(config: MMGPTConfig) -> MMGPTForConditionalGeneration:
    """Random weights, large enough that every part of the model shows in the logits."""
    torch.manual_seed(0)
    model = MMGPTForConditionalGeneration(config)
    for name, parameter in model.named_parameters():
        if not name.startswith("encoder") and parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    model.names.tokens.copy_(torch.randint(4, 300, model.names.tokens.shape))
    model.eval()
    return model


@pytest.fixture(scope="session")
def tiny_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tokenizer = train_on(["A dog runs. What is this? Is there a dog? yes no"], 300)
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.save(str(path))
    return path


@pytest.fixture(scope="session")
def tiny_painter(tiny_tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny painter, with its graphs."""

    def make(folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's own
            build_painter(tiny_painting(), tiny_tokenizer, folder)

    return made_once(tmp_path_factory, "tiny", make)
