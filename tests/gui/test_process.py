"""The window in a process of its own: how it begins, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "transformers", "onnxruntime", "tokenizers")

CLOSE = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from mmgpt_desktop.ui import app as ui
from tests.gui_fakes import FakeEngine

engine = FakeEngine(gated=True)
ui.engine_maker = lambda bundle, runtime: engine
ui.settings_path = lambda: Path(sys.argv[1])
ui.data_path = lambda: Path(sys.argv[1]).parent

class Closer(ui.App):
    def start(self):
        super().start()
        self.controller.ask("What?")
        engine.release(2)
        self.timer = QTimer(interval=5)
        self.timer.timeout.connect(self.look)
        self.timer.start()

    def look(self):
        if len(self.controller.conversation.turns[0].steps) == 2:
            self.timer.stop()
            print("closing", flush=True)
            self.window.close()

ui.App = Closer
sys.exit(ui.run(Path("none"), None, []))
"""

START = """
import sys
from pathlib import Path
from mmgpt_desktop.ui.app import App
from mmgpt_desktop.ui.application import make_application
from mmgpt_desktop.worker import engine_maker

app = App(make_application(), engine_maker(Path("none"), None), Path(sys.argv[1]))
app.window.show()
print(sorted(set(sys.argv[2:]) & set(sys.modules)))
app.window.close()
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


def test_the_window_is_there_before_any_runtime_is_imported(tmp_path: Path) -> None:
    process = python(START, str(tmp_path / "settings.json"), *HEAVY)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert output == "[]\n"
