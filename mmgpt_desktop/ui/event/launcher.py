"""From the ordinary window into event mode: in a process of its own, that a supervisor watches."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QProcess
from PySide6.QtWidgets import QFileDialog

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.event.profile import Profile, read_profile
from mmgpt_desktop.ui.widgets.shell import Shell


def command(profile: Path) -> list[str]:
    """What starts the show, from a checkout, an installation or a frozen application."""
    frozen = getattr(sys, "frozen", False)
    program = [sys.executable] if frozen else [sys.executable, "-m", "mmgpt_desktop"]
    return [*program, "--event", str(profile)]


def _start(words: list[str]) -> bool:
    return bool(QProcess.startDetached(words[0], words[1:])[0])


class Launcher(QObject):
    """A profile is read before anything happens; then somebody says when it starts."""

    def __init__(self, shell: Shell, start: Callable[[list[str]], bool] = _start) -> None:
        super().__init__(shell.window)
        self._shell, self.start = shell, start
        self._reading = CancelToken()
        shell.actions.connect({"event": self.choose})

    def choose(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self._shell.window,
            self.tr("Choose the event's profile"),
            "",
            self.tr("Event profiles") + " (*.toml)",
        )
        if name:
            self.read(Path(name))

    def read(self, path: Path) -> None:
        self._reading.cancel()
        self._reading = self._shell.threads["files"].submit(
            lambda _task: read_profile(path), self._offer, self._shell.notices.tell_error
        )

    def _offer(self, profile: Profile) -> None:
        leave = profile.lock.chord or self.tr("the PIN")
        notice = self._shell.notices.tell(
            self.tr("The show “{title}” fills the screen, and this window closes.").format(
                title=profile.title
            ),
            self.tr("It is left with {keys}.").format(keys=leave),
            stays=True,
        )
        notice.add_action(self.tr("Start the show"), partial(self._launch, profile.path))

    def _launch(self, path: Path) -> None:
        if self.start(command(path)):
            self._shell.window.close()
        else:
            self._shell.notices.tell_error(
                AppError("The show can't be started.", "Start it with mmgpt-desktop --event.")
            )
