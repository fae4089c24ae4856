"""From answers to the tables, with a model of which is known what it needs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.base import EngineBase
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import (
    AttentionMap,
    CellMaps,
    Explanation,
    Found,
    GenerationOutcome,
    GenerationRequest,
    Sampling,
    TokenStep,
)
from mmgpt_desktop.methods import Method
from mmgpt_desktop.training.evaluation import map_faithfulness as faithfulness
from mmgpt_desktop.training.evaluation.answering import Respondent
from mmgpt_desktop.training.evaluation.cases import ASKED, DESCRIBED, NAMED, cases
from mmgpt_desktop.training.photo_texts import photos_of
from tests.fakes import whole_grid
from tests.records import done, fusion_info, model_info

SIDE = 4
GRID = whole_grid(SIDE, SIDE, 64, 48)
LAMP = 0
"""The cell of the thing, which every content word needs."""
GLOWING = 9
HEADS = ((0, 0),)
INFO = fusion_info(1, 2, SIDE, HEADS)
MODEL = model_info(INFO)
ANSWERS = {
    "Where": ("on", " the", " left"),
    "Describe": ("A", " lamp", " of", " glass", "."),
    "": ("wall", ",", " lamp", ",", " lamp", "."),
}
DARK = ("on", " the", "A", " of", ".", ",")


class Planted:
    """Looks at the lamp with its first head and at a glowing cell with its second one.

    With `needs` its words' probability falls from 0.9 to 0.1 while the lamp is hidden. It
    can't give all methods.
    """

    find_maps = EngineBase.find_maps

    def __init__(self, needs: bool = True) -> None:
        self.needs = needs
        self.model = SimpleNamespace(sampling=Sampling())

    def generate(
        self,
        request: GenerationRequest,
        cancel: CancelToken,
        on_step: Callable[[TokenStep], None],
    ) -> GenerationOutcome:
        question = request.messages[-1].text
        texts = next(a for start, a in ANSWERS.items() if question.startswith(start))
        for index, text in enumerate(texts):
            on_step(TokenStep(0, index, index + 10, text, 0.9, self._look(text)))
        return done(0)

    def _look(self, text: str) -> AttentionMap:
        weights = np.full((1, 2, GRID.cells), 0.01, np.float16)
        weights[0, 0, LAMP] = 0.02 if text in DARK else 0.4
        weights[0, 1, GLOWING] = 0.8
        return AttentionMap(weights, GRID)

    def hidden(
        self, explanation: Explanation, masks: NDArray[np.bool_], cancel: CancelToken
    ) -> NDArray[np.float32]:
        gone = masks.reshape(len(masks), -1)[:, LAMP] & self.needs
        values = np.where(gone, 0.1, 0.9)[:, np.newaxis]
        return np.repeat(values, len(explanation.token_ids), axis=1).astype(np.float32)

    def explain(
        self,
        explanation: Explanation,
        method: Method,
        cancel: CancelToken,
        on_found: Callable[[Found], None],
    ) -> None:
        if method is Method.RELATIVE:
            on_found(self._look("A"))
        elif method is Method.OCCLUSION:
            self._occlude(explanation, on_found)
        elif not method.from_attention:
            raise AppError("No {method} here.", "Take another.", method=method)

    def _occlude(self, explanation: Explanation, on_found: Callable[[Found], None]) -> None:
        maps = np.full((len(explanation.token_ids), SIDE, SIDE), np.nan, np.float32)
        on_found(CellMaps(Method.OCCLUSION, maps.copy(), GRID, 0.1))
        maps[:, :2] = 0
        maps[:, 0, 0] = 2.2
        on_found(CellMaps(Method.OCCLUSION, maps, GRID))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Test photos with a lamp in the top left cell, and one that people described."""
    rows = []
    labels = np.zeros((24, 32), np.uint8)
    labels[:8, :8] = 2
    folder = tmp_path / "labels" / "ade20k"
    folder.mkdir(parents=True)
    for name, kind, answer in (
        ("ade20k/a", "scene", "bedroom"),
        ("ade20k/b", "scene", "bedroom"),
        ("flickr8k/c", "caption", "A lamp."),
    ):
        path = tmp_path / "images" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 48)).save(path)
        Image.fromarray(labels).save(folder / f"{path.stem}.png")
        row = {"image": f"images/{name}.png", "kind": kind, "split": "test"}
        rows.append({**row, "question": "", "answer": answer})
    (tmp_path / "labels" / "ade20k_objects.txt").write_text("Idx\tName\n1\twall\n2\tlamp, light\n")
    (tmp_path / "texts.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return tmp_path


def report_of(data: Path, engine: Any, *methods: Method) -> faithfulness.FaithfulnessReport:
    settings = faithfulness.FaithfulnessSettings(data, methods=methods or tuple(Method))
    return faithfulness.measure(engine, MODEL, settings)


def value(report: faithfulness.FaithfulnessReport, way: str, measure: str) -> float:
    (found,) = [f for f in report.figures if (f.way, f.measure) == (way, measure)]
    assert found.score.low <= found.score.value <= found.score.high
    return found.score.value


def test_cases_are_answers_about_things_lists_and_descriptions(data: Path) -> None:
    respondent = Respondent(Planted(), data)  # type: ignore[arg-type]
    photos = photos_of(data, "test")
    found = list(cases(respondent, photos, None))
    assert [case.task for case in found] == [ASKED, NAMED, ASKED, NAMED, DESCRIBED]
    asked, named, *_, described = found
    assert [target.steps for target in asked.targets] == [(0, 3)]
    assert [target.steps for target in named.targets] == [(2, 4), (4, 6)]  # one name, twice
    assert all(t.mask is not None and t.mask.mean() == 1 / 12 for t in named.targets)
    (target,) = described.targets
    assert target.steps in [(1, 2), (3, 5)]  # "lamp" or "glass."
    assert target.mask is None
    assert described.explanation.token_ids == (10, 11, 12, 13, 14)
    assert len(list(cases(respondent, photos, 1))) == 3


def test_what_the_model_needs_and_looks_at_is_found(data: Path) -> None:
    report = report_of(data, Planted())
    for way in (Method.HEADS, Method.NO_SINKS, Method.RELATIVE, Method.OCCLUSION):
        for task in (ASKED, NAMED):
            assert value(report, way, f"pointing game, {task}") == 1
            assert value(report, way, f"mask IoU, {task}") == pytest.approx(0.75)
        assert value(report, way, "fall at 20 %, times random") > 2
        assert value(report, way, "deletion effect, times random") > 1.3
        assert value(report, way, "deletion effect") > value(report, "random", "deletion effect")
        assert value(report, way, "insertion area") > value(report, "random", "insertion area")
    assert value(report, "mean", f"pointing game, {ASKED}") == 0  # the other head glows elsewhere
    assert value(report, "centre", f"pointing game, {ASKED}") == 0
    assert value(report, "random", "fall at 20 %, times random") == 1


def test_only_what_is_dark_for_function_words_is_so(data: Path) -> None:
    report = report_of(data, Planted())
    darkness = "function-word darkness"
    assert value(report, "heads", darkness) == pytest.approx(1 - 0.02 / 0.305, abs=0.01)  # "glass."
    assert value(report, "occlusion", darkness) == 0  # planted the same for every token
    assert value(report, "centre", darkness) == 0
    assert value(report, "heads", "seconds a word") > 0


def test_a_model_that_ignores_the_picture_shows_no_effect(data: Path) -> None:
    report = report_of(data, Planted(needs=False), Method.HEADS)
    for way in ("heads", "random", "centre"):
        assert value(report, way, "deletion effect") == pytest.approx(0)
        area = value(report, way, "deletion area")
        assert area == pytest.approx(value(report, way, "insertion area")) != 0
    assert not [figure for figure in report.figures if "times" in figure.measure]
    assert "| heads | **" in faithfulness.as_markdown(report)


def test_a_method_that_cant_be_had_is_left_out_with_a_sentence(data: Path) -> None:
    report = report_of(data, Planted())
    assert set(report.missing) == {Method.ROLLOUT, Method.RELEVANCY, Method.TAM}
    text = faithfulness.as_markdown(report)
    assert "tam: left out. No tam here. Take another." in text
    assert "| tam |" not in text


def test_the_tables_as_text_and_as_json(data: Path) -> None:
    report = report_of(data, Planted(), Method.HEADS, Method.MEAN)
    text = faithfulness.as_markdown(report)
    rows = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| ")]
    assert rows == ["| method", "| ---", "| heads", "| mean", "| random", "| centre"] * 2
    assert "pointing game, asked for (2)" in text
    assert "**100.0** (100.0 to 100.0)" in text
    about = {"model": "planted"}
    loaded = json.loads(json.dumps(faithfulness.as_json(report, about), allow_nan=False))
    assert loaded["model"] == "planted"
    assert {figure["way"] for figure in loaded["figures"]} == {"heads", "mean", "random", "centre"}


def test_the_same_figures_every_time(data: Path) -> None:
    first, second = (report_of(data, Planted(), Method.MEAN) for _ in range(2))
    timeless = [
        [figure for figure in report.figures if figure.measure != "seconds a word"]
        for report in (first, second)
    ]
    assert timeless[0] == timeless[1]


def test_photos_without_anything_to_explain_are_told(data: Path) -> None:
    row = {"image": "images/coco/d.png", "kind": "vqa", "question": "is it", "answer": "no"}
    (data / "texts.jsonl").write_text(json.dumps({**row, "split": "test"}) + "\n")
    with pytest.raises(AppError, match="no test photos that can be explained"):
        report_of(data, Planted())
