"""Questions about pictures: those that somebody types, and those that live mode asks."""

from __future__ import annotations

from mmgpt_desktop.ui.chat.chat_controller import ChatController
from mmgpt_desktop.ui.chat.live import Live
from mmgpt_desktop.ui.chat.output_pane import OutputPane
from mmgpt_desktop.ui.chat.prompt_pane import PromptPane
from mmgpt_desktop.ui.pictures.image_pane import ImagePane
from mmgpt_desktop.ui.pictures.photos import Photos
from mmgpt_desktop.ui.widgets.shell import Shell


class Chat:
    def __init__(
        self, shell: Shell, image: ImagePane, prompt: PromptPane, output: OutputPane, photos: Photos
    ) -> None:
        self.controller = ChatController(shell, photos, prompt, output)
        self.live = Live(shell, image, self.controller)
