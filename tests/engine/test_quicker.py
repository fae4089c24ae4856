"""Which of card and processor answers quicker is found out once, and said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mmgpt_desktop.engine import bundle_engine
from mmgpt_desktop.engine.bundle_engine import BundleEngine
from mmgpt_desktop.engine.folder.bundle import Bundle
from mmgpt_desktop.engine.onnx_runtime import OnnxRuntime
from mmgpt_desktop.engine.quicker import WORDS, Weighed, seconds_of, weigh
from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.messages import RuntimeInfo, RuntimeName
from tests.tiny_bundle import FUSIONS, make_tiny_bundle

CUDA, CPU = RuntimeName.ONNX_CUDA, RuntimeName.ONNX_CPU


class Named(OnnxRuntime):
    """The processor's, under any name."""

    def __init__(self, bundle: Bundle, name: RuntimeName) -> None:
        super().__init__(bundle, CPU)
        self.info = RuntimeInfo(name, "either")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bundle_engine, "OnnxRuntime", Named)
    monkeypatch.setattr(bundle_engine, "cache_path", lambda: tmp_path / "cache")
    return make_tiny_bundle(tmp_path / "tiny")


def seconds(monkeypatch: pytest.MonkeyPatch, card: float, processor: float) -> list[RuntimeName]:
    """From now on; returns what is tried."""
    tried = list[RuntimeName]()

    def known(runtime: OnnxRuntime, *_: object) -> float:
        tried.append(runtime.info.runtime)
        return card if runtime.info.runtime is CUDA else processor

    monkeypatch.setattr(bundle_engine, "seconds_of", known)
    return tried


@pytest.mark.parametrize(("card", "wanted"), [(0.1, CUDA), (0.4, CPU)])
def test_the_quicker_one_answers(
    folder: Path, monkeypatch: pytest.MonkeyPatch, card: float, wanted: RuntimeName
) -> None:
    tried = seconds(monkeypatch, card, 0.2)
    for _ in range(2):
        engine = BundleEngine(folder)
        engine.load()
        assert engine.runtime.runtime is wanted
        note = str(engine.runtime.note)
        assert ("80 tokens a second against 40" in note) is (wanted is CPU)
        engine.close()
    assert tried == [CUDA, CPU], "the second time it is known"


def test_other_files_are_tried_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = seconds(monkeypatch, 0.1, 0.2)
    other = make_tiny_bundle(tmp_path / "other")
    manifest = json.loads((other / "manifest.json").read_text())
    del manifest["files"]["config.json"]
    (other / "manifest.json").write_text(json.dumps(manifest))
    for each in (folder, other, folder):
        engine = BundleEngine(each)
        engine.load()
        engine.close()
    assert tried == 2 * [CUDA, CPU]


def test_a_runtime_that_was_chosen_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = seconds(monkeypatch, 0.4, 0.2)
    engine = BundleEngine(folder, CUDA)
    engine.load()
    assert engine.runtime.runtime is CUDA
    assert tried == []
    engine.close()


@pytest.mark.parametrize("fusion", FUSIONS)
def test_an_answer_is_timed(folder: Path, fusion: str) -> None:
    engine = BundleEngine(folder, CPU)
    engine.load()
    runtime = Named(engine.bundle, CPU)
    size = engine.bundle.manifest.image.size
    grey = np.zeros((1, 3, size, size), np.float32)
    assert 0 < seconds_of(runtime, grey, [1, 2], fusion) < 60
    runtime.close()
    engine.close()


def test_what_is_remembered_may_be_damaged_or_impossible_to_write(tmp_path: Path) -> None:
    asked = list[Weighed]()

    def both() -> Weighed:
        asked.append(Weighed(1.0, 2.0))
        return asked[-1]

    assert weigh(tmp_path / "kept", "a", both) == Weighed(1.0, 2.0)
    assert weigh(tmp_path / "kept", "a", both) == Weighed(1.0, 2.0)
    assert len(asked) == 1
    (file,) = (tmp_path / "kept").iterdir()
    for text in ("{", "[]", '{"card": "x", "processor": 1}', '{"card": 1}'):
        file.write_text(text)
        weigh(tmp_path / "kept", "a", both)
    assert len(asked) == 5
    (tmp_path / "file").write_text("")
    weigh(tmp_path / "file", "a", both)
    assert len(asked) == 6


def test_the_sentence_gives_both_rates() -> None:
    with pytest.raises(RuntimeFailure, match="160 tokens a second against 16"):
        Weighed(WORDS / 16, WORDS / 160).refuse_slower()
    Weighed(0.1, 0.1).refuse_slower()
