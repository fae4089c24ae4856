"""Nothing but widgets is tied to the window, so that workers can let go of all the rest.

Of a slot that is a method of anything else, PySide keeps a weak reference to cut the connection
when its owner goes, in whichever thread that is. Qt's lock is held then while Python's is waited
for, and the GUI thread may have them the other way round: the program stands still for ever.
"""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.session.session_file import save_session
from tests import sessions
from tests.gui.answers import ask
from tests.gui.conftest import MakeApp
from tests.gui_fakes import make_photo


def tied() -> set[str]:
    """The types of what PySide keeps weak references to."""
    gc.unfreeze()
    return {
        type(each).__name__
        for each in gc.get_objects()
        if type(each) not in weakref.ProxyTypes
        and any(
            type(getattr(reference, "__callback__", None)).__module__ == "PySide"
            for reference in weakref.getweakrefs(each)
        )
    }


def test_a_notice_ties_nothing_to_its_buttons(make_app: MakeApp) -> None:
    token = CancelToken()
    notice = make_app().window.notices.tell("Opening")
    notice.add_action("Cancel", token.cancel)
    assert not tied()
    notice.findChildren(QPushButton)[0].click()
    assert token.cancelled


def test_use_of_the_window_ties_nothing(qtbot: QtBot, make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app()
    app.pictures.photos.add(make_photo(seed=1))
    ask(qtbot, app)
    app.window.notices.tell_error(AppError("It broke."))
    app.pictures.photos.remove()
    path = tmp_path / "kept.mmgpt"
    save_session(sessions.session(), path)
    with qtbot.waitSignal(app.pictures.photos.chosen):
        app.pictures.photos.open([path])
    assert app.window.notices.current()
    assert not tied()


def test_progress_may_come_when_its_notice_is_gone(qtbot: QtBot, make_app: MakeApp) -> None:
    notices = make_app().window.notices
    notice = notices.tell("Saving")
    notices.show_progress(notice, 0.5)
    assert notice.bar.isVisible()
    with qtbot.waitSignal(notice.destroyed):
        notice.dismiss()
    notices.show_progress(notice, 0.7)
    assert not notices.current()
