"""The window starts whatever its settings hold: a person, or another version, wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mmgpt_desktop.ui.window.app import App
from tests.gui.answers import ask_about_photo
from tests.gui_fakes import FakeEngine

LONG = "x" * 100_000
ODD: dict[str, Any] = {
    "another theme": {"theme": "purple"},
    "another language": {"language": "tlh_\u0000"},
    "other colours": {"colour_map": "no such", "opacity": 1e14},
    "below nothing": {"opacity": -5},
    "no layout": {"geometry": "!!!", "splitters": ["#", "", LONG]},
    "another layout": {"geometry": "AAECAwQFBgcICQ==", "splitters": ["AAAA/w=="] * 500},
    "another underline": {"underline": "wavy"},
    "another fusion": {"fusion": LONG},
    "no folders": {"last_folder": "\u0000", "model": "a\u0000b", "model_folders": ["", "\u0000"]},
    "endless folders": {"last_folder": "/" + LONG, "model_folders": [LONG, "/dev", "/proc/self"]},
    "surrogates": {"last_folder": "\ud800", "model_folders": ["\udfff"], "speeds": {"\ud800": 1}},
    "odd speeds": {"speeds": {"": 0, LONG: 1e14, "a": -1}},
}


@pytest.mark.parametrize("name", ODD)
def test_it_starts_and_answers(qtbot: QtBot, qapp: QApplication, tmp_path: Path, name: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"tour_seen": True, **ODD[name]}), encoding="utf-8")
    app = App(qapp, FakeEngine(), path)
    try:
        app.start()
        qtbot.waitUntil(lambda: app.models.loader.model is not None)
        ask_about_photo(qtbot, app)
        assert app.chat.controller.conversation.turns[0].answer.strip()
    finally:
        app.window.close()
        app.window.deleteLater()
        app.theme.deleteLater()
        app.deleteLater()
        qapp.processEvents()
    assert app.ended_in_time
    assert json.loads(path.read_text(encoding="utf-8"))["tour_seen"] is True
