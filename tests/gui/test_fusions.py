"""The fusion switch, and what an answer says about itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from mmgpt_desktop.messages import Message, Sampling
from mmgpt_desktop.ui.window.app import App
from tests.gui.answers import ask, idle
from tests.gui.conftest import MakeApp
from tests.gui_fakes import ANSWER, CONCAT, THREE, FakeEngine, make_photo

TEXT = "".join(ANSWER)


def choose(app: App, label: str) -> None:
    app.window.prompt.fusions.box.setCurrentText(label)


def shares(app: App) -> str:
    return app.window.heatmap.picture.shares.text().replace("\u00a0", " ")


def test_a_model_with_one_fusion_offers_no_choice(app: App) -> None:
    assert not app.window.prompt.fusions.isVisible()
    assert app.window.prompt.fusions.fusion is None
    assert not app.window.actions_by_name["compare"].isEnabled()
    assert not app.window.actions_by_name["ask-again"].isEnabled()


def test_fusions_have_names_and_explanations_in_words(make_app: MakeApp) -> None:
    box = make_app(FakeEngine(model=THREE)).window.prompt.fusions.box
    assert box.isVisible()
    assert [box.itemText(place) for place in range(box.count())] == [
        "Graph",
        "Cross-attention",
        "Concatenation",
    ]
    tips = [box.itemData(place, Qt.ItemDataRole.ToolTipRole) for place in range(box.count())]
    assert len(set(tips)) == 3
    assert all(tip.endswith(".") for tip in tips)
    assert box.toolTip() == box.accessibleDescription() == tips[0]


def test_an_unknown_fusion_keeps_its_own_name(make_app: MakeApp) -> None:
    odd = replace(THREE.fusions[0], name="perceiver")
    model = replace(THREE, fusions=(odd, *THREE.fusions[1:]), fusion="perceiver")
    assert make_app(FakeEngine(model=model)).window.prompt.fusions.box.currentText() == "perceiver"


def test_the_switch_is_for_the_next_question(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(model=THREE)
    app = make_app(engine, details=True)
    ask(qtbot, app, "First?")
    choose(app, "Concatenation")
    ask(qtbot, app, "Second?")
    assert [request.fusion for request in engine.requests] == ["graph", "concat"]
    assert [turn.fusion for turn in app.chat.controller.conversation.turns] == ["graph", "concat"]
    shown = app.window.output.view.toPlainText()
    assert shown.index("Graph") < shown.index("Second?") < shown.index("Concatenation")


def test_asking_again_keeps_both_answers_and_tells_neither(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(model=THREE)
    app = make_app(engine)
    app.pictures.photos.add(make_photo())
    assert not app.window.prompt.fusions.again_button.isEnabled()
    ask(qtbot, app, "First?")
    ask(qtbot, app, "Second?")
    choose(app, "Cross-attention")
    qtbot.keyClick(
        app.window.prompt.edit,
        Qt.Key.Key_R,
        Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier,
    )
    idle(qtbot, app)
    turns = app.chat.controller.conversation.turns
    assert [turn.question for turn in turns] == ["First?", "Second?", "Second?"]
    assert engine.requests[2].fusion == "cross_attention"
    assert engine.requests[2].sampling == engine.requests[1].sampling
    assert engine.requests[2].messages == (
        Message("user", "First?"),
        Message("assistant", TEXT),
        Message("user", "Second?"),
    )


def test_the_fusion_is_remembered(qtbot: QtBot, make_app: MakeApp) -> None:
    app = make_app(FakeEngine(model=THREE))
    choose(app, "Concatenation")
    app.window.close()
    again = make_app(FakeEngine(model=THREE))
    assert again.window.prompt.fusions.fusion == "concat"
    again.window.close()
    assert make_app(FakeEngine()).window.prompt.fusions.fusion is None


def test_a_remembered_fusion_that_is_gone_gives_way_to_the_default(make_app: MakeApp) -> None:
    assert make_app(FakeEngine(model=THREE), fusion="x").window.prompt.fusions.fusion == "graph"


def test_each_answer_is_drawn_with_its_own_fusions_heads(qtbot: QtBot, make_app: MakeApp) -> None:
    app = make_app(FakeEngine(model=THREE))
    app.pictures.photos.add(make_photo())
    pane = app.window.heatmap
    ask(qtbot, app)
    choose(app, "Concatenation")
    ask(qtbot, app, "Again?")
    qtbot.waitUntil(lambda: shares(app) == "photo 50 % · guessed names 25 % · the rest 25 %")
    assert pane.how.text() == "Chosen for concatenation."
    assert pane.layer.count() == 2 + 4
    pane.layer.setCurrentText("Layer 4")
    graph, concat = app.chat.controller.conversation.turns
    app.heatmap.heatmaps.choose(graph, 0)
    qtbot.waitUntil(lambda: shares(app) == "photo 50 % · guessed names 25 % · nothing 25 %")
    assert pane.layer.count() == 2 + 2
    assert pane.layer.currentText() == "Chosen heads"
    assert pane.how.text() == "Chosen for tests."
    app.heatmap.heatmaps.hover(concat, 1)
    assert pane.layer.count() == 2 + 4
    assert pane.layer.currentText() == "Layer 4"
    assert pane.selection.pairs(CONCAT) == ((3, 0), (3, 1))


@pytest.mark.parametrize(
    ("certainty", "words"),
    [
        (0.9, "Sure, 90 %"),
        (0.6, "Quite sure, 60 %"),
        (0.4, "Not quite sure, 40 %"),
        (0.1, "Not sure, 10 %"),
    ],
)
def test_an_answer_says_how_sure_it_is(
    qtbot: QtBot, make_app: MakeApp, certainty: float, words: str
) -> None:
    app = make_app(FakeEngine(certainty=certainty))
    ask(qtbot, app)
    assert words in app.window.output.view.toPlainText().splitlines()[-1]
    doubted = f"I'm not sure, perhaps: {TEXT}" in app.window.output.view.toPlainText()
    assert doubted == (certainty < THREE.doubt.short)


def test_doubt_is_not_the_models_own_words(qtbot: QtBot, make_app: MakeApp) -> None:
    app = make_app(FakeEngine(certainty=0.1))
    app.pictures.photos.add(make_photo())
    ask(qtbot, app, "First?")
    ask(qtbot, app, "Second?")
    view = app.window.output.view
    second = app.chat.controller.conversation.turns[1]
    for redrawn in (False, True):
        if redrawn:
            view.redraw()
        text = view.toPlainText()
        own = [text[span.start : span.stop] for span in view.spans if span.turn is second]
        assert own == ["A", "red", "ball", "in", "the", "corner"]
        assert text.count("perhaps:") == 2
    app.window.actions_by_name["copy"].trigger()
    assert QGuiApplication.clipboard().text() == TEXT
    qtbot.keyClick(view, Qt.Key.Key_Home)
    qtbot.waitUntil(lambda: "“A”" in app.window.heatmap.picture.caption.text())


def test_a_short_answer_tells_no_speed(qtbot: QtBot, make_app: MakeApp) -> None:
    app = make_app(FakeEngine(("A", " ball"), certainty=0.9))
    ask(qtbot, app)
    assert app.window.output.view.toPlainText().endswith("Sure, 90 %")
    app.window.heatmap.details.click()
    assert app.window.output.view.toPlainText().endswith("Sure, 90 % · First word after 50 ms")


def test_a_stopped_answer_makes_no_claim(qtbot: QtBot, make_app: MakeApp) -> None:
    engine = FakeEngine(gated=True, certainty=0.1)
    app = make_app(engine)
    app.chat.controller.ask("What?")
    engine.release(2)
    qtbot.waitUntil(lambda: len(app.chat.controller.conversation.turns[0].steps) == 2)
    app.chat.controller.stop()
    idle(qtbot, app)
    text = app.window.output.view.toPlainText()
    assert "perhaps" not in text
    assert "sure" not in text.lower()


@pytest.mark.parametrize(("remembered", "answers"), [("concat", "concat"), ("gone", "graph")])
def test_a_question_before_the_model_waits_for_the_remembered_fusion(
    qtbot: QtBot, make_app: MakeApp, remembered: str, answers: str
) -> None:
    model = replace(THREE, sampling=Sampling(max_new_tokens=9))
    engine = FakeEngine(model=model, load_gated=True)
    app = make_app(engine, wait=False, fusion=remembered)
    app.chat.controller.ask("Early?")
    engine.load_gate.release()
    idle(qtbot, app)
    assert [request.fusion for request in engine.requests] == [answers]
    assert engine.requests[0].sampling == model.sampling
    (turn,) = app.chat.controller.conversation.turns
    assert (turn.fusion, turn.answer) == (answers, TEXT)
    assert turn.request is engine.requests[0]
