"""Janus draws, beside transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from transformers import JanusForConditionalGeneration

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.painting.paint_engine import PaintEngine
from mmgpt_desktop.errors import AppError, BundleError, RuntimeFailure
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.painted import Painting, PaintRequest, PaintSettings, PaintStep
from tests.families.test_janus import BEGIN, TOKENS, tiny_janus

GREEDY = PaintSettings(temperature=0.0, least=0.0, guidance=5.0)
PROMPT = "a red rose"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tiny_janus(tmp_path_factory.mktemp("janus") / "tiny-janus")
    file = path / "generation_config.json"
    settings = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(settings | {"bos_token_id": 0, "pad_token_id": 1}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def painter(folder: Path) -> PaintEngine:
    found = PaintEngine(folder, RuntimeName.TORCH)
    found.load()
    return found


def draw(
    painter: PaintEngine,
    prompt: str = PROMPT,
    seed: int = 0,
    settings: PaintSettings | None = GREEDY,
) -> tuple[Painting, list[PaintStep]]:
    steps: list[PaintStep] = []
    request = PaintRequest(1, prompt, seed, settings=settings)
    outcome = painter.paint(request, CancelToken(), steps.append)
    if outcome.error is not None:
        raise outcome.error
    return outcome.paintings[0], steps


def by_transformers(painter: PaintEngine, folder: Path) -> Any:
    """The pixels of its own greedy picture, from -1 to 1 [height, width, 3]."""
    source: Any = painter.source
    prompt = source.read_prompt(PROMPT, known_only=False)
    model: Any = JanusForConditionalGeneration.from_pretrained(folder).eval()
    model.generation_config.generation_kwargs = {"boi_token_id": int(prompt.ids[-1])}
    ids = torch.from_numpy(prompt.ids)[None]
    tokens = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        generation_mode="image",
        guidance_scale=GREEDY.guidance,
        do_sample=False,
        use_cache=True,
    )
    with torch.no_grad():
        return model.decode_image_tokens(tokens)[0].numpy()


def test_it_draws_what_transformers_draws(painter: PaintEngine, folder: Path) -> None:
    painting, steps = draw(painter)
    wanted = np.rint((by_transformers(painter, folder).clip(-1, 1) + 1) * 127.5)
    assert painting.pixels.shape == wanted.shape == (12, 12, 3)
    assert int(np.abs(painting.pixels - wanted).max()) <= 1
    assert [step.done for step in steps] == list(range(1, TOKENS + 1))
    assert painter.runtime.runtime is RuntimeName.TORCH


def test_each_cell_tells_what_it_read_of_each_word(painter: PaintEngine) -> None:
    drawing = draw(painter)[0].drawing
    assert [word.text for word in drawing.words] == ["a", "red", "rose"]
    assert [PROMPT[word.start : word.stop] for word in drawing.words] == ["a", "red", "rose"]
    assert drawing.maps.shape == (3, 6, 6)
    np.testing.assert_allclose(drawing.maps.sum(axis=0), 1, atol=1e-5)
    assert drawing.painter == "tiny-janus"


def test_a_seed_draws_the_same_again_and_another_something_else(painter: PaintEngine) -> None:
    free = PaintSettings(temperature=3.0, least=0.0, guidance=1.0)
    one, again, other = (draw(painter, seed=seed, settings=free)[0].pixels for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_words_weigh_more_with_guidance(painter: PaintEngine) -> None:
    plain, guided = (
        draw(painter, settings=PaintSettings(0.0, 0.0, guidance))[0].pixels for guidance in (1, 20)
    )
    assert not np.array_equal(plain, guided)


def test_what_it_is_is_known_without_loading_it(folder: Path) -> None:
    info = PaintEngine(folder).describe()
    assert (info.name, info.size, info.side) == ("tiny-janus", 12, 6)
    assert info.settings.guidance == 5.0


@pytest.mark.parametrize("prompt", ["", "x" * 4000])
def test_nothing_and_too_much_are_refused_in_a_sentence(painter: PaintEngine, prompt: str) -> None:
    with pytest.raises(AppError, match=r"Nothing is said|too long"):
        draw(painter, prompt)


def test_it_stops_between_cells(painter: PaintEngine) -> None:
    cancel = CancelToken()
    outcome = painter.paint(PaintRequest(1, PROMPT), cancel, lambda _step: cancel.cancel())
    assert (outcome.kind, outcome.paintings) == ("cancelled", ())


def test_a_prompt_with_marks_of_its_own_is_text(painter: PaintEngine) -> None:
    """A stranger's marks are no tokens that begin a picture."""
    painting, _ = draw(painter, "a rose <3 & {{ 7 }}")
    assert painting.drawing.prompt == "a rose <3 & {{ 7 }}"


@pytest.mark.parametrize("prompt", ["User", "Assistant", "<|User|>", "a <|User|> b"])
def test_words_of_the_template_are_not_the_prompts(painter: PaintEngine, prompt: str) -> None:
    source: Any = painter.source
    read = source.read_prompt(prompt, known_only=False)
    tokens = source.checkpoint.tokenizer()
    for word, span in zip(read.words, read.spans, strict=True):
        assert word.text in tokens.decode(read.ids[span].tolist(), skip_special_tokens=False)
        assert span.start > 2, "after what begins the text and says who asks"


def test_without_what_draws_it_is_refused(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    kept = {name: each for name, each in weights.items() if "generation_head" not in name}
    save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(RuntimeFailure, match="lack what draws"):
        PaintEngine(tmp_path).load()


def test_onnx_is_refused_and_another_model_too(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailure, match="PyTorch alone"):
        PaintEngine(folder, RuntimeName.ONNX_CPU).load()
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    config["model_type"] = "smolvlm"
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(BundleError, match="can't draw"):
        PaintEngine(tmp_path).describe()


@pytest.mark.parametrize("cells", [35, 0, "many"])
def test_settings_that_do_not_fit_are_named(folder: Path, tmp_path: Path, cells: object) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    config["vision_config"]["num_image_tokens"] = cells
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(BundleError, match=r"fit together|can't be used"):
        PaintEngine(tmp_path).describe()


def test_the_prompt_is_asked_as_a_question(painter: PaintEngine) -> None:
    source: Any = painter.source
    prompt = source.read_prompt(PROMPT, known_only=False)
    text = source.checkpoint.tokenizer().decode(prompt.ids.tolist(), skip_special_tokens=False)
    assert text.startswith(BEGIN)
    assert text.endswith("<|Assistant|>:<begin_of_image>")
