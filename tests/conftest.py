"""The ground that every test stands on, whatever the machine: set before Qt is imported.

Its own fonts, home, locale, time zone and folder for temporary files; no screen, no network.
Processes that tests start inherit all of it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

FONTS = Path(__file__).resolve().parent / "fonts"
FONT_CONFIGURATION = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>{fonts}</dir>
  <cachedir>{home}/fontconfig</cachedir>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
  <alias><family>sans-serif</family><prefer><family>DejaVu Sans</family></prefer></alias>
</fontconfig>
"""
# What a user's own session says, and what would lead tests out of their home.
FORGOTTEN = (
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "LANG",
    "LANGUAGE",
    "LC_",
    "QT_",
    "XDG_",
    "HF_",
    "MMGPT_",
)


def _stand_on_own_ground() -> None:
    home = Path(tempfile.mkdtemp(prefix="mmgpt-tests-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    for name in [name for name in os.environ if name.startswith(FORGOTTEN)]:
        del os.environ[name]
    fonts = home / "fonts.conf"
    fonts.write_text(FONT_CONFIGURATION.format(fonts=FONTS, home=home), encoding="utf-8")
    os.environ |= {
        "FONTCONFIG_FILE": str(fonts),
        "HF_HUB_OFFLINE": "1",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "MMGPT_DESKTOP_PREPARED": str(home / "prepared"),  # whatever this environment has
        "OMP_NUM_THREADS": "1",  # several tests run at a time: threads would wait for each other
        "QT_QPA_PLATFORM": "offscreen",
        "TZ": "UTC",
        "USERPROFILE": str(home),
        "XDG_RUNTIME_DIR": str(home),
    }
    if hasattr(time, "tzset"):
        time.tzset()
    # What a shell's background and `nohup` switch off, programs under test would inherit.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.name == "posix" and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


_stand_on_own_ground()


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sockets reach this computer alone."""
    connect = socket.socket.connect

    def near(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])
            assert host.startswith(("127.", "::1", "localhost")), f"A test went to {host}."
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", near)
