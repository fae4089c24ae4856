"""Without PyTorch, as in the bundle: what needs it says so, and the rest works."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from mmgpt_desktop import cli
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.bundle_engine import BundleEngine
from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.imaging.images import load_photo
from mmgpt_desktop.messages import (
    Explanation,
    GenerationRequest,
    Message,
    RuntimeName,
    Sampling,
)
from mmgpt_desktop.methods import Method
from mmgpt_desktop.resources import resource_path
from tests.fakes import FoundMaps
from tests.tiny_bundle import make_tiny_bundle

SENTENCE = "This needs PyTorch, which this light edition of the app doesn't carry."
PHOTO = resource_path("samples", "cat.jpg")
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> Any:
        return None if name == "torch" else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("light") / "tiny")


@pytest.mark.parametrize(
    "words",
    [
        ["ask", "photo.png", "What?", "--runtime", "torch"],
        ["evaluate", "--data", "folder"],
        ["export", "checkpoint", "out"],
        ["faithfulness", "--data", "folder"],
        ["teach", "folder"],
    ],
)
def test_commands_that_need_it_say_so_in_one_sentence(
    words: list[str], model: Path, capsys: Capture
) -> None:
    words = [str(PHOTO) if word == "photo.png" else word for word in words]
    assert cli.main([*words, "--model", str(model)]) == cli.FAILED
    assert capsys.readouterr().err.startswith(SENTENCE)


def test_their_help_is_there_all_the_same(capsys: Capture) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main(["export", "--help"])
    assert "--precision" in capsys.readouterr().out


def test_the_doctor_does_not_miss_it(
    model: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = {"torch": None, "transformers": None}
    monkeypatch.setattr(
        "mmgpt_desktop.commands.doctor.version_of", lambda name: versions.get(name, "1.0")
    )
    cli.main(["doctor", "--model", str(model)])
    said = capsys.readouterr().out
    assert "No PyTorch, as in the light edition: ONNX Runtime alone answers." in said
    assert "torch" not in said.split("Missing:")[-1].split("\n")[0]


def test_occlusion_needs_none_and_rollout_says_that_it_does(model: Path) -> None:
    engine, cancel = BundleEngine(model, RuntimeName.ONNX_CPU), CancelToken()
    engine.load()
    photo = load_photo(PHOTO)
    asked, short = (Message("user", "What?"),), Sampling(max_new_tokens=2)
    request = GenerationRequest(1, (photo,), asked, short)
    tokens: list[int] = []
    engine.generate(request, cancel, lambda step: tokens.append(step.token_id))
    explanation, found = Explanation(request, tuple(tokens)), FoundMaps()
    engine.explain(explanation, Method.OCCLUSION, cancel, found.take)
    assert found[-1].done == 1
    with pytest.raises(RuntimeFailure, match="This needs PyTorch"):
        engine.explain(explanation, Method.ROLLOUT, cancel, lambda _done: None)
    engine.close()
