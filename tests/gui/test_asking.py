from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from mmgpt_desktop.errors import BundleError, LanguageError, PromptError, RuntimeFailure
from mmgpt_desktop.languages import unknown_language
from mmgpt_desktop.messages import Message, RuntimeInfo, RuntimeName, TokenStep
from mmgpt_desktop.note import plain
from mmgpt_desktop.ui.window.app import App
from tests.gui.answers import ask, idle
from tests.gui.conftest import MakeApp
from tests.gui_fakes import ANSWER, FakeEngine, make_photo
from tests.records import MODEL

TEXT = "".join(ANSWER)


def answers(app: App) -> list[str]:
    return [turn.answer for turn in app.chat.controller.conversation.turns]


def type_and_ask(qtbot: QtBot, app: App, question: str) -> None:
    app.window.prompt.edit.setPlainText(question)
    qtbot.keyClick(app.window.prompt.edit, Qt.Key.Key_Return)


def notices(app: App) -> list[str]:
    return [
        f"{notice.title.text()} {notice.hint.text()}" for notice in app.window.notices.current()
    ]


def test_enter_asks_and_the_answer_appears(qtbot: QtBot, make_app: MakeApp) -> None:
    app = make_app(details=True)
    app.pictures.photos.add(make_photo())
    type_and_ask(qtbot, app, "What is here?")
    idle(qtbot, app)
    shown = app.window.output.view.toPlainText()
    assert "What is here?" in shown
    assert TEXT in shown
    assert "First word after 50 ms · 73 words a second" in shown
    assert app.window.prompt.edit.toPlainText() == ""


def test_the_answer_grows_step_by_step(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(gated=True)
    app = make_app(engine)
    app.chat.controller.ask("What?")
    for written in range(1, 4):
        engine.release()
        text = "".join(ANSWER[:written])
        qtbot.waitUntil(partial(lambda text: answers(app) == [text], text))
        assert app.window.output.view.toPlainText().endswith(text)
    assert app.window.output.stop_button.isEnabled()


def test_a_question_without_a_picture_is_asked_without_one(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine()
    app = make_app(engine)
    ask(qtbot, app, "Who are you?")
    assert engine.requests[0].images == ()
    assert answers(app) == [TEXT]


def test_follow_ups_carry_the_conversation(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine()
    app = make_app(engine)
    shown = make_photo()
    app.pictures.photos.add(shown)
    for question in ("First?", "Second?"):
        ask(qtbot, app, question)
    assert engine.requests[1].images == (shown,)
    assert engine.requests[1].messages == (
        Message("user", "First?"),
        Message("assistant", TEXT),
        Message("user", "Second?"),
    )


@pytest.mark.parametrize("text", ["", "   \n ", "\x00\x07"])
def test_an_empty_question_gets_a_sentence(app: App, text: str) -> None:
    app.chat.controller.ask(text)
    assert app.window.prompt.problem.text() == "Write a question first, or choose one below."
    assert not app.chat.controller.busy


def test_a_huge_question_stays_in_the_field_with_a_sentence(app: App) -> None:
    text = "word " * 20_000
    app.window.prompt.edit.setPlainText(text)
    app.window.prompt.ask_button.click()
    assert "too long: 99999 characters" in app.window.prompt.problem.text()
    assert app.window.prompt.edit.toPlainText() == text
    assert not app.chat.controller.busy


def test_a_second_question_waits_in_the_field(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(gated=True)
    app = make_app(engine)
    app.chat.controller.ask("First?")
    type_and_ask(qtbot, app, "Second?")
    assert app.window.prompt.edit.toPlainText() == "Second?"
    assert "still being written" in app.window.prompt.problem.text()
    engine.release(len(ANSWER))
    idle(qtbot, app)
    assert answers(app) == [TEXT]


def test_escape_stops_and_keeps_what_was_written(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(gated=True)
    app = make_app(engine)
    app.chat.controller.ask("What?")
    engine.release(2)
    qtbot.waitUntil(lambda: answers(app) == ["A red"])
    qtbot.keyClick(app.window.prompt.edit, Qt.Key.Key_Escape)
    idle(qtbot, app)
    assert answers(app) == ["A red"]
    assert "Stopped." in app.window.output.view.toPlainText()


def test_control_characters_do_not_reach_the_engine(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine()
    app = make_app(engine)
    ask(qtbot, app, "What\x00 is\x1b this?\r\n")
    assert engine.requests[0].messages[-1].text == "What is this?"


def test_a_question_that_cannot_be_asked_comes_back(qtbot: QtBot, make_app: MakeApp) -> None:
    error = PromptError("The question is too long.", "Shorten it.")
    app = make_app(FakeEngine(fail_after=0, error=error))
    type_and_ask(qtbot, app, "Long?")
    idle(qtbot, app)
    assert app.window.prompt.edit.toPlainText() == "Long?"
    assert notices(app) == ["The question is too long. Shorten it."]
    assert answers(app) == []


@pytest.mark.parametrize("early", [False, True], ids=["loaded", "before the model is there"])
def test_a_question_that_the_model_cant_read_is_not_asked(
    qtbot: QtBot, make_app: MakeApp, early: bool
) -> None:
    english = replace(MODEL, languages=("en",))
    error = unknown_language("这是什么？", english.languages, english.name)  # noqa: RUF001
    engine = FakeEngine(model=english, load_gated=early, **(_refusing(error) if early else {}))
    app = make_app(engine, wait=not early)
    type_and_ask(qtbot, app, "这是什么？")  # noqa: RUF001
    engine.load_gate.release()
    idle(qtbot, app)
    assert len(engine.requests) == early, "only the engine can say so before the model is there"
    assert app.window.prompt.edit.toPlainText() == "这是什么？"  # noqa: RUF001
    assert answers(app) == []
    (notice,) = app.window.notices.current()
    assert notice.title.text() == "fake 只看得懂英语。"
    buttons = [each for each in notice.findChildren(QPushButton) if each.text()]
    assert [each.text() for each in buttons] == ["这是什么？", "这里在发生什么？"]  # noqa: RUF001
    if not early:
        qtbot.mouseClick(buttons[0], Qt.MouseButton.LeftButton)
        idle(qtbot, app)
        assert engine.requests[-1].messages[-1].text == "What is this?"
        assert answers(app) == [TEXT]
        assert app.window.prompt.edit.toPlainText() == "这是什么？"  # noqa: RUF001


def _refusing(error: LanguageError | None) -> dict[str, Any]:
    return {"fail_after": 0, "error": error}


def test_other_models_get_any_question(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine()
    app = make_app(engine)
    app.chat.controller.ask("这是什么？")  # noqa: RUF001
    idle(qtbot, app)
    assert answers(app) == [TEXT]


def test_an_answer_that_breaks_off_stays_with_the_reason(qtbot: QtBot, make_app: MakeApp) -> None:
    error = RuntimeFailure("The model broke off.", "Ask again.")
    app = make_app(FakeEngine(fail_after=2, error=error))
    ask(qtbot, app)
    assert answers(app) == ["A red"]
    assert "The model broke off. Ask again." in app.window.output.view.toPlainText()


def test_each_picture_has_its_own_conversation(qtbot: QtBot, app: App) -> None:
    app.pictures.photos.add(make_photo(seed=1))
    ask(qtbot, app, "First?")
    app.pictures.photos.add(make_photo(seed=2))
    assert answers(app) == []
    assert app.window.output.view.toPlainText() == ""
    app.pictures.photos.choose(0)
    assert answers(app) == [TEXT]
    assert "First?" in app.window.output.view.toPlainText()


def test_an_answer_goes_on_while_another_picture_is_shown(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(gated=True)
    app = make_app(engine)
    app.pictures.photos.add(make_photo(seed=1))
    app.chat.controller.ask("First?")
    engine.release(2)
    qtbot.waitUntil(lambda: answers(app) == ["A red"])
    app.pictures.photos.add(make_photo(seed=2))
    engine.release(len(ANSWER))
    idle(qtbot, app)
    assert app.window.output.view.toPlainText() == ""
    app.pictures.photos.choose(0)
    assert answers(app) == [TEXT]
    assert TEXT in app.window.output.view.toPlainText()


def test_steps_of_another_job_are_dropped(qtbot: QtBot, make_app: MakeApp) -> None:
    app = make_app(FakeEngine(gated=True))
    app.chat.controller.ask("What?")
    app.threads.engine.stepped.emit(TokenStep(99, 0, 0, "stray", 1.0))
    assert answers(app) == [""]


def test_clearing_forgets_and_undo_brings_back(qtbot: QtBot, app: App) -> None:
    ask(qtbot, app)
    app.window.actions_by_name["clear"].trigger()
    assert answers(app) == []
    app.window.actions_by_name["undo"].trigger()
    assert answers(app) == [TEXT]
    assert TEXT in app.window.output.view.toPlainText()
    assert not app.window.actions_by_name["undo"].isEnabled()


def test_clearing_in_mid_answer_stops_it(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(gated=True)
    app = make_app(engine)
    app.chat.controller.ask("What?")
    engine.release()
    qtbot.waitUntil(lambda: answers(app) == ["A"])
    app.chat.controller.clear()
    assert not app.chat.controller.busy
    app.window.undo.undo()
    assert answers(app) == ["A"]


def test_answering_again_varies_and_can_be_undone(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine()
    app = make_app(engine)
    ask(qtbot, app)
    first = app.chat.controller.conversation.turns[0]
    app.chat.controller.regenerate()
    idle(qtbot, app)
    again = app.chat.controller.conversation.turns
    assert [turn.question for turn in again] == ["What?"]
    assert again[0] is not first
    assert engine.requests[0].sampling.temperature == 0
    assert engine.requests[1].sampling.temperature > 0
    assert engine.requests[1].messages == (Message("user", "What?"),)
    app.window.undo.undo()
    assert app.chat.controller.conversation.turns == [first]


def test_asking_while_the_model_loads_waits_for_it(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(load_gated=True)
    app = make_app(engine, wait=False)
    app.chat.controller.ask("What?")
    assert app.window.output.waiting_text.text() == "Waiting for the model…"
    engine.load_gate.release()
    idle(qtbot, app)
    assert answers(app) == [TEXT]


def test_a_question_can_be_stopped_while_the_model_loads(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(load_gated=True)
    app = make_app(engine, wait=False)
    app.chat.controller.ask("What?")
    app.chat.controller.stop()
    assert not app.chat.controller.busy
    engine.load_gate.release()
    qtbot.waitUntil(lambda: app.models.loader.model is not None)
    assert engine.requests == []


def test_a_model_that_cannot_be_loaded_is_told_and_tried_again(
    qtbot: QtBot, make_app: MakeApp
) -> None:
    broken = FakeEngine(load_error=BundleError("The model is damaged.", "Get it anew."))
    engines = [broken, broken, FakeEngine()]
    app = make_app(lambda: engines.pop(0), wait=False)
    qtbot.waitUntil(lambda: bool(notices(app)))
    assert notices(app) == ["The model is damaged. Get it anew."]
    assert app.window.status.text.whole == "The model is damaged."
    assert app.window.status.load.isVisible()
    app.chat.controller.ask("What?")
    idle(qtbot, app)
    assert app.window.prompt.edit.toPlainText() == "What?"
    app.window.status.load.click()
    qtbot.waitUntil(lambda: app.models.loader.model is not None)


def test_loading_can_be_cancelled(qtbot: QtBot, make_app: MakeApp) -> None:
    app = make_app(FakeEngine(load_gated=True), wait=False)
    qtbot.waitUntil(lambda: app.window.status.cancel.isVisible())
    app.window.status.cancel.click()
    qtbot.waitUntil(lambda: app.window.status.load.isVisible())
    assert app.window.status.text.whole == "The model was not loaded."
    assert notices(app) == []


def test_the_status_names_model_and_runtime(app: App) -> None:
    assert app.window.status.text.whole == "fake · ONNX Runtime on the processor"
    assert not app.window.status.bar.isVisible()


@pytest.mark.parametrize(
    ("runtime", "said"),
    [
        (RuntimeInfo(RuntimeName.TORCH, "cuda", precision="bf16"), "PyTorch on the graphics card"),
        (RuntimeInfo(RuntimeName.TORCH, "mps", precision="fp16"), "PyTorch on the graphics card"),
        (RuntimeInfo(RuntimeName.TORCH, "cpu", precision="float32"), "PyTorch on the processor"),
        (
            RuntimeInfo(RuntimeName.ONNX_CPU, "CPUExecutionProvider", precision="int8"),
            "ONNX Runtime on the processor",
        ),
    ],
)
def test_the_status_names_device_and_precision(app: App, runtime: RuntimeInfo, said: str) -> None:
    app.window.status.show_model("fake", runtime)
    assert app.window.status.text.whole == f"fake · {said} · {runtime.precision}"


def test_a_fallback_is_told_in_one_line_that_fits(qtbot: QtBot, app: App) -> None:
    note = "PyTorch took over: ONNX Runtime broke while it ran the model (" + "why " * 200 + ")."
    app.window.status.show_model("fake", RuntimeInfo(RuntimeName.TORCH, "cpu", plain(note), "q4"))
    status = app.window.status.text
    assert status.whole == f"fake · PyTorch on the processor · q4 · {note}"
    assert status.toolTip() == status.whole
    assert status.text().endswith("…")
    assert app.window.minimumSizeHint().width() < 1280


def test_whoever_takes_over_is_told_whatever_was_asked(qtbot: QtBot, make_app: MakeApp) -> None:
    """A check, too, may find that the graphics card has failed."""
    engine = FakeEngine()
    app = make_app(engine)
    status, note = app.window.status.text, "PyTorch took over: it broke."
    took_over = RuntimeInfo(RuntimeName.TORCH, "cpu", plain(note))
    app.threads.engine.submit(lambda _engine, _task: setattr(engine, "answers_with", took_over))
    qtbot.waitUntil(lambda: status.whole == f"fake · PyTorch on the processor · {note}")
    ask(qtbot, app)
    assert status.whole.endswith(note), "it stays"


def test_the_waiting_line_shows_up_only_after_a_while(qtbot: QtBot, make_app: MakeApp) -> None:
    app = make_app(FakeEngine(gated=True))
    app.pictures.photos.add(make_photo())
    app.chat.controller.ask("What?")
    assert not app.window.output.waiting_text.isVisible()
    qtbot.waitUntil(lambda: app.window.output.waiting_text.isVisible())
    assert app.window.output.waiting_text.text() == "Looking at the picture…"
