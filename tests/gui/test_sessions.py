from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import Verdict
from mmgpt_desktop.methods import Method
from mmgpt_desktop.note import plain
from mmgpt_desktop.session.recent import RecentSession, read_recent, remember
from mmgpt_desktop.session.session_file import open_session, save_session
from mmgpt_desktop.ui.files.recent_dialog import RecentDialog
from mmgpt_desktop.ui.window.app import App
from tests import sessions
from tests.gui.answers import ask, notices
from tests.gui.conftest import MakeApp
from tests.gui.drops import drop, files
from tests.gui_fakes import ANSWER, CROSS, THREE, FakeEngine, drain, make_photo, thread_of
from tests.records import MODEL

ROOT = Path(__file__).resolve().parents[2]
OLD = ROOT / "tests/data/before-one-record.mmgpt"
BOTH = "Is [picture 2] later than [picture 1]?Yes."

KILLED = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from mmgpt_desktop.ui.window.app import App
from mmgpt_desktop.ui.application import make_application
from tests.gui_fakes import FakeEngine, make_photo

application = make_application()
app = App(application, FakeEngine(gated=True), Path(sys.argv[1]), {"language": "en"})
app.start()
app.pictures.photos.add(make_photo(seed=3))
app.chat.controller.ask("Survive?")
timer = QTimer(interval=10)

def look():
    app.files.sessions.keep()
    kept = [*Path(sys.argv[1]).parent.glob("unsaved/*.mmgpt")]
    if kept:
        print("kept", flush=True)

timer.timeout.connect(look)
timer.start()
application.exec()
"""


def talk(qtbot: QtBot, app: App, question: str = "What?") -> None:
    ask(qtbot, app, question)
    qtbot.waitUntil(lambda: not app.heatmap.explainer.busy)


def fill(qtbot: QtBot, app: App) -> None:
    """Two photos, each with an answer, and the first in view."""
    for seed in (1, 2):
        app.pictures.photos.add(make_photo(seed=seed))
        talk(qtbot, app, f"What is {seed}?")
    app.pictures.photos.choose(0)


def said(app: App) -> list[list[str]]:
    return [
        [turn.question + turn.answer for turn in conversation.turns]
        for conversation in app.pictures.photos.conversations
    ]


def click(app: App, text: str) -> None:
    buttons = app.window.notices.findChildren(QPushButton)
    next(button for button in buttons if button.text() == text).click()


def save(qtbot: QtBot, app: App, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.files.sessions, "ask_where_to", lambda proposed: path)
    app.window.actions_by_name["save"].trigger()
    finish(qtbot, app)


def keep(qtbot: QtBot, app: App) -> None:
    """As the timer does every few seconds."""
    finish(qtbot, app)
    app.files.sessions.keep()
    finish(qtbot, app)


def finish(qtbot: QtBot, app: App) -> None:
    """The thread has done all that it was given, and the window knows."""
    drain(qtbot, thread_of(app, "sessions"))


def open_(qtbot: QtBot, app: App, path: Path) -> None:
    with qtbot.waitSignal(app.pictures.photos.chosen):
        app.pictures.photos.open([path])


def test_a_saved_session_opens_as_it_was(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, path = make_app(), tmp_path / "mine.mmgpt"
    fill(qtbot, app)
    app.window.prompt.edit.setPlainText("half a quest")
    wanted, turn = said(app), app.chat.controller.conversation.turns[0]
    save(qtbot, app, path, monkeypatch)
    assert app.window.windowTitle() == "mine – MMGPT Desktop"  # noqa: RUF001
    engine = FakeEngine()
    again = make_app(engine)
    open_(qtbot, again, path)
    assert said(again) == wanted
    assert again.window.prompt.edit.toPlainText() == "half a quest"
    back = again.chat.controller.conversation.turns[0]
    assert back.checks == turn.checks
    found, wanted_maps = back.found(Method.OCCLUSION), turn.found(Method.OCCLUSION)
    assert found is not None
    assert wanted_maps is not None
    assert np.array_equal(found.weights, wanted_maps.weights)
    again.heatmap.heatmaps.choose(back, 1)
    qtbot.waitUntil(lambda: "red" in again.window.heatmap.picture.caption.text())
    assert engine.explained == []  # nothing is measured again that the session holds
    assert "".join(ANSWER) in again.window.output.view.toPlainText()
    talk(qtbot, again, "And now?")
    assert engine.requests[0].messages[0].text == "What is 1?"


def test_a_session_of_an_earlier_version_opens_whole(
    qtbot: QtBot, app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its photos, clip, answers and checks; see test_conversation.py for all that is in it."""
    path = tmp_path / "old.mmgpt"
    path.write_bytes(OLD.read_bytes())
    open_(qtbot, app, path)
    wanted = [["你好?Oh"], ["What is this?A red ball", BOTH], [BOTH]]
    assert said(app) == wanted
    assert app.chat.controller.conversation.clip == "a clip"
    assert app.window.prompt.edit.toPlainText() == "half a quest"
    app.pictures.photos.choose(0)
    turn = app.chat.controller.conversation.turns[0]
    app.heatmap.heatmaps.choose(turn, 1)
    qtbot.waitUntil(lambda: "red" in app.window.heatmap.picture.caption.text())
    app.window.output.underline.setCurrentIndex(0)
    spans = {span.index: span for span in app.window.output.view.spans if span.turn is turn}
    assert app.window.output.view.verdict(spans[1]) is Verdict.MATTERED
    save(qtbot, app, path, monkeypatch)
    assert path.read_bytes() != OLD.read_bytes()
    open_(qtbot, app, path)
    assert said(app) == wanted


def test_opening_can_be_undone(qtbot: QtBot, app: App, tmp_path: Path) -> None:
    save_session(sessions.session(), tmp_path / "other.mmgpt")
    fill(qtbot, app)
    app.window.prompt.edit.setPlainText("draft")
    before = said(app)
    open_(qtbot, app, tmp_path / "other.mmgpt")
    assert app.pictures.photos.count == 2
    assert app.window.prompt.edit.toPlainText() == "half a quest"
    app.window.undo.undo()
    assert said(app) == before
    assert app.window.prompt.edit.toPlainText() == "draft"
    assert app.window.windowTitle() == "MMGPT Desktop"


def test_a_damaged_session_changes_nothing(qtbot: QtBot, app: App, tmp_path: Path) -> None:
    path = tmp_path / "bad.mmgpt"
    save_session(sessions.session(), path)
    path.write_bytes(path.read_bytes()[:500])
    fill(qtbot, app)
    before = said(app)
    app.pictures.photos.open([path])
    finish(qtbot, app)
    assert "damaged" in notices(app)[-1]
    assert said(app) == before


def test_half_a_letter_in_a_strangers_session_is_shown(
    qtbot: QtBot, app: App, tmp_path: Path
) -> None:
    broke = sessions.turn(None)
    assert broke.outcome is not None
    odd = replace(broke.outcome, error=AppError("It broke at \ud800."), notes=(plain("A \udfff."),))
    saved = sessions.session()
    talk_of_it = replace(saved.conversations[0], turns=[replace(broke, outcome=odd)])
    save_session(replace(saved, conversations=(talk_of_it,), current=0), tmp_path / "odd.mmgpt")
    open_(qtbot, app, tmp_path / "odd.mmgpt")
    assert "It broke at" in app.window.output.view.toPlainText()


def test_a_session_is_dropped_like_a_photo(qtbot: QtBot, app: App, tmp_path: Path) -> None:
    save_session(sessions.session(), tmp_path / "Dropped.MMGPT")
    with qtbot.waitSignal(app.pictures.photos.chosen):
        assert drop(app.window, files(tmp_path / "Dropped.MMGPT"))
    assert app.pictures.photos.count == 2


def test_another_models_answer_is_shown_and_not_measured(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, path = make_app(FakeEngine(model=THREE)), tmp_path / "three.mmgpt"
    app.pictures.photos.add(make_photo())
    app.window.prompt.fusions.box.setCurrentIndex(1)
    talk(qtbot, app)
    save(qtbot, app, path, monkeypatch)
    engine = FakeEngine(model=MODEL)
    again = make_app(engine)
    open_(qtbot, again, path)
    turn = again.chat.controller.conversation.turns[0]
    assert turn.fusion == CROSS.name
    again.heatmap.heatmaps.choose(turn, 1)
    qtbot.waitUntil(lambda: "red" in again.window.heatmap.picture.caption.text())
    again.window.heatmap.choose_method(Method.ROLLOUT)
    assert "Another model" in again.window.heatmap.picture.empty.hint.text()
    again.heatmap.inspector.open_formula(0, 0)
    assert "Another model" in notices(again)[-1]
    assert (engine.explained, engine.numbers_asked) == ([], [])


def test_what_nobody_saved_is_kept_and_goes_when_it_is_saved(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, kept = make_app(), tmp_path / "unsaved"
    app.files.sessions.keep()
    fill(qtbot, app)
    keep(qtbot, app)
    (slot,) = kept.glob("*.mmgpt")
    assert [len(each.turns) for each in open_session(slot).conversations] == [0, 1, 1]
    assert [entry.kept for entry in read_recent(tmp_path / "recent.json")] == [True]
    save(qtbot, app, tmp_path / "a.mmgpt", monkeypatch)
    keep(qtbot, app)
    assert list(kept.glob("*.mmgpt")) == []
    assert [entry.name for entry in read_recent(tmp_path / "recent.json")] == ["a"]


def test_closing_keeps_what_nobody_saved_without_a_question_later(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app()
    fill(qtbot, app)
    app.window.close()
    assert len(list((tmp_path / "unsaved").glob("*.mmgpt"))) == 1
    again = make_app(wait=False)
    qtbot.waitUntil(lambda: again.models.loader.model is not None)
    again.window.actions_by_name["recent"].trigger()
    qtbot.waitUntil(lambda: bool(again.window.findChildren(RecentDialog)))
    assert again.window.notices.current() == []
    dialog = again.window.findChildren(RecentDialog)[0]
    assert dialog.list.item(0).text().startswith("Not saved")
    with qtbot.waitSignal(again.pictures.photos.chosen):
        dialog.open_button.click()
    assert again.pictures.photos.count == 2
    assert again.window.windowTitle() == "MMGPT Desktop"


def test_switched_off_nothing_is_left_behind(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app(autosave=False)
    assert not app.files.sessions.timer.isActive()
    fill(qtbot, app)
    app.window.close()
    assert not (tmp_path / "unsaved").exists()
    assert not (tmp_path / "recent.json").exists()


def test_switching_off_deletes_what_was_kept(qtbot: QtBot, app: App, tmp_path: Path) -> None:
    fill(qtbot, app)
    keep(qtbot, app)
    app.window.actions_by_name["autosave"].trigger()
    finish(qtbot, app)
    assert list((tmp_path / "unsaved").glob("*.mmgpt")) == []


def test_switching_off_deletes_what_earlier_runs_left_too(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path
) -> None:
    app, unsaved = make_app(), tmp_path / "unsaved"
    fill(qtbot, app)
    app.window.close()
    (unsaved / "old.mmgpt").write_bytes(b"PK")
    (unsaved / "killed.mmgpt.part").write_bytes(b"PK")
    (unsaved / ".mmgpt-0123.part").write_bytes(b"PK")
    mine = tmp_path / "mine.mmgpt"
    save_session(sessions.session(), mine)
    remember(tmp_path / "recent.json", RecentSession(str(mine), 1.0, 1, 1, "mine"))
    again = make_app()
    talk(qtbot, again)
    keep(qtbot, again)
    again.window.actions_by_name["autosave"].trigger()
    finish(qtbot, again)
    assert list(unsaved.iterdir()) == []
    assert [entry.path for entry in read_recent(tmp_path / "recent.json")] == [str(mine)]
    assert mine.exists()


def test_what_another_running_window_keeps_stays(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path
) -> None:
    one, other = make_app(), make_app()
    for app in (one, other):
        talk(qtbot, app)
        keep(qtbot, app)
    one.window.actions_by_name["autosave"].trigger()
    finish(qtbot, one)
    assert len(list((tmp_path / "unsaved").glob("*.mmgpt"))) == 1
    assert len(read_recent(tmp_path / "recent.json")) == 1


def test_where_nothing_is_to_be_kept_a_start_deletes_what_was(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app()
    fill(qtbot, app)
    app.window.close()
    finish(qtbot, make_app(autosave=False))
    assert list((tmp_path / "unsaved").iterdir()) == []
    assert read_recent(tmp_path / "recent.json") == ()


@pytest.mark.skipif(os.name == "nt", reason="modes of Unix")
def test_nobody_else_reads_what_was_said(qtbot: QtBot, make_app: MakeApp, tmp_path: Path) -> None:
    (tmp_path / "recent.json").write_text("[]")
    (tmp_path / "recent.json").chmod(0o644)
    app = make_app()
    finish(qtbot, app)
    assert (tmp_path / "recent.json").stat().st_mode & 0o077 == 0
    talk(qtbot, app)
    keep(qtbot, app)
    assert (tmp_path / "recent.json").stat().st_mode & 0o077 == 0
    assert (tmp_path / "unsaved").stat().st_mode & 0o077 == 0


def test_a_home_that_cant_be_written_is_told_once_and_nothing_else_breaks(
    qtbot: QtBot, make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a folder below a file the system says that it is none, to the administrator too."""
    (tmp_path / "home").touch()
    app = make_app(options={"data_folder": tmp_path / "home" / "data"})
    app.preferences.path = tmp_path / "home" / "config" / "settings.json"
    for count in (1, 2):
        app.pictures.photos.add(make_photo(seed=count))
        talk(qtbot, app)
        keep(qtbot, app)
        app.window.heatmap.drawing.changed.emit()
        app.preferences.save()
    save(qtbot, app, tmp_path / "mine.mmgpt", monkeypatch)
    qtbot.waitUntil(lambda: len(app.window.notices.current()) >= 2)
    told = notices(app)
    assert sum("can't write its own files" in each for each in told) == 1
    assert any("Saved as mine.mmgpt" in each for each in told)
    assert not any("went wrong" in each for each in told)
    assert (tmp_path / "mine.mmgpt").exists()


def test_a_full_disk_is_told_once(qtbot: QtBot, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise AppError("The disk is full.")

    monkeypatch.setattr("mmgpt_desktop.ui.files.session_controller.save_session", full)
    for count in (1, 2):
        app.pictures.photos.add(make_photo(seed=count))
        keep(qtbot, app)
        assert len(app.window.notices.current()) == (count == 1)
        if count == 1:
            app.window.notices.current()[-1].dismiss()
    assert app.window.notices.current() == []


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_a_killed_program_loses_nothing(qtbot: QtBot, make_app: MakeApp, tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path / "settings.json")]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"kept\n"
        living = make_app()
        talk(qtbot, living)  # while it lives, its session is nobody else's
        assert living.window.notices.current() == []
        living.window.close()
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    app = make_app()
    qtbot.waitUntil(lambda: bool(app.window.notices.current()))
    with qtbot.waitSignal(app.pictures.photos.chosen):
        click(app, "Bring it back")
    assert [turn.question for turn in app.chat.controller.conversation.turns] == ["Survive?"]
    third = make_app()
    third.window.actions_by_name["recent"].trigger()
    qtbot.waitUntil(lambda: bool(third.window.findChildren(RecentDialog)))
    assert third.window.notices.current() == []  # it was offered, and is not again


def test_the_list_is_searched_and_walked_by_keyboard(
    qtbot: QtBot, app: App, tmp_path: Path
) -> None:
    for name, when in (("older", 1.0), ("newer", 2.0)):
        path = tmp_path / f"{name}.mmgpt"
        save_session(sessions.session(), path)
        remember(tmp_path / "recent.json", RecentSession(str(path), when, 2, 3, f"A {name} ball"))
    app.window.actions_by_name["recent"].trigger()
    qtbot.waitUntil(lambda: bool(app.window.findChildren(RecentDialog)))
    dialog = app.window.findChildren(RecentDialog)[0]
    assert [dialog.list.item(row).text()[:5] for row in range(2)] == ["newer", "older"]
    qtbot.keyClick(dialog.search, Qt.Key.Key_Down)
    assert dialog.list.currentRow() == 1
    qtbot.keyClicks(dialog.search, "ball OLD")
    assert dialog.list.count() == 1
    qtbot.keyClicks(dialog.search, "x")
    assert dialog.none.isVisible()
    assert dialog.list.isHidden()  # what is said stands in its place
    assert not dialog.open_button.isEnabled()
    dialog.search.clear()
    qtbot.keyClick(dialog.list, Qt.Key.Key_Delete)
    finish(qtbot, app)
    assert (tmp_path / "newer.mmgpt").exists()
    assert [entry.name for entry in read_recent(tmp_path / "recent.json")] == ["older"]
    with qtbot.waitSignal(app.pictures.photos.chosen):
        qtbot.keyClick(dialog.search, Qt.Key.Key_Return)
    assert app.window.windowTitle().startswith("older")


def test_the_dialogs_closing_leaves_nothing(qtbot: QtBot, app: App) -> None:
    app.window.actions_by_name["recent"].trigger()
    qtbot.waitUntil(lambda: bool(app.window.findChildren(RecentDialog)))
    app.window.findChildren(RecentDialog)[0].reject()
    QGuiApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert app.window.findChildren(RecentDialog) == []
