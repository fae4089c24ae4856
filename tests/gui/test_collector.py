"""Widgets that are garbage are destroyed in the GUI thread, whatever the others do."""

from __future__ import annotations

import gc
import linecache
import sys
import threading
import weakref
from types import ModuleType

import pytest
from PySide6.QtWidgets import QApplication, QDialog
from pytestqt.qtbot import QtBot

from mmgpt_desktop.ui import collector
from mmgpt_desktop.ui.heatmap.comparison import Comparison
from mmgpt_desktop.ui.heatmap.head_grid import HeadGrid
from mmgpt_desktop.ui.window.dialogs import KeysDialog
from tests.gui.conftest import MakeApp
from tests.gui_fakes import THREE, FakeEngine, make_photo


class Knot:
    """Knows itself, as a dialog does whose slots are its own methods."""

    def __init__(self) -> None:
        self.itself = self


def make_objects() -> None:
    """Enough of them that Python would look for garbage several times."""
    for _ in range(20):
        [Knot() for _ in range(1000)]


def test_garbage_is_collected_in_the_gui_thread_alone(
    qtbot: QtBot, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "COLLECT_MS", 50)
    monkeypatch.setattr(collector, "WHOLE_EVERY", 1)
    app = make_app()
    freed: list[threading.Thread] = []
    knot = Knot()
    weakref.finalize(knot, lambda: freed.append(threading.current_thread()))
    dialog = KeysDialog(app.window)
    dialog.deleteLater()
    del knot, dialog
    other = threading.Thread(target=make_objects)
    other.start()
    other.join()
    qtbot.waitUntil(lambda: bool(freed))
    assert freed == [threading.main_thread()]


def test_a_large_library_costs_one_collection_and_no_more(
    qtbot: QtBot, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "COLLECT_MS", 10)
    monkeypatch.setattr(collector, "WHOLE_EVERY", 1)
    make_app()
    before = gc.get_freeze_count()
    many = {f"made up {number}": ModuleType("made up") for number in range(collector.MANY_MODULES)}
    monkeypatch.setattr(sys, "modules", sys.modules | many)
    library = [Knot() for _ in range(10_000)]
    qtbot.waitUntil(lambda: gc.get_freeze_count() > before + len(library))
    gc.unfreeze()


def test_python_collects_by_itself_again_when_the_window_is_closed(make_app: MakeApp) -> None:
    app = make_app()
    assert not gc.isenabled()
    app.window.close()
    assert gc.isenabled()


def test_source_of_a_library_that_came_is_let_go(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled = collector.Collector(qapp)
    settled.settle()  # with what is imported so far
    assert linecache.getline(__file__, 1)
    settled.settle()
    assert __file__ in linecache.cache, "no library came"
    many = {f"made up {number}": ModuleType("made up") for number in range(collector.MANY_MODULES)}
    monkeypatch.setattr(sys, "modules", sys.modules | many)
    settled.settle()
    assert __file__ not in linecache.cache
    assert linecache.getline(__file__, 1), "it can be read again"
    settled.close()
    gc.unfreeze()


@pytest.mark.parametrize(("name", "kind"), [("heads", HeadGrid), ("compare", Comparison)])
def test_what_is_open_is_not_garbage(
    qtbot: QtBot, make_app: MakeApp, name: str, kind: type[QDialog]
) -> None:
    app = make_app(FakeEngine(model=THREE))
    app.pictures.photos.add(make_photo())
    app.chat.controller.ask("What?")
    qtbot.waitUntil(
        lambda: app.heatmap.heatmaps.chosen is not None and not app.chat.controller.busy
    )
    app.window.actions_by_name[name].trigger()
    gc.collect()
    opened = app.window.findChildren(kind)
    assert [dialog.isVisible() for dialog in opened] == [True]
    opened[0].close()
