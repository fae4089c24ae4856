"""What the app says itself to a question that the model has no answer to, and who insists."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.honesty import Hedge, Reply
from mmgpt_desktop.question_kinds import BEYOND, QuestionKind
from mmgpt_desktop.report.report import Report
from mmgpt_desktop.session.session_file import open_session, save_session
from mmgpt_desktop.session.session_record import Session, to_be_saved
from mmgpt_desktop.ui.heatmap.comparison import Comparison
from mmgpt_desktop.ui.window.app import App
from tests.clips import write_animation
from tests.gui.answers import ask, idle
from tests.gui.conftest import MakeApp
from tests.gui.drops import files
from tests.gui.event_parts import MakeShow, open_sample, touch, until
from tests.gui.event_parts import ask as ask_show
from tests.gui.event_parts import idle as show_idle
from tests.gui_fakes import ANSWER, THREE, FakeEngine, make_photo

TEXT = "".join(ANSWER)
PICTURES = replace(THREE, beyond=tuple(BEYOND))
READ = "What does the sign say?"
NOT_ASKED = "The app says this by itself; the model was not asked."
GUESSED = f"I'm not sure, perhaps: {TEXT}"


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(model=PICTURES, certainty=0.9)


@pytest.fixture
def app(make_app: MakeApp, engine: FakeEngine) -> App:
    app = make_app(engine, details=True)
    app.pictures.photos.add(make_photo())
    return app


def written(app: App) -> list[str]:
    return app.window.output.view.toPlainText().splitlines()


def test_the_app_speaks_for_itself(qtbot: QtBot, app: App, engine: FakeEngine) -> None:
    turn = ask(qtbot, app, READ)
    question, said, whose = written(app)
    assert question == READ
    assert said.startswith("This model can't read what is written")
    assert whose == NOT_ASKED
    assert engine.requests == []
    assert turn.answer == ""
    assert app.window.output.view.spans == ()
    assert app.window.heatmap.picture.caption.text() == ""
    app.window.output.view.redraw()
    assert written(app) == [question, said, whose]


def test_a_guess_is_one_click_away(qtbot: QtBot, app: App, engine: FakeEngine) -> None:
    output = app.window.output
    assert not output.anyway_button.isVisible()
    ask(qtbot, app, READ)
    assert output.anyway_button.isVisible()
    qtbot.mouseClick(output.anyway_button, Qt.MouseButton.LeftButton)
    idle(qtbot, app)
    assert not output.anyway_button.isVisible()
    assert GUESSED in written(app)
    assert written(app)[-1].startswith("A guess: the model can't tell this. · Graph")
    assert [request.anyway for request in engine.requests] == [True]
    assert len(engine.requests[0].messages) == 1, "the model is not told what the app said"


def test_asking_the_same_again_is_to_insist(qtbot: QtBot, app: App, engine: FakeEngine) -> None:
    ask(qtbot, app, READ)
    ask(qtbot, app, "What does the bus say?")
    assert engine.requests == [], "that was another question"
    for _ in range(2):
        ask(qtbot, app, "what does the bus say?")
    assert [request.anyway for request in engine.requests] == [True, True]
    ask(qtbot, app, "What is this?")
    assert not engine.requests[-1].anyway
    ask(qtbot, app, READ)
    assert len(engine.requests) == 3, "that it could not read was long ago"


def test_another_answer_is_a_guess_too(qtbot: QtBot, app: App, engine: FakeEngine) -> None:
    ask(qtbot, app, READ)
    app.chat.controller.regenerate()
    idle(qtbot, app)
    assert GUESSED in written(app)
    app.chat.controller.ask_again()
    idle(qtbot, app)
    assert [request.anyway for request in engine.requests] == [True, True]


def test_small_talk_is_the_apps_alone(qtbot: QtBot, app: App, engine: FakeEngine) -> None:
    for _ in range(2):
        ask(qtbot, app, "Hello!")
        assert written(app)[-2].startswith("Hello! Ask something about a picture")
        assert written(app)[-1] == NOT_ASKED
        assert not app.window.output.anyway_button.isVisible()
    app.chat.controller.ask_anyway()
    app.chat.controller.regenerate()
    idle(qtbot, app)
    assert engine.requests == []


def test_without_a_picture_nothing_is_made_up(
    qtbot: QtBot, make_app: MakeApp, engine: FakeEngine
) -> None:
    app = make_app(engine)
    ask(qtbot, app, "What is this?")
    assert written(app)[1].startswith("There is no picture to look at yet.")
    qtbot.mouseClick(app.window.output.anyway_button, Qt.MouseButton.LeftButton)
    idle(qtbot, app)
    assert GUESSED in written(app)


def test_replies_are_in_the_questions_language_and_the_rest_in_the_windows(
    qtbot: QtBot, make_app: MakeApp, engine: FakeEngine
) -> None:
    app = make_app(engine, language="zh_CN")
    app.pictures.photos.add(make_photo())
    ask(qtbot, app, "牌子上写着什么")
    assert written(app)[-2].startswith("这个模型看不懂图中的文字。")
    assert written(app)[-1] == "这句话是应用自己说的，没有问模型。"  # noqa: RUF001
    ask(qtbot, app, READ)
    assert written(app)[-2].startswith("This model can't read")
    assert app.window.output.anyway_button.text() == "仍然问模型"


def test_a_session_keeps_who_said_what(qtbot: QtBot, app: App, tmp_path: Path) -> None:
    ask(qtbot, app, READ)
    ask(qtbot, app, READ)
    before = written(app)
    kept = Session(to_be_saved(app.pictures.photos.conversations), 1)
    save_session(kept, tmp_path / "kept.mmgpt")
    opened = open_session(tmp_path / "kept.mmgpt").conversations[1]
    reply, guess = opened.turns
    assert (reply.answer, reply.reply) == ("", Reply(QuestionKind.READING))
    assert (guess.answer, guess.hedge) == (TEXT, Hedge.GUESS)
    app.window.output.view.show_conversation(opened)
    assert written(app) == before


def test_there_is_no_report_of_what_the_app_said(qtbot: QtBot, app: App) -> None:
    turn = ask(qtbot, app, READ)
    with pytest.raises(AppError, match="The app said this by itself"):
        Report(turn)


def test_what_one_frame_has_no_answer_to_the_others_are_not_asked(
    qtbot: QtBot, make_app: MakeApp, engine: FakeEngine, tmp_path: Path
) -> None:
    app = make_app(engine)
    app.pictures.photos.take_mime(files(write_animation(tmp_path / "a.gif")))
    qtbot.waitUntil(lambda: app.pictures.photos.count == 8)
    frames = app.pictures.photos.conversations[1:]
    ask(qtbot, app, READ)
    assert [len(frame.turns) for frame in frames] == [1, *[0] * 7]
    app.chat.controller.ask(READ)
    qtbot.waitUntil(lambda: [len(frame.turns) for frame in frames] == [2, *[1] * 7])
    idle(qtbot, app)
    assert [request.anyway for request in engine.requests] == [True] * 8


def test_compared_fusions_guess_when_asked_again(
    qtbot: QtBot, app: App, engine: FakeEngine
) -> None:
    ask(qtbot, app, READ)
    app.window.actions_by_name["compare"].trigger()
    (comparison,) = app.window.findChildren(Comparison)
    qtbot.waitUntil(lambda: not comparison.busy)
    assert engine.requests == []
    texts = [column.answer.toPlainText() for column in comparison.columns]
    assert all(text.startswith("This model can't read") for text in texts)
    comparison.ask(READ)
    qtbot.waitUntil(lambda: not comparison.busy)
    assert [request.anyway for request in engine.requests] == [True] * 3
    comparison.close()


def test_visitors_hear_it_from_the_app_too(make_show: MakeShow, engine: FakeEngine) -> None:
    show = make_show(engine)
    open_sample(show)
    ask_show(show, READ)
    page = show.stage.page
    assert page.answer.toPlainText().startswith("This model can't read what is written")
    assert page.certainty.text() == NOT_ASKED
    assert page.hint.isHidden()
    assert show.window.header.souvenir.isHidden()
    assert engine.requests == []
    touch(page.anyway)
    until(lambda: len(engine.requests) == 1)
    show_idle(show)
    assert page.anyway.isHidden()
    assert page.answer.toPlainText() == GUESSED
    assert page.certainty.text() == "A guess: the model can't tell this."
