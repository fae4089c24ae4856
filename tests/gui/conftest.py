from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from functools import partialmethod
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest
from PySide6.QtCore import QEvent
from pytestqt.qtbot import QtBot

from mmgpt_desktop.ui.event.event_app import EventApp
from mmgpt_desktop.ui.widgets.texts import remove_language
from mmgpt_desktop.ui.window.app import App
from mmgpt_desktop.ui.worker import EngineThread, TaskThread
from tests.gui.answers import fill
from tests.gui.event_parts import MakeShow, make_profile, new_show
from tests.gui_fakes import THREE, FakeEngine

MakeApp = Callable[..., App]
AThread = TypeVar("AThread", EngineThread, TaskThread)


class Start(Protocol):
    def __call__(self, thread: AThread) -> AThread: ...


class PatientQtBot(QtBot):
    """Gives up after half a minute, not after 5 s: a busy machine is no fault of the window."""

    waitUntil = partialmethod(QtBot.waitUntil, timeout=30_000)  # noqa: N815
    waitSignal = partialmethod(QtBot.waitSignal, timeout=30_000)  # noqa: N815


@pytest.fixture
def qtbot(qapp: Any, request: pytest.FixtureRequest) -> QtBot:
    return PatientQtBot(request)


@pytest.fixture(autouse=True)
def patient_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """Likewise for threads that are to end."""
    monkeypatch.setattr("mmgpt_desktop.ui.worker.CLOSE_WAIT_MS", 60_000)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts threads; each must end in time."""
    threads: list[EngineThread | TaskThread] = []

    def started(thread: AThread) -> AThread:
        thread.start()
        threads.append(thread)
        return thread

    yield started
    for thread in threads:
        thread.begin_close()
        assert thread.end_close()
        assert thread.isFinished()


@pytest.fixture
def make_app(qtbot: QtBot, qapp: Any, tmp_path: Path) -> Iterator[MakeApp]:
    """Apps on fake engines; each must have ended its threads in time."""
    apps: list[App] = []

    def make(
        engine: FakeEngine | None = None,
        *,
        wait: bool = True,
        options: dict[str, Any] | None = None,
        **overrides: Any,
    ) -> App:
        overrides = {"language": "en", "theme": "light", **overrides}
        settings = tmp_path / "settings.json"
        app = App(qapp, engine or FakeEngine(), settings, overrides, **(options or {}))
        apps.append(app)
        app.start()
        if wait:
            qtbot.waitUntil(lambda: app.models.loader.model is not None, timeout=30_000)  # the last
        return app

    yield make
    for app in apps:
        app.window.close()
        assert app.ended_in_time
        assert all(thread.isFinished() for thread in app.threads)
        app.window.deleteLater()
        app.theme.deleteLater()
        app.deleteLater()
    apps.clear()
    _forget(qapp)


def _forget(application: Any) -> None:
    """What stays makes each window after it slower, and the next takes it for its own."""
    remove_language(application)
    application.sendPostedEvents()  # what threads told at their end finds whom it is for
    application.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    application.processEvents()
    gc.collect()


@pytest.fixture
def app(make_app: MakeApp) -> App:
    return make_app()


@pytest.fixture
def full(qtbot: QtBot, make_app: MakeApp) -> App:
    """A window with all that it can show."""
    app = make_app(FakeEngine(model=THREE))
    fill(qtbot, app)
    return app


@pytest.fixture
def make_show(qtbot: QtBot, qapp: Any, tmp_path: Path) -> Iterator[MakeShow]:
    """Shows of an event on fake engines; each must have ended its threads in time."""
    shows: list[EventApp] = []

    def make(engine: Any = None, *, wait: bool = True, **options: Any) -> EventApp:
        kept = {
            name: options.pop(name)
            for name in ("theme", "still", "camera", "make_painter")
            if name in options
        }
        show = new_show(qapp, make_profile(tmp_path, **options), engine, **kept)
        shows.append(show)
        if wait:
            qtbot.waitUntil(lambda: show.stage.asker.model is not None, timeout=30_000)
        return show

    yield make
    for show in shows:
        show.close()
        assert show.ended_in_time
        for each in (show.window, show.presenting.window, show.theme, show):
            each.deleteLater()
    shows.clear()
    _forget(qapp)


@pytest.fixture
def show(make_show: MakeShow) -> EventApp:
    return make_show()
