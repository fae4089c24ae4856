"""What the words of an answer needed: found out while the user reads, never shown before."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCharFormat, QTextCursor
from pytestqt.qtbot import QtBot

from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.messages import Verdict
from mmgpt_desktop.methods import Method
from mmgpt_desktop.report import number_texts as texts
from mmgpt_desktop.ui.heatmap.check_card import probability
from mmgpt_desktop.ui.heatmap.heatmap_pane import METHODS
from mmgpt_desktop.ui.widgets.texts import map_value
from mmgpt_desktop.ui.window.app import App
from mmgpt_desktop.verdicts import LINES, VERDICTS
from tests.gui.answers import ask, ask_about_photo
from tests.gui.conftest import MakeApp
from tests.gui_fakes import ANSWER, CONCAT, THREE, FakeEngine
from tests.records import FUSION, MODEL

Underline = QTextCharFormat.UnderlineStyle
WORDS = len(ANSWER) - 1  # the full stop belongs to the last


def all_found(qtbot: QtBot, app: App, turn: Turn) -> None:
    qtbot.waitUntil(lambda: not app.heatmap.explainer.busy and len(turn.checks) == WORDS)


def choose_method(app: App, method: Method) -> None:
    app.window.heatmap.method.setCurrentIndex(METHODS.index(method))


def underlines(app: App) -> list[Underline]:
    view = app.window.output.view
    styles = []
    for span in view.spans:
        cursor = QTextCursor(view.document())
        cursor.setPosition(span.start + 1)
        styles.append(cursor.charFormat().underlineStyle())
    return styles


def test_the_chosen_word_is_checked_first_then_occlusion_then_the_others(
    qtbot: QtBot, make_app: MakeApp
) -> None:
    engine = FakeEngine()
    app = make_app(engine)
    turn = ask_about_photo(qtbot, app)
    all_found(qtbot, app, turn)
    assert engine.explained[:3] == [
        (Method.HEADS, slice(5, 7)),
        (Method.OCCLUSION, None),
        (Method.HEADS, slice(0, 1)),
    ]
    assert len(engine.explained) == WORDS + 1
    assert turn.is_measured(Method.OCCLUSION)


def test_an_answer_of_another_model_keeps_its_maps_and_is_examined_no_more(
    qtbot: QtBot, make_app: MakeApp
) -> None:
    engine = FakeEngine(explain_gated=True)
    app = make_app(engine)
    turn = ask_about_photo(qtbot, app)
    assert turn.model is MODEL
    qtbot.waitUntil(lambda: len(engine.explained) == 1)
    other = replace(THREE, name="other", fusions=(CONCAT,), fusion=CONCAT.name)
    app.threads.engine.loaded.emit(other, engine.runtime)
    assert app.heatmap.heatmaps.is_anothers(turn)
    engine.explain_gate.release(100)
    qtbot.waitUntil(lambda: not app.heatmap.explainer.busy)
    assert len(engine.explained) == 1
    assert app.heatmap.heatmaps.map_choice(turn).heads == FUSION.head_choice.heads
    assert app.heatmap.heatmaps.answer_maps(turn) is not None
    choose_method(app, Method.OCCLUSION)
    assert app.heatmap.heatmaps.answer_maps(turn) is None
    said = app.window.heatmap.picture.empty.hint.text()
    assert said.startswith("Another model wrote this answer")

    app.threads.engine.loaded.emit(MODEL, engine.runtime)
    app.heatmap.explainer.go_on()
    qtbot.waitUntil(lambda: turn.is_measured(Method.OCCLUSION))


def test_nothing_is_shown_before_it_was_measured(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(explain_gated=True)
    app = make_app(engine)
    turn = ask_about_photo(qtbot, app)
    card = app.window.heatmap.check
    qtbot.waitUntil(lambda: len(engine.explained) == 1)
    assert card.waiting.text() == "Testing whether the word needs the bright places…"
    assert card.verdict.isHidden()
    assert card.more.isHidden()
    assert set(underlines(app)) == {Underline.NoUnderline}
    engine.explain_gate.release(100)
    all_found(qtbot, app, turn)
    assert not card.verdict.isHidden()


def test_the_check_is_bars_and_a_sentence(qtbot: QtBot, app: App) -> None:
    turn = ask_about_photo(qtbot, app)
    all_found(qtbot, app, turn)
    card = app.window.heatmap.check
    app.heatmap.heatmaps.choose(turn, 2)
    assert card.verdict.text() == VERDICTS[Verdict.MATTERED]
    assert card.heading.text() == (
        "How sure of the word: 80\u00a0% (the mark) with nothing hidden, and with"
    )
    assert not card.bars.isVisible(), "figures are a detail"
    app.window.show()
    qtbot.keyClick(app.window.heatmap.details, Qt.Key.Key_Return)
    assert card.bars.isVisible()
    assert card.bars.accessibleName() == (
        "bright places hidden: 10 %; random places hidden: 75 %; middle hidden: 60 %; "
        "whole photo hidden: 5 %"
    )
    app.heatmap.heatmaps.hover(turn, 3)
    assert card.verdict.text() == VERDICTS[Verdict.ANYWHERE]
    app.heatmap.heatmaps.hover(None, 0)
    assert card.verdict.text() == VERDICTS[Verdict.MATTERED]
    app.window.heatmap.switch.second.click()
    assert card.verdict.isHidden()


def test_a_word_is_checked_once_for_each_map(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine()
    app = make_app(engine)
    turn = ask_about_photo(qtbot, app)
    all_found(qtbot, app, turn)
    for word in range(WORDS):
        app.heatmap.heatmaps.choose(turn, word)
    assert len(engine.explained) == WORDS + 1
    app.window.heatmap.layer.setCurrentText("Layer 2")
    assert set(underlines(app)) == {Underline.NoUnderline}  # these maps were not checked yet
    qtbot.waitUntil(lambda: len(turn.checks) == 2 * WORDS)
    app.window.heatmap.layer.setCurrentText("Chosen heads")
    assert len(engine.explained) == 2 * WORDS + 1


def test_verdicts_are_underlines_and_certainty_is_one_choice_away(qtbot: QtBot, app: App) -> None:
    turn = ask_about_photo(qtbot, app)
    all_found(qtbot, app, turn)
    mattered, anywhere = Underline.SingleUnderline, Underline.NoUnderline
    assert underlines(app) == [mattered, anywhere, mattered, anywhere, mattered, anywhere]
    output = app.window.output
    assert output.legend.text() == LINES
    assert VERDICTS[Verdict.MATTERED] in output.view.describe(output.view.spans[0])
    output.underline.setCurrentText("How sure?")
    assert underlines(app)[:2] == [Underline.NoUnderline, Underline.DashUnderline]
    assert "not quite sure" in output.legend.text()
    output.underline.setCurrentIndex(0)
    assert underlines(app)[1] is anywhere


def test_what_the_underline_tells_is_remembered(qtbot: QtBot, make_app: MakeApp) -> None:
    app = make_app()
    app.window.output.underline.setCurrentText("How sure?")
    app.window.close()
    assert make_app().window.output.underline.currentText() == "How sure?"


def test_the_next_question_goes_first_and_what_was_begun_begins_anew(
    qtbot: QtBot, make_app: MakeApp
) -> None:
    engine = FakeEngine(explain_gated=True)
    app = make_app(engine)
    first = ask_about_photo(qtbot, app)
    qtbot.waitUntil(lambda: len(engine.explained) == 1)
    second = ask_about_photo(qtbot, app)
    assert not first.checks
    engine.explain_gate.release(1000)
    all_found(qtbot, app, second)
    app.heatmap.heatmaps.choose(first, 0)
    all_found(qtbot, app, first)


def test_occlusion_is_drawn_as_it_comes(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(explain_gated=True)
    app = make_app(engine, smooth=False)
    turn = ask_about_photo(qtbot, app)
    choose_method(app, Method.OCCLUSION)
    picture = app.window.heatmap.picture
    assert picture.empty.hint.text() == "Being measured…"
    engine.explain_gate.release(2)  # the check that was begun, and occlusion's first half
    qtbot.waitUntil(lambda: picture.caption.text().endswith("50 % measured"))
    qtbot.waitUntil(lambda: picture.view.layer is not None)
    layer = picture.view.layer
    assert layer is not None
    assert layer.pixelColor(2, layer.height() - 2).alpha() == 0
    engine.explain_gate.release(1000)
    qtbot.waitUntil(lambda: "measured" not in picture.caption.text())
    assert picture.legend.accessibleName() == "Colours: what hiding it costs, from 0 to 2"
    assert picture.shares.isHidden()
    qtbot.waitUntil(lambda: len(turn.checks) > WORDS)


def test_nothing_is_explained_before_the_last_one_releases_the_engine(
    qtbot: QtBot, make_app: MakeApp
) -> None:
    app = make_app()
    engine = app.threads.engine
    engine.reserve()
    engine.reserve()
    turn = ask_about_photo(qtbot, app)
    engine.release()
    assert engine.reserved
    assert not app.heatmap.explainer.busy
    engine.release()
    assert not engine.reserved
    assert app.heatmap.explainer.busy
    all_found(qtbot, app, turn)


def test_a_method_that_can_not_be_had_says_so(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(explain_error=RuntimeFailure("PyTorch is not here.", "Install it."))
    app = make_app(engine)
    turn = ask_about_photo(qtbot, app)
    choose_method(app, Method.ROLLOUT)
    qtbot.waitUntil(lambda: Method.ROLLOUT in turn.failed)
    assert app.window.heatmap.picture.empty.hint.text() == "PyTorch is not here."
    assert app.window.heatmap.check.waiting.text() == "PyTorch is not here."
    qtbot.waitUntil(lambda: not app.heatmap.explainer.busy)
    assert len(engine.explained) == 3  # one check, occlusion, rollout: none is tried again


def test_a_method_that_the_fusion_lacks_says_so_and_is_not_offered(
    qtbot: QtBot, make_app: MakeApp
) -> None:
    graph, cross, concat = THREE.fusions
    lacking = replace(graph, lacks=(Method.TAM,))
    model = replace(THREE, fusions=(lacking, cross, concat))
    app = make_app(FakeEngine(model=model))
    box = app.window.heatmap.method
    place = METHODS.index(Method.TAM)

    def offered() -> bool:
        return bool(box.model().flags(box.model().index(place, 0)) & Qt.ItemFlag.ItemIsEnabled)

    assert box.itemText(place) == "Token activation (not with Graph)"
    assert not offered()
    app.window.heatmap.picture.set_fusion(concat)
    assert box.itemText(place) == "Token activation"
    assert offered()


def test_without_a_picture_nothing_is_measured(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine()
    app = make_app(engine)
    ask(qtbot, app)
    assert engine.explained == []
    assert app.window.heatmap.check.waiting.isHidden()


def test_small_probabilities_have_a_decimal(qapp: object) -> None:
    assert probability(0.012, 0.02) == "1.2 %"
    assert probability(0.012, 0.8) == "1 %"


def test_values_have_units(qapp: object) -> None:
    assert map_value(Method.HEADS, 0.053) == "5.3 %"
    assert map_value(Method.RELATIVE, 2.0) == "\u00d72.0"
    assert map_value(Method.OCCLUSION, -0.5) == "-0.5"
    assert map_value(Method.TAM, 0.5) == "0.5"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (9.5e-07, "<0.001"),
        (-9.5e-07, "0"),
        (0.0, "0"),
        (0.0012, "0.0012"),
        (0.03149, "0.031"),
        (2.0, "2"),
        (99.6, "100"),
        (12345.6, "12,346"),
    ],
)
def test_no_figure_needs_powers_of_ten(qapp: object, number: float, text: str) -> None:
    assert map_value(Method.RELEVANCY, number) == text == texts.value(Method.RELEVANCY, number)


def test_relative_attention_waits_for_the_neutral_question(qtbot: QtBot, app: App) -> None:
    turn = ask_about_photo(qtbot, app)
    choose_method(app, Method.RELATIVE)
    picture = app.window.heatmap.picture
    qtbot.waitUntil(lambda: "times as much as usual" in picture.legend.accessibleName())
    assert turn.neutral is not None
    app.heatmap.heatmaps.choose(turn, 2)
    qtbot.waitUntil(lambda: picture.caption.text().startswith("“ball”"))
    assert picture.legend.accessibleName().endswith("to \u00d733.0")
