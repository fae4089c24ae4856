"""The show with the model that ships."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmgpt_desktop.event.profile import read_profile
from mmgpt_desktop.ui.event.event_app import EventApp
from mmgpt_desktop.ui.worker import engine_maker
from tests.gui.event_parts import NoDesktop, no_camera, touch, until


def test_a_visitor_gets_an_answer_with_its_places_and_a_verdict(qapp: Any, tmp_path: Path) -> None:
    file = tmp_path / "empty.toml"
    file.write_text("")
    show = EventApp(
        qapp,
        read_profile(file),
        lambda folder: engine_maker(folder, None),
        awake=NoDesktop(),  # type: ignore[arg-type]
        camera=no_camera(),
    )
    show.window.resize(1280, 720)
    show.start(full_screen=False)
    try:
        show.stage.asker.set_speed(100)
        show.stage.open(show.stage.samples[1].photo)
        until(lambda: show.stage.asker.model and show.stage.visit.conversations)
        touch(show.stage.page.asking.cards[0])
        until(lambda: show.stage.visit.current.turns and not show.stage.asker.busy)
        page = show.stage.page
        assert "cat" in page.answer.toPlainText()
        assert "%" in page.certainty.text()
        until(lambda: page.picture.view.layer is not None)
        until(lambda: page.verdict.text() and not show.stage.explainer.busy)
        show.stage.reset()
        assert page.answer.toPlainText() == ""
    finally:
        show.close()
        assert show.ended_in_time
        show.window.deleteLater()
        show.theme.deleteLater()
