"""The window on the real engine, with a tiny bundle."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mmgpt_desktop.methods import Method
from mmgpt_desktop.resources import read_samples
from mmgpt_desktop.ui.heatmap.comparison import Comparison
from mmgpt_desktop.ui.window.app import App
from mmgpt_desktop.ui.worker import engine_maker
from tests.gui.answers import ask
from tests.tiny_bundle import ANSWER, make_tiny_bundle

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("bundle"))


def run(module: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


def test_a_photo_is_asked_and_each_word_has_its_heatmap(
    qtbot: QtBot, qapp: QApplication, bundle: Path, tmp_path: Path
) -> None:
    settings = tmp_path / "settings.json"
    app = App(qapp, engine_maker(bundle, None), settings, {"language": "en", "theme": "dark"})
    app.start()
    app.pictures.photos.open([read_samples()[0].path])
    qtbot.waitUntil(lambda: app.pictures.photos.count == 1)
    ask(qtbot, app, "What is happening here?")
    turn = app.chat.controller.conversation.turns[0]
    assert turn.answer.strip() == ANSWER
    for index, word in enumerate(turn.words):
        app.heatmap.heatmaps.choose(turn, index)
        text = word.text.strip(" .")
        qtbot.waitUntil(
            partial(lambda text: f"“{text}”" in app.window.heatmap.picture.caption.text(), text)
        )
        assert app.window.heatmap.picture.view.layer is not None
    words = len(turn.words)
    qtbot.waitUntil(lambda: len(turn.checks) == words)
    qtbot.waitUntil(lambda: turn.is_measured(Method.OCCLUSION))
    assert not turn.failed
    app.window.close()
    assert app.ended_in_time
    app.window.deleteLater()
    app.theme.deleteLater()


def test_all_fusions_answer_side_by_side_and_the_graph_is_shown(
    qtbot: QtBot, qapp: QApplication, bundle: Path, tmp_path: Path
) -> None:
    app = App(qapp, engine_maker(bundle, None), tmp_path / "settings.json", {"language": "en"})
    app.start()
    app.pictures.photos.open([read_samples()[0].path])
    qtbot.waitUntil(lambda: app.pictures.photos.count == 1 and app.models.loader.model is not None)
    app.heatmap.comparisons.compare()
    (comparison,) = app.window.findChildren(Comparison)
    qtbot.waitUntil(lambda: not comparison.busy)
    for column in comparison.columns:
        assert ANSWER in column.answer.toPlainText()
        assert "words a second" in column.answer.toPlainText()
    graph = next(column.graph for column in comparison.columns if column.graph is not None)
    for column in comparison.columns:
        column.graph_box.setChecked(True)
    qtbot.waitUntil(lambda: graph.edges is not None)
    assert graph.strongest()
    app.window.close()
    assert app.ended_in_time
    app.window.deleteLater()
    app.theme.deleteLater()


def test_the_screenshot_has_the_wanted_size(bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "shot.png"
    photo = read_samples()[0].path
    run(
        "screenshot",
        *(str(out), "--bundle", str(bundle), "--photo", str(photo)),
        *("--question", "What is it?", "--size", "1000x700", "--scale", "2"),
    )
    image = QImage(str(out))
    assert (image.width(), image.height()) == (2000, 1400)


def test_the_comparison_can_be_photographed(bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "shot.png"
    photo = read_samples()[0].path
    run(
        "screenshot",
        *(str(out), "--bundle", str(bundle), "--photo", str(photo), "--compare", "--graph"),
        *("--question", "What is it?", "--size", "1000x700", "--fusion", "concat"),
    )
    assert QImage(str(out)).width() == 970


def test_the_benchmark_reports_all_figures(bundle: Path) -> None:
    lines = run("window_timing", "--bundle", str(bundle), "--repeat", "1").splitlines()
    assert [line.split(",")[0] for line in lines] == [
        "start to first paint",
        "lateness while the model loads",
        "lateness while it answers",
    ]
    assert all("p99" in line for line in lines)


def test_walking_through_an_answer_is_measured_word_by_word(bundle: Path) -> None:
    lines = run("window_timing", "--bundle", str(bundle), "--walk").splitlines()
    assert [line.split(",")[0] for line in lines] == [
        "GUI thread for a word",
        "whole process for a word",
    ]
    assert all(line.endswith("n 59") for line in lines)
