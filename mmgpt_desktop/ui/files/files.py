"""What the window writes and reads: sessions, and answers to take away."""

from __future__ import annotations

from pathlib import Path

from mmgpt_desktop.ui.chat.chat_controller import ChatController
from mmgpt_desktop.ui.files.exporter import Exporter
from mmgpt_desktop.ui.files.session_controller import Sessions
from mmgpt_desktop.ui.heatmap.heatmap_controller import HeatmapController
from mmgpt_desktop.ui.widgets.shell import Shell


class Files:
    def __init__(
        self, shell: Shell, chat: ChatController, heatmap: HeatmapController, folder: Path
    ) -> None:
        """Sessions that nobody saved are kept in `folder`."""
        self.sessions = Sessions(shell, chat, folder)
        self.exporter = Exporter(shell, chat, heatmap)
