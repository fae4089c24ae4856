"""Saving the answer in view from the menu."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QDialog, QFileDialog, QPushButton
from pytestqt.qtbot import QtBot

from mmgpt_desktop.attention.words import Word
from mmgpt_desktop.methods import Method
from mmgpt_desktop.report.report import Report
from mmgpt_desktop.report.report_files import Kind
from mmgpt_desktop.ui.files import exporter as export
from mmgpt_desktop.ui.heatmap.heatmap_pane import METHODS
from mmgpt_desktop.ui.window.app import App
from tests.gui.answers import idle, notices
from tests.gui.conftest import MakeApp
from tests.gui_fakes import GRID_COLUMNS, GRID_ROWS, FakeEngine, make_photo

Progress = Callable[[float], None]


def ask(qtbot: QtBot, app: App, question: str = "What <b>is</b> it?") -> None:
    app.pictures.photos.add(make_photo())
    app.chat.controller.ask(question)
    idle(qtbot, app)


def choose(app: App, monkeypatch: pytest.MonkeyPatch, path: Path | None) -> list[str]:
    """The dialog's answer from now on; the list gets what it proposed."""
    proposed: list[str] = []

    def answer(_suffixes: Sequence[str], name: str) -> Path | None:
        proposed.append(name)
        return path

    monkeypatch.setattr(app.files.exporter, "ask_path", answer)
    return proposed


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_is_saved_from_the_menu(
    qtbot: QtBot, app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: Kind
) -> None:
    ask(qtbot, app)
    path = tmp_path / f"answer.{kind}"
    proposed = choose(app, monkeypatch, path)
    app.window.actions_by_name[f"export-{kind}"].trigger()
    qtbot.waitUntil(lambda: f"Saved as answer.{kind}." in notices(app))
    assert proposed == [f"photo 0.{kind}"]
    assert not [text for text in notices(app) if text.startswith("Saving")]
    if kind in (Kind.PNG, Kind.GIF):
        with Image.open(path) as image:
            image.verify()
    elif kind is Kind.HTML:
        assert "What &lt;b&gt;is&lt;/b&gt; it?" in path.read_text(encoding="utf-8")
    else:
        data = json.loads(path.read_text(encoding="utf-8"))
        assert data["answer"] == "A red ball in the corner."
        with np.load(tmp_path / data["arrays"], allow_pickle=False) as arrays:
            assert arrays["maps_heads"].shape == (7, GRID_ROWS, GRID_COLUMNS)


@pytest.mark.parametrize("suffix", ["png", "pdf", "PDF"])
def test_a_card_is_saved_from_the_menu(
    qtbot: QtBot, app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, suffix: str
) -> None:
    ask(qtbot, app)
    path = tmp_path / f"card.{suffix}"
    proposed = choose(app, monkeypatch, path)
    app.window.actions_by_name["export-card"].trigger()
    qtbot.waitUntil(lambda: f"Saved as card.{suffix}." in notices(app))
    assert proposed == ["photo 0.png"]
    if suffix == "png":
        with Image.open(path) as image:
            assert sorted(image.size) == [1240, 1748]
    else:
        assert path.read_bytes().startswith(b"%PDF-")


def test_without_an_answer_there_is_no_card(qtbot: QtBot, app: App) -> None:
    app.window.actions_by_name["export-card"].trigger()
    assert notices(app) == ["There is no finished answer to save."]


@pytest.mark.parametrize(("chosen", "saved"), [("PNG (*.png)", "a.png"), ("PDF (*.pdf)", "a.pdf")])
def test_the_dialog_adds_the_suffix_of_the_kind_that_was_chosen(
    qtbot: QtBot, app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, chosen: str, saved: str
) -> None:
    def accept(dialog: QFileDialog) -> QDialog.DialogCode:
        dialog.setDirectory(str(tmp_path))
        dialog.selectNameFilter(chosen)
        dialog.filterSelected.emit(chosen)
        dialog.selectFile("a")
        return QDialog.DialogCode.Accepted

    monkeypatch.setattr(QFileDialog, "exec", accept)
    path = app.files.exporter.ask_path(("png", "pdf"), "photo.png")
    assert path == tmp_path / saved


def test_the_picture_is_of_the_word_in_view_or_of_the_whole_answer(
    qtbot: QtBot, app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ask(qtbot, app)
    turn = app.chat.controller.conversation.turns[0]
    pictures = []
    for name in ("first", "third", "whole"):
        choose(app, monkeypatch, tmp_path / f"{name}.png")
        app.heatmap.heatmaps.choose(turn, {"first": 0, "third": 2, "whole": 0}[name])
        app.window.heatmap.picture.set_whole(name == "whole")
        app.files.exporter.export(Kind.PNG)
        qtbot.waitUntil(partial(lambda name: f"Saved as {name}.png." in notices(app), name))
        pictures.append((tmp_path / f"{name}.png").read_bytes())
    assert len(set(pictures)) == 3


def test_what_was_chosen_by_hand_is_what_is_saved(
    qtbot: QtBot, app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ask(qtbot, app)
    app.window.heatmap.layer.setCurrentIndex(2)
    app.window.heatmap.head.setCurrentIndex(3)
    app.window.heatmap.drawing.colours.setCurrentText("Cividis")
    app.window.heatmap.drawing.contours.setChecked(True)
    app.window.heatmap.drawing.same_scale.setChecked(True)
    choose(app, monkeypatch, tmp_path / "a.html")
    app.files.exporter.export(Kind.HTML)
    qtbot.waitUntil(lambda: "Saved as a.html." in notices(app))
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "layer 1 head 3<" in page
    assert "cividis, smooth, contours" in page
    assert "All words share one scale" in page


def test_what_was_measured_goes_into_the_report(
    qtbot: QtBot, app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ask(qtbot, app)
    turn = app.chat.controller.conversation.turns[0]
    qtbot.waitUntil(lambda: len(turn.checks) == len(turn.words))
    assert turn.is_measured(Method.OCCLUSION)
    choose(app, monkeypatch, tmp_path / "a.json")
    app.files.exporter.export(Kind.JSON)
    qtbot.waitUntil(lambda: "Saved as a.json." in notices(app))
    data = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert [each["method"] for each in data["maps"]] == ["heads", "occlusion"]
    assert len(data["checks"]) == len(turn.words)
    assert {each["verdict"] for each in data["checks"]} == {"mattered", "anywhere"}


def test_a_map_that_is_still_measured_is_not_saved(
    qtbot: QtBot, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = FakeEngine(explain_gated=True)
    app = make_app(engine)
    ask(qtbot, app)
    app.window.heatmap.method.setCurrentIndex(METHODS.index(Method.OCCLUSION))
    choose(app, monkeypatch, tmp_path / "a.png")
    app.files.exporter.export(Kind.PNG)
    qtbot.waitUntil(lambda: any("no map of this answer yet" in text for text in notices(app)))
    assert list(tmp_path.glob("a.*")) == []


def test_without_a_finished_answer_it_is_said(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(gated=True)
    app = make_app(engine)
    app.files.exporter.export(Kind.HTML)
    assert notices(app) == ["There is no finished answer to save."]
    app.pictures.photos.add(make_photo())
    app.chat.controller.ask("What?")
    engine.release(2)
    qtbot.waitUntil(lambda: len(app.chat.controller.conversation.turns[0].steps) == 2)
    app.files.exporter.export(Kind.HTML)
    assert notices(app) == ["There is no finished answer to save."]


def test_an_answer_without_a_picture_has_no_map(
    qtbot: QtBot, app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app.chat.controller.ask("What?")
    idle(qtbot, app)
    choose(app, monkeypatch, tmp_path / "a.html")
    app.files.exporter.export(Kind.HTML)
    qtbot.waitUntil(lambda: any("without a picture" in text for text in notices(app)))
    assert list(tmp_path.glob("a.*")) == []


def test_a_place_that_cant_be_written_is_a_notice(
    qtbot: QtBot, app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ask(qtbot, app)
    choose(app, monkeypatch, tmp_path / "gone" / "a.png")
    app.files.exporter.export(Kind.PNG)
    qtbot.waitUntil(lambda: any("can't be written" in text for text in notices(app)))


def test_leaving_the_dialog_saves_nothing(
    qtbot: QtBot, app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ask(qtbot, app)
    choose(app, monkeypatch, None)
    app.files.exporter.export(Kind.GIF)
    assert notices(app) == []


def test_saving_can_be_cancelled(
    qtbot: QtBot, app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ask(qtbot, app)
    choose(app, monkeypatch, tmp_path / "a.gif")
    gate, ended = threading.Event(), list[str]()

    def gated(report: Report, kind: Kind, path: Path, progress: Progress, word: Word) -> None:
        if kind is Kind.GIF:
            gate.wait()
        progress(0.5)
        ended.append(path.name)

    monkeypatch.setattr(export, "save", gated)
    app.files.exporter.export(Kind.GIF)
    (notice,) = app.window.notices.current()
    (cancel,) = [b for b in notice.findChildren(QPushButton) if b.text() == "Cancel"]
    cancel.click()
    gate.set()
    choose(app, monkeypatch, tmp_path / "b.png")
    app.files.exporter.export(Kind.PNG)
    qtbot.waitUntil(lambda: notices(app) == ["Saved as b.png."])
    assert ended == ["b.png"]


@pytest.mark.parametrize(
    ("language", "tag", "said"), [("en", "en", "How this was made"), ("zh_CN", "zh-CN", "制作说明")]
)
def test_a_report_speaks_the_windows_language(
    qtbot: QtBot,
    make_app: MakeApp,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    language: str,
    tag: str,
    said: str,
) -> None:
    app = make_app(language=language)
    ask(qtbot, app)
    path = tmp_path / "a.html"
    choose(app, monkeypatch, path)
    app.files.exporter.export(Kind.HTML)
    qtbot.waitUntil(path.exists)
    source = path.read_text(encoding="utf-8")
    assert f'<html lang="{tag}">' in source
    assert f"<h2>{said}</h2>" in source


def test_a_mean_over_all_heads_says_so(
    qtbot: QtBot, app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ask(qtbot, app)
    app.window.heatmap.layer.setCurrentIndex(1)  # all layers, and so all heads
    path = tmp_path / "a.json"
    choose(app, monkeypatch, path)
    app.files.exporter.export(Kind.JSON)
    qtbot.waitUntil(path.exists)
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["maps"][0]["method"] == Method.MEAN
    assert data["heads"]["pairs"] == []
