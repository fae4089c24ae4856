"""The window in a process of its own: how it begins, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mmgpt_desktop.session.session_file import open_session
from mmgpt_desktop.ui.files.session_controller import look_back

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    *("torch", "transformers", "onnxruntime", "tokenizers", "httpx2", "jinja2"),
    *("mmgpt_desktop.imaging.readers", "mmgpt_desktop.ui.event.event_app"),
)

CLOSE = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from mmgpt_desktop.ui.window import app as ui
from tests.gui_fakes import FakeEngine

engine = FakeEngine(gated=True)
ui.engine_maker = lambda bundle, runtime: engine
ui.settings_path = lambda: Path(sys.argv[1])
ui.data_path = lambda: Path(sys.argv[1]).parent

class Closer(ui.App):
    def start(self):
        super().start()
        self.chat.controller.ask("What?")
        engine.release(2)
        self.timer = QTimer(interval=5)
        self.timer.timeout.connect(self.look)
        self.timer.start()

    def look(self):
        if len(self.chat.controller.conversation.turns[0].steps) == 2:
            self.timer.stop()
            print("closing", flush=True)
            self.window.close()

ui.App = Closer
sys.exit(ui.run(Path("none"), None, []))
"""

START = """
import sys
from pathlib import Path
from mmgpt_desktop.ui.window.app import App
from mmgpt_desktop.ui.application import make_application
from mmgpt_desktop.ui.worker import engine_maker

app = App(make_application(), engine_maker(Path("none"), None), Path(sys.argv[1]))
app.window.show()
print(sorted(set(sys.argv[2:]) & set(sys.modules)))
app.window.close()
"""


TYPING = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from mmgpt_desktop.ui.window import app as ui
from tests.gui_fakes import FakeEngine

folder = Path(sys.argv[1])
ui.engine_maker = lambda bundle, runtime: FakeEngine()
ui.settings_path = lambda: folder / "settings.json"
ui.data_path = lambda: folder

class Typing(ui.App):
    def start(self):
        super().start()
        self.window.prompt.edit.setPlainText("A draft that nobody saved")
        QTimer.singleShot(0, lambda: print("typed", flush=True))

ui.App = Typing
sys.exit(ui.run(Path("none"), None, []))
"""


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-X", "dev", "-c", code, *arguments],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_closed_in_mid_answer_the_process_ends_silently(tmp_path: Path) -> None:
    process = python(CLOSE, str(tmp_path / "settings.json"))
    assert process.stdout is not None
    assert process.stdout.readline() == "closing\n"
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert "QThread" not in errors


@pytest.mark.skipif(os.name != "posix", reason="other systems send no such signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_when_the_system_ends_it_the_last_letters_are_kept_and_offered(
    tmp_path: Path, name: str
) -> None:
    """At the end of a desktop's session programs get SIGTERM, and SIGHUP with their terminal."""
    process = python(TYPING, str(tmp_path))
    assert process.stdout is not None
    assert process.stdout.readline() == "typed\n"
    process.send_signal(getattr(signal, name))
    _, errors = process.communicate(timeout=30)
    assert process.returncode == -getattr(signal, name)
    assert "Traceback" not in errors
    offered = look_back(tmp_path / "unsaved", tmp_path / "recent.json")
    assert offered is not None
    assert open_session(offered).draft == "A draft that nobody saved"


@pytest.mark.parametrize("platform", ["xcb", "nothing-known"])
def test_where_no_window_can_be_opened_one_sentence_says_so(platform: str) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": platform, "DISPLAY": ":31999"}
    command = [sys.executable, "-m", "mmgpt_desktop"]
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("The window can't be opened (")
    assert ended.stderr.count("\n") == 1


def test_the_window_is_there_before_what_it_needs_later_is_imported(tmp_path: Path) -> None:
    process = python(START, str(tmp_path / "settings.json"), *HEAVY)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert output == "[]\n"
