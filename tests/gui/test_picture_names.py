"""Questions that name several pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QTextCursor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mmgpt_desktop.messages import PICTURE, GenerationRequest
from mmgpt_desktop.ui.widgets.picture_names import numbers, reference, without_references
from mmgpt_desktop.ui.widgets.texts import LANGUAGES, install_language, remove_language
from tests.gui.conftest import MakeApp
from tests.gui_fakes import ANSWER, FakeEngine, make_photo
from tests.records import MODEL

READER = replace(MODEL, name="reader", sequences=True)


class Window:
    """An app with three pictures, the first in view, and an engine that reads sequences."""

    def __init__(self, qtbot: QtBot, make_app: MakeApp, engine: FakeEngine) -> None:
        self.qtbot, self.engine, self.app = qtbot, engine, make_app(engine)
        self.pictures = [make_photo(160, 120, seed=seed) for seed in (1, 2, 3)]
        for photo in self.pictures:
            self.app.pictures.photos.add(photo)
        self.app.pictures.photos.choose(0)

    def ask(self, question: str) -> GenerationRequest:
        self.app.chat.controller.ask(question)
        self.qtbot.waitUntil(lambda: not self.app.chat.controller.busy)
        return self.engine.requests[-1]

    def seeds(self, request: GenerationRequest) -> list[int]:
        ids = [photo.image_id for photo in self.pictures]
        return [ids.index(photo.image_id) + 1 for photo in request.images]

    @property
    def problem(self) -> str:
        prompt = self.app.window.prompt
        return "" if prompt.problem.isHidden() else prompt.problem.text()


@pytest.fixture
def window(qtbot: QtBot, make_app: MakeApp) -> Window:
    return Window(qtbot, make_app, FakeEngine(model=READER))


def test_a_named_picture_stands_where_it_was_named(window: Window) -> None:
    request = window.ask("How is it different from [picture 3]?")
    assert window.seeds(request) == [1, 3]
    assert request.messages[-1].text == f"{PICTURE}How is it different from {PICTURE}?"
    turn = window.app.chat.controller.conversation.turns[0]
    assert turn.question == "How is it different from [picture 3]?"


def test_examples_can_be_given(window: Window) -> None:
    window.app.pictures.photos.choose(2)
    request = window.ask("[picture 1] is a cat. [picture 2] is a dog. [picture 3] is a")
    assert window.seeds(request) == [1, 2, 3]
    p = PICTURE
    assert request.messages[-1].text == f"{p} is a cat. {p} is a dog. {p} is a"


def test_what_is_in_view_may_be_named_twice_and_has_one_map(window: Window) -> None:
    request = window.ask("[picture 1] [picture 1] or [picture 2]?")
    assert window.seeds(request) == [1, 1, 2]
    assert [photo.image_id for photo in request.photos] == [
        photo.image_id for photo in window.pictures[:2]
    ]


def test_the_answer_stands_with_each_picture_and_its_part_of_the_map(
    qtbot: QtBot, window: Window
) -> None:
    app = window.app
    window.ask("Is it like [picture 2]?")
    (turn,) = app.chat.controller.conversation.turns
    app.heatmap.heatmaps.choose(turn, 1)
    app.pictures.photos.choose(1)
    assert app.heatmap.heatmaps.chosen == (turn, 1)
    assert app.chat.controller.conversation.turns == [turn]
    assert app.window.image.thumbnails.currentRow() == 1
    maps = app.heatmap.heatmaps.answer_maps(turn)
    assert maps is not None
    step = turn.steps[1].attention
    assert step is not None
    assert maps.attention[1] is step.others[0]
    app.pictures.photos.choose(2)
    assert app.chat.controller.conversation.turns == []


def test_a_later_question_is_told_of_the_pictures_before(window: Window) -> None:
    window.ask("What is it?")
    window.ask("Is it like [picture 2]?")
    request = window.ask("And why?")
    assert window.seeds(request) == [1, 1, 2]
    texts = [message.text for message in request.messages if message.role == "user"]
    assert texts == ["What is it?", f"{PICTURE}Is it like {PICTURE}?", "And why?"]
    window.app.pictures.photos.choose(1)
    request = window.ask("And here?")
    assert window.seeds(request) == [1, 2]


def test_asking_again_keeps_the_pictures_where_they_were(qtbot: QtBot, window: Window) -> None:
    first = window.ask("Is it like [picture 3]?")
    window.app.pictures.photos.choose(1)
    window.app.pictures.photos.remove()
    window.app.pictures.photos.choose(0)
    window.app.chat.controller.regenerate()
    qtbot.waitUntil(lambda: not window.app.chat.controller.busy)
    again = window.engine.requests[-1]
    assert window.seeds(again) == window.seeds(first) == [1, 3]
    assert again.messages == first.messages


def test_naming_what_is_in_view_alone_is_an_ordinary_question(window: Window) -> None:
    request = window.ask("What is in [picture 1]?")
    assert window.seeds(request) == [1]
    assert request.messages[-1].text == "What is in ?"


@pytest.mark.parametrize(
    ("question", "problem"),
    [
        ("Like [picture 4]?", "There is no picture 4: 3 are open."),
        ("Like [picture 0]?", "There is no picture 0: 3 are open."),
        ("[picture 1] [picture 2]", "Write what you want to know about the pictures, too."),
    ],
)
def test_what_can_not_be_asked_is_said(window: Window, question: str, problem: str) -> None:
    window.app.window.prompt.edit.replace(question)
    window.app.window.prompt.ask_button.click()
    assert window.problem == problem
    assert window.engine.requests == []
    assert window.app.window.prompt.edit.toPlainText() == question


def test_a_model_that_looks_at_one_picture_says_so(qtbot: QtBot, make_app: MakeApp) -> None:
    window = Window(qtbot, make_app, FakeEngine())
    window.app.chat.controller.ask("Is it like [picture 2]?")
    assert window.problem == (
        "fake looks at one picture at a time. Ask without naming others, or choose another model "
        "(Ctrl+M)."
    )
    assert window.engine.requests == []


def test_such_a_model_goes_on_after_another_read_several(qtbot: QtBot, make_app: MakeApp) -> None:
    window = Window(qtbot, make_app, FakeEngine(model=READER))
    window.ask("Is it like [picture 2]?")
    other = FakeEngine()
    with qtbot.waitSignal(window.app.models.loader.opened):
        window.app.models.loader.switch(Path("other"), other)
    window.app.chat.controller.ask("Why?")
    qtbot.waitUntil(lambda: not window.app.chat.controller.busy)
    (request,) = other.requests
    assert window.seeds(request) == [1]
    assert [message.text for message in request.messages] == [
        "Is it like ?",
        "".join(ANSWER),
        "Why?",
    ]


def test_before_a_model_is_there_it_is_not_known(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(model=READER, load_gated=True)
    app = make_app(engine, wait=False)
    for seed in (1, 2):
        app.pictures.photos.add(make_photo(160, 120, seed=seed))
    app.chat.controller.ask("Is it like [picture 1]?")
    assert app.window.prompt.problem.text().startswith("Wait until the model is loaded")
    engine.load_gate.release()
    qtbot.waitUntil(lambda: app.models.loader.model is not None)


def test_the_menu_names_a_picture(qtbot: QtBot, window: Window) -> None:
    prompt = window.app.window.prompt
    assert prompt.pictures.isVisible()
    prompt.edit.setFocus()
    qtbot.keyClicks(prompt.edit, "Is it like")
    actions = prompt.pictures.fill_menu().actions()
    names = ["&1  photo 1.png", "&2  photo 2.png", "&3  photo 3.png"]
    assert [action.text() for action in actions] == names
    actions[1].trigger()
    assert prompt.edit.toPlainText() == "Is it like [picture 2] "
    assert prompt.edit.hasFocus()


def test_a_name_goes_as_a_whole(qtbot: QtBot, window: Window) -> None:
    edit = window.app.window.prompt.edit
    edit.replace("Like [picture 2]")
    qtbot.keyClick(edit, Qt.Key.Key_Backspace)
    assert edit.toPlainText() == "Like "
    edit.replace("[picture 2] now")
    edit.moveCursor(QTextCursor.MoveOperation.Start)
    qtbot.keyClick(edit, Qt.Key.Key_Delete)
    assert edit.toPlainText() == " now"
    edit.undo()
    assert edit.toPlainText() == "[picture 2] now"


def test_only_names_of_pictures_that_are_there_are_chips(window: Window) -> None:
    edit = window.app.window.prompt.edit
    edit.replace("[picture 2] [picture 7]")
    formats = edit.document().firstBlock().layout().formats()
    assert [(each.start, each.length) for each in formats] == [(0, len("[picture 2]"))]


def test_a_thumbnail_is_dragged_into_the_question(window: Window) -> None:
    thumbnails, edit = window.app.window.image.thumbnails, window.app.window.prompt.edit
    data = thumbnails.mimeData([thumbnails.item(1)])
    assert data.text() == "[picture 2]"
    drop_text(data, window)
    assert "[picture 2]" in edit.toPlainText()
    assert [thumbnails.item(row).text() for row in range(thumbnails.count())] == ["1", "2", "3"]


def drop_text(data: QMimeData, window: Window) -> None:
    edit = window.app.window.prompt.edit
    none, left = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    copy, place = Qt.DropAction.CopyAction, QPointF(5, 5)
    for event in (
        QDragEnterEvent(place.toPoint(), copy, data, left, none),
        QDragMoveEvent(place.toPoint(), copy, data, left, none),
        QDropEvent(place, copy, data, left, none),
    ):
        QApplication.sendEvent(edit.viewport(), event)


def test_a_session_keeps_the_pictures_where_they_stood(
    qtbot: QtBot,
    window: Window,
    make_app: MakeApp,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = window.ask("Is it like [picture 3]?")
    path = tmp_path / "kept.mmgpt"
    sessions = window.app.files.sessions
    monkeypatch.setattr(sessions, "ask_where_to", lambda _proposed: path)
    sessions.save()
    qtbot.waitUntil(path.exists)
    window.app.chat.controller.clear()
    window.app.pictures.photos.take_over(
        (window.app.pictures.photos.conversations[0],), window.app.pictures.photos.current
    )
    sessions.open(path)
    qtbot.waitUntil(lambda: window.app.pictures.photos.count == 3)
    conversations = window.app.pictures.photos.conversations
    assert [len(each.turns) for each in conversations] == [0, 1, 0, 1]
    (turn,) = conversations[1].turns
    assert turn is conversations[3].turns[0]
    assert turn.question == "Is it like [picture 3]?"
    assert turn.text == first.messages[-1].text
    assert [photo.name for photo in turn.pictures] == ["photo 1.png", "photo 3.png"]


def test_each_language_s_names_are_understood(qapp: QApplication) -> None:
    try:
        for language in LANGUAGES:
            install_language(qapp, language)
            assert numbers(f"Like {reference(12)}?") == (12,)
    finally:
        remove_language(qapp)
        install_language(qapp, "en")
    assert without_references("Like [Picture 2], or [ 图片 3 ]?") == "Like , or ?"
