"""The presenter's window, keys and clicker."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QGroupBox,
    QLabel,
    QWidget,
)

from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.event.pin import hash_pin
from mmgpt_desktop.methods import Method
from mmgpt_desktop.ui.event.event_app import EventApp
from mmgpt_desktop.ui.event.presenter import Presenter
from mmgpt_desktop.ui.widgets.texts import install_language
from mmgpt_desktop.ui.window.app import App
from mmgpt_desktop.ui.window.main_window import MainWindow
from tests.gui.controls import check_keyboard_and_names
from tests.gui.event_parts import (
    MakeShow,
    ask,
    idle,
    open_sample,
    press,
    touch,
    turn_round,
    type_keys,
    until,
)
from tests.gui_fakes import THREE, FakeEngine

HELD = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ShiftModifier,
)


@pytest.fixture
def presenter(show: EventApp) -> Presenter:
    return opened(show)


def opened(show: EventApp) -> Presenter:
    press(show.window, Qt.Key.Key_F9, *HELD)
    window = show.presenting.window
    until(window.isVisible)
    return window


def shown_name(show: EventApp) -> str:
    photo = show.stage.visit.current.photo
    return photo.name if photo is not None else ""


def test_a_clicker_walks_through_the_samples(show: EventApp) -> None:
    for key, name in (
        (Qt.Key.Key_PageDown, "one.png"),
        (Qt.Key.Key_PageDown, "two.png"),
        (Qt.Key.Key_PageDown, "one.png"),
        (Qt.Key.Key_PageUp, "two.png"),
    ):
        press(show.window, key)
        until(partial(lambda name: shown_name(show) == name, name))
    assert show.window.pages.currentWidget() is show.window.answer_page


def test_the_sample_is_named_in_the_language_that_is_chosen(
    qapp: QApplication, presenter: Presenter
) -> None:
    before, questions = presenter.sample.text(), presenter.questions.count()
    try:
        install_language(qapp, "zh_CN")
        until(lambda: presenter.sample.text() not in ("", before))
        assert presenter.questions.count() == questions
    finally:
        install_language(qapp, "en")
    until(lambda: presenter.sample.text() == before)


def test_enter_asks_what_the_presenter_wrote_and_presses_buttons(
    show: EventApp, presenter: Presenter
) -> None:
    open_sample(show)
    line, offers = presenter.questions.lineEdit(), presenter.questions.count()
    assert line is not None
    line.setFocus()
    line.selectAll()
    type_keys(presenter, "what")
    press(presenter, Qt.Key.Key_Return)
    until(lambda: show.stage.visit.current.turns and not show.stage.asker.busy)
    assert [turn.question for turn in show.stage.visit.current.turns] == ["what"]
    assert presenter.questions.count() == offers
    presenter.buttons["blank"].setFocus()
    press(presenter, Qt.Key.Key_Return)
    assert show.window.blank.isVisible()


CHINESE = re.compile("[\u4e00-\u9fff]")


def said(window: QWidget) -> set[str]:
    """All that is read in a window, or read out."""
    boxes = [each for box in window.findChildren(QComboBox) for each in _items(box)]
    shown: list[QLabel | QAbstractButton] = window.findChildren(QLabel)
    shown += window.findChildren(QAbstractButton)
    named = {each.accessibleName() for each in window.findChildren(QWidget)}
    titles = {each.title() for each in window.findChildren(QGroupBox)}
    return {window.windowTitle(), *named, *titles, *boxes, *(each.text() for each in shown)}


def _items(box: QComboBox) -> list[str]:
    return [box.itemText(place) for place in range(box.count())]


def test_a_visitors_language_is_the_shows_alone(make_show: MakeShow) -> None:
    show = make_show(FakeEngine(model=THREE), lock={"pin": hash_pin("2468"), "chord": None})
    show.presenting.open()
    presenter, pad = show.presenting.window, show.window.pad
    press(show.window, Qt.Key.Key_PageDown)
    until(lambda: shown_name(show) == "one.png")
    before = said(presenter), said(pad)
    touch(show.window.header.language)
    assert CHINESE.search(show.window.header.done.text())
    assert (said(presenter), said(pad)) == before
    presenter.speed.setValue(200)
    press(show.window, Qt.Key.Key_PageDown)
    until(lambda: shown_name(show) == "two.png")
    show.stage.watchdog.load()
    until(lambda: "Answers now" in presenter.state.text())
    show.lock.ask(show.lock.LEAVE)
    pad.refuse(30)
    pad.wait_is_over()
    pad.refuse(0)
    unlike = {each for each in (*said(presenter), *said(pad)) if CHINESE.search(each)}
    assert unlike == set()
    pad.leave()
    show.stage.reset()
    until(lambda: show.window.header.done.text() == "I'm done")


def test_an_organiser_who_speaks_chinese_keeps_it(make_show: MakeShow) -> None:
    show = make_show(language="zh_CN")
    touch(show.window.header.language)
    assert show.window.start_page.headline.text() == "Show me a picture"
    show.presenting.open()
    presenter = show.presenting.window
    names = [button.text() for button in presenter.buttons.values()]
    assert all(CHINESE.search(name) for name in (*names, show.window.pad.heading.text()))
    show.stage.reset()
    until(lambda: CHINESE.search(show.window.start_page.headline.text()))


def test_a_clicker_ends_the_samples_play_and_shows_one(
    show: EventApp, presenter: Presenter
) -> None:
    press(show.window, Qt.Key.Key_F5)
    assert show.stage.attract.playing
    press(show.window, Qt.Key.Key_PageDown)
    until(lambda: shown_name(show) == "one.png")
    assert not show.stage.attract.playing
    press(show.window, Qt.Key.Key_F5)
    press(show.window, Qt.Key.Key_F5)
    assert not show.stage.attract.playing


@pytest.mark.parametrize("key", [Qt.Key.Key_B, Qt.Key.Key_Period])
def test_the_screen_goes_blank_and_comes_back(
    show: EventApp, presenter: Presenter, key: Qt.Key
) -> None:
    press(show.window, key)
    assert show.window.blank.isVisible()
    press(presenter, key)
    assert not show.window.blank.isVisible()
    press(show.window, key)
    touch(show.window.blank)
    assert not show.window.blank.isVisible()
    press(show.window, key)
    presenter.close()
    assert not show.window.blank.isVisible()


@pytest.mark.parametrize("key", [Qt.Key.Key_B, Qt.Key.Key_Period, Qt.Key.Key_F5, Qt.Key.Key_F9])
def test_without_a_presenter_these_keys_are_nothing(show: EventApp, key: Qt.Key) -> None:
    press(show.window, key)
    assert not show.window.blank.isVisible()
    assert not show.stage.attract.playing
    assert not show.presenting.window.isVisible()


def test_below_a_black_screen_a_visit_ends_and_nothing_plays(make_show: MakeShow) -> None:
    show = make_show(show={"countdown_s": 3.0})
    presenter = opened(show)
    open_sample(show)
    presenter.buttons["blank"].click()
    idle = show.stage.idle
    idle.quiet.timeout.emit()
    for _ in range(3):
        assert not show.window.countdown.isVisible()
        idle.second.timeout.emit()
    assert show.stage.visit.conversations == []
    assert show.window.blank.isVisible()
    idle.quiet.timeout.emit()
    assert not show.stage.attract.playing
    presenter.buttons["blank"].click()
    assert idle.quiet.isActive()


def test_who_writes_gets_letters(show: EventApp) -> None:
    open_sample(show)
    show.stage.page.asking.line.setFocus()
    press(show.window, Qt.Key.Key_B)
    assert not show.window.blank.isVisible()
    assert show.stage.page.asking.line.text() == "b"


@pytest.mark.parametrize(("key", "letter"), [(Qt.Key.Key_B, "b"), (Qt.Key.Key_Period, ".")])
def test_the_presenter_writes_a_question_with_any_letter(
    show: EventApp, presenter: Presenter, key: Qt.Key, letter: str
) -> None:
    presenter.questions.setFocus()
    presenter.questions.clearEditText()
    press(presenter, key)
    assert presenter.questions.currentText() == letter
    assert not show.window.blank.isVisible()


def test_the_window_asks_and_the_big_screen_shows(show: EventApp, presenter: Presenter) -> None:
    presenter.buttons["next"].click()
    until(lambda: shown_name(show) == "one.png")
    assert presenter.sample.text() == "one"
    assert presenter.questions.currentText() == "What is one?"
    presenter.ask.click()
    until(lambda: show.stage.visit.current.turns and not show.stage.asker.busy)
    assert "ball" in show.stage.page.answer.toPlainText()


def test_freezing_stops_words_and_the_countdown(make_show: MakeShow) -> None:
    engine = FakeEngine(gated=True)
    show = make_show(engine)
    presenter = opened(show)
    presenter.buttons["next"].click()
    until(lambda: show.stage.visit.conversations)
    presenter.ask.click()
    engine.release()
    until(lambda: show.stage.page.answer.toPlainText() == "A")
    presenter.buttons["freeze"].click()
    assert not show.stage.idle.quiet.isActive()
    ended: list[object] = []
    show.threads.engine.ended.connect(ended.append)
    engine.release(10)
    until(lambda: ended)
    turn_round(20)
    assert show.stage.page.answer.toPlainText() == "A"
    presenter.buttons["freeze"].click()
    idle(show)
    assert show.stage.page.answer.toPlainText() == "A red ball in the corner."


@pytest.mark.parametrize("how", ["reset", "close"])
def test_a_frozen_screen_is_let_go_for_the_next_visitor(
    show: EventApp, presenter: Presenter, how: str
) -> None:
    presenter.buttons["next"].click()
    until(lambda: show.stage.visit.conversations)
    presenter.buttons["freeze"].click()
    if how == "reset":
        presenter.buttons["reset"].click()
    else:
        presenter.close()
    assert not presenter.buttons["freeze"].isChecked()
    assert show.stage.idle.quiet.isActive()
    open_sample(show, 1)
    ask(show)
    assert show.stage.visit.current.turns[0].answer


def test_visitors_touch_a_frozen_screen_in_vain(make_show: MakeShow) -> None:
    show = make_show(lock={"pin": hash_pin("1357")})
    presenter = opened(show)
    presenter.buttons["next"].click()
    until(lambda: show.stage.visit.conversations)
    presenter.buttons["freeze"].click()
    touch(show.stage.page.asking.cards[0])
    press(show.window, Qt.Key.Key_Space)
    touch(show.window.header.done)
    assert not show.stage.asker.busy
    assert len(show.stage.visit.conversations) == 1
    show.lock.ask(show.lock.LEAVE)
    touch(show.window.pad.keys[1])
    assert show.window.pad.dots.text() == "\u2022"
    show.window.pad.leave()
    presenter.buttons["freeze"].click()
    touch(show.window.header.done)
    assert show.stage.visit.conversations == []


def test_fusion_method_and_speed_are_the_presenters(make_show: MakeShow) -> None:
    engine = FakeEngine(model=THREE)
    show = make_show(engine)
    presenter = opened(show)
    presenter.fusions.setCurrentIndex(2)
    presenter.fusions.activated.emit(2)
    presenter.methods.setCurrentIndex(presenter.methods.findData(Method.MEAN))
    presenter.methods.activated.emit(presenter.methods.currentIndex())
    presenter.speed.setValue(200)
    assert show.stage.attract.speed == 2.0
    assert "Speed \u00d7 2.00" in said(presenter)
    presenter.buttons["next"].click()
    until(lambda: show.stage.visit.conversations)
    presenter.ask.click()
    until(lambda: show.stage.visit.current.turns and not show.stage.asker.busy)
    assert engine.requests[0].fusion == "concat"
    turn = show.stage.visit.current.turns[0]
    assert show.stage.heatmaps.map_choice(turn).method is Method.MEAN


def test_another_model_is_loaded(make_show: MakeShow, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    show = make_show(model={"folder": folder})
    presenter = opened(show)
    assert [presenter.models.itemText(place) for place in range(2)] == ["other", "mmgpt-mini"]
    loaded: list[object] = []
    show.threads.engine.loaded.connect(lambda *_: loaded.append(1))
    presenter.models.setCurrentIndex(1)
    presenter.models.activated.emit(1)
    until(lambda: loaded)
    assert presenter.state.text() == "Answers now: fake"
    assert presenter.models.currentIndex() == 1


def test_a_model_that_cannot_be_loaded_leaves_the_one_before(
    make_show: MakeShow, tmp_path: Path
) -> None:
    engine = FakeEngine()
    show = make_show(engine, model={"folder": tmp_path})
    presenter = opened(show)
    broken = FakeEngine(load_error=RuntimeFailure("No memory."))
    show.presenting.open_model = lambda _folder: lambda: broken
    failed: list[object] = []
    show.threads.engine.load_failed.connect(failed.append)
    presenter.models.setCurrentIndex(1)
    presenter.models.activated.emit(1)
    assert not presenter.models.isEnabled()
    until(lambda: failed)
    assert presenter.models.currentIndex() == 0
    assert presenter.models.isEnabled()
    assert presenter.state.text() == "This model can't be loaded."
    watchdog = show.stage.watchdog
    assert not watchdog.retry.isActive()
    assert not watchdog.load_limit.isActive()
    assert show.stage.asker.model is not None
    presenter.buttons["next"].click()
    until(lambda: show.stage.visit.conversations)
    presenter.ask.click()
    until(lambda: show.stage.visit.current.turns and not show.stage.asker.busy)
    assert engine.requests


def test_on_one_screen_with_a_pin_it_is_the_organisers(make_show: MakeShow) -> None:
    show = make_show(lock={"pin": hash_pin("1357"), "chord": None})
    press(show.window, Qt.Key.Key_F9)
    assert not show.presenting.window.isVisible()
    assert show.window.pad.isVisible()
    for digit in (1, 3, 5, 7):
        touch(show.window.pad.keys[digit])
    touch(show.window.pad.enter)
    until(show.presenting.window.isVisible)
    assert show.window.isVisible()


def test_the_show_is_left_from_the_presenters_window(
    show: EventApp, presenter: Presenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int] = []
    monkeypatch.setattr(QApplication, "exit", codes.append)
    presenter.buttons["leave"].click()
    assert codes == [0]


def test_with_a_pin_leaving_asks_for_it_on_the_big_screen(make_show: MakeShow) -> None:
    show = make_show(lock={"pin": hash_pin("1357")})
    presenter = opened(show)
    presenter.buttons["leave"].click()
    until(show.window.isActiveWindow)
    assert show.window.pad.isVisible()


def test_its_keys_work_in_its_own_window_too(show: EventApp, presenter: Presenter) -> None:
    QTest.keyClick(presenter.windowHandle(), Qt.Key.Key_PageDown)
    until(lambda: shown_name(show) == "one.png")
    QTest.keyClick(presenter.windowHandle(), Qt.Key.Key_F9)
    assert not presenter.isVisible()
    assert show.window.isVisible()


def test_every_control_of_it_has_a_name_and_a_key(presenter: Presenter) -> None:
    check_keyboard_and_names(presenter)


def test_the_menu_starts_a_checked_profile_in_a_process_of_its_own(
    make_app: Callable[..., App], tmp_path: Path
) -> None:
    app = make_app()
    started: list[list[str]] = []

    def start(words: list[str]) -> bool:
        started.append(words)
        return True

    app.launcher.start = start
    window: MainWindow = app.window
    file = tmp_path / "fair.toml"
    file.write_text('title = "A fair"\nbroken = 1\n', encoding="utf-8")
    app.launcher.read(file)
    until(window.notices.current)
    assert "line 2" in window.notices.current()[0].title.text()
    window.notices.current()[0].dismiss()
    file.write_text('title = "A fair"\n', encoding="utf-8")
    app.launcher.read(file)
    until(window.notices.current)
    notice = window.notices.current()[0]
    assert "A fair" in notice.title.text()
    assert "Ctrl+Alt+Shift+Q" in notice.hint.text()
    assert started == []
    buttons = [each for each in notice.findChildren(type(window.prompt.ask_button)) if each.text()]
    buttons[0].click()
    assert started[0][-2:] == ["--event", str(file)]
    assert not window.isVisible()
