from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from mmgpt_desktop.conversation import Conversation, Turn
from mmgpt_desktop.messages import Timings
from mmgpt_desktop.ui.chat.answer_view import AnswerView, WordSpan
from mmgpt_desktop.ui.chat.underlines import mark
from mmgpt_desktop.ui.widgets.theme import Theme
from tests.records import asked, done, steps_of


@pytest.fixture
def view(qtbot: QtBot, qapp: QApplication) -> AnswerView:
    view = AnswerView(Theme(qapp, "light"))
    qtbot.addWidget(view)
    view.resize(300, 300)
    view.show()
    return view


def make_turn(*texts: str, job_id: int = 1, probability: float = 0.9) -> Turn:
    turn = asked("What?", job_id)
    turn.steps = steps_of(texts, probability=probability, job_id=job_id)
    turn.outcome = done(job_id, timings=Timings(0, 0.1, 1, len(texts)))
    return turn


def show(view: AnswerView, *turns: Turn) -> None:
    view.show_conversation(Conversation(None, list(turns)))


def text_of(view: AnswerView, span: WordSpan) -> str:
    cursor = QTextCursor(view.document())
    cursor.setPosition(span.start)
    cursor.setPosition(span.stop, QTextCursor.MoveMode.KeepAnchor)
    return cursor.selectedText()


def all_words(view: AnswerView) -> list[str]:
    return [text_of(view, span) for span in view.spans]


def place_of(view: AnswerView, span: WordSpan) -> QPoint:
    cursor = QTextCursor(view.document())
    cursor.setPosition((span.start + span.stop) // 2)
    rect = view.cursorRect(cursor)
    return rect.center() + QPoint(2, 0)


def test_tokens_become_words_without_marks(view: AnswerView) -> None:
    show(view, make_turn(" A", " skate", "board", ",", " “here”", "."))
    assert all_words(view) == ["A", "skateboard", "here"]
    assert "A skateboard, “here”." in view.toPlainText()


@pytest.mark.parametrize("rebuilt", [False, True])
def test_positions_fit_beyond_the_basic_plane(view: AnswerView, rebuilt: bool) -> None:
    turn = make_turn("A", " 🐈🐈", " cat", " 👍🏽", " end")
    if rebuilt:
        show(view, turn)
    else:
        growing = asked()
        show(view, growing)
        for step in turn.steps:
            growing.add_step(step)
            view.add_step(growing)
    assert all_words(view) == ["A", "🐈🐈", "cat", "👍🏽", "end"]


def test_steps_without_text_yet_make_no_word(view: AnswerView) -> None:
    show(view, make_turn("A", "", "", " 猫"))
    assert all_words(view) == ["A", "猫"]


def test_a_repeated_word_stays_two_words(view: AnswerView) -> None:
    show(view, make_turn("a", " dog", " and", " a", " dog"))
    assert all_words(view) == ["a", "dog", "and", "a", "dog"]
    assert len({span.start for span in view.spans}) == 5


def test_the_models_text_is_never_markup(view: AnswerView) -> None:
    evil = '<b>bold</b><img src="file:///etc/passwd">&lt;'
    turn = make_turn(evil)
    turn.typed = "<h1>big</h1>"
    show(view, turn)
    assert evil in view.toPlainText()
    assert "<h1>big</h1>" in view.toPlainText()
    assert "<img" not in view.toHtml().replace("&lt;", "")


@pytest.mark.parametrize("text", ["\x00", "\x1b[31m", "\u202eevil", "\ufdd0", "\r", "\u2029"])
def test_disturbing_characters_are_made_visible(view: AnswerView, text: str) -> None:
    show(view, make_turn("A", f" {text}x", " end"))
    assert text[0] not in view.toPlainText()
    assert "\ufffd" in view.toPlainText()
    assert all_words(view)[-1] == "end"


def test_line_breaks_of_the_model_stay(view: AnswerView) -> None:
    show(view, make_turn("one", "\n", "two"))
    assert "one\ntwo" in view.toPlainText()
    assert all_words(view) == ["one", "two"]


def test_the_less_sure_the_more_broken_the_line() -> None:
    style = QTextCharFormat.UnderlineStyle
    assert [mark(p) for p in (1.0, 0.6, 0.3, 0.0)] == [
        style.NoUnderline,
        style.DashUnderline,
        style.DotLine,
        style.DotLine,
    ]
    assert mark(float("nan")) is style.DotLine


def test_a_words_mark_follows_its_probability(view: AnswerView) -> None:
    show(view, make_turn("unsure", probability=0.1))
    cursor = QTextCursor(view.document())
    cursor.setPosition(view.spans[0].stop)
    assert cursor.charFormat().underlineStyle() is QTextCharFormat.UnderlineStyle.DotLine


def test_a_click_chooses_a_word(qtbot: QtBot, view: AnswerView) -> None:
    turn = make_turn("A", " red", " ball")
    show(view, turn)
    with qtbot.waitSignal(view.word_chosen) as chosen:
        qtbot.mouseClick(
            view.viewport(), Qt.MouseButton.LeftButton, pos=place_of(view, view.spans[1])
        )
    assert chosen.args == [turn, 1]


def test_pointing_hovers_and_leaving_ends_it(qtbot: QtBot, view: AnswerView) -> None:
    turn = make_turn("A", " red", " ball")
    show(view, turn)
    with qtbot.waitSignal(view.word_hovered) as hovered:
        qtbot.mouseMove(view.viewport(), place_of(view, view.spans[2]))
    assert hovered.args == [turn, 2]
    with qtbot.waitSignal(view.word_hovered) as left:
        QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    assert left.args[0] is None


def test_the_tooltip_tells_the_probability(view: AnswerView) -> None:
    show(view, make_turn("A", " ball", probability=0.834))
    point = place_of(view, view.spans[1])
    event = QHelpEvent(QEvent.Type.ToolTip, point, view.viewport().mapToGlobal(point))
    QApplication.sendEvent(view.viewport(), event)
    assert QToolTip.text() == "“ball”: 83 % sure"
    QToolTip.hideText()


def test_left_and_right_walk_and_stop_at_the_ends(qtbot: QtBot, view: AnswerView) -> None:
    show(view, make_turn("A", " red", " ball"))
    chosen: list[int] = []
    view.word_chosen.connect(lambda _turn, index: chosen.append(index))
    right, left = Qt.Key.Key_Right, Qt.Key.Key_Left
    for key in (right, right, right, right, left, Qt.Key.Key_Home, left, Qt.Key.Key_End):
        qtbot.keyClick(view, key)
    assert chosen == [0, 1, 2, 2, 1, 0, 0, 2]


def test_up_and_down_go_to_the_nearest_word_of_another_line(qtbot: QtBot, view: AnswerView) -> None:
    first, second = make_turn("one", " two", job_id=1), make_turn("three", " four", job_id=2)
    show(view, first, second)
    chosen: list[tuple[Turn, int]] = []
    view.word_chosen.connect(lambda turn, index: chosen.append((turn, index)))
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Up):
        qtbot.keyClick(view, key)
    assert chosen == [(first, 0), (second, 0), (second, 0), (first, 0)]


def test_only_the_chosen_word_is_highlighted(view: AnswerView) -> None:
    turn = make_turn("A", " red", " ball")
    turn.outcome = None
    show(view, turn)
    view.choose(turn, 2)
    turn.outcome = done(timings=Timings(0, 0.1, 1, 3))
    view.finish(turn)
    selections = view.extraSelections()
    assert [selection.cursor.selectedText() for selection in selections] == ["ball"]


def test_a_new_theme_keeps_the_text(qapp: QApplication, qtbot: QtBot) -> None:
    theme = Theme(qapp, "light")
    view = AnswerView(theme)
    qtbot.addWidget(view)
    show(view, make_turn("A", " red"))
    before = view.toPlainText()
    theme.choose("dark")
    assert view.toPlainText() == before
    assert all_words(view) == ["A", "red"]


def test_an_answer_without_words_says_so(view: AnswerView) -> None:
    show(view, make_turn())
    assert "The model had nothing to say." in view.toPlainText()


def test_the_last_answer_stays_in_view_when_the_pane_shrinks(view: AnswerView) -> None:
    show(view, *(make_turn(" A", " dog", ".", job_id=number) for number in range(1, 9)))
    bar = view.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    view.resize(300, 120)
    assert bar.value() == bar.maximum()
    bar.setValue(0)  # the user reads what is above
    view.resize(300, 90)
    assert bar.value() < bar.maximum()
