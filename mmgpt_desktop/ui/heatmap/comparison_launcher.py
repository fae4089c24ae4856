"""Opens the comparison of the fusions, about the picture in view."""

from __future__ import annotations

from PySide6.QtCore import QObject

from mmgpt_desktop.messages import ModelInfo
from mmgpt_desktop.ui.chat.chat_controller import ChatController
from mmgpt_desktop.ui.heatmap.comparison import Comparison
from mmgpt_desktop.ui.heatmap.heatmap_pane import HeatmapPane
from mmgpt_desktop.ui.widgets.picture_names import without_references
from mmgpt_desktop.ui.widgets.shell import Shell


class ComparisonLauncher(QObject):
    """For a model that has several fusions; explaining waits meanwhile."""

    def __init__(self, shell: Shell, pane: HeatmapPane, chat: ChatController) -> None:
        super().__init__(shell.window)
        self._shell, self._pane, self._chat = shell, pane, chat
        chat.prompt.fusions.compare_wanted.connect(self.compare)
        shell.actions.connect({"compare": self.compare})
        shell.actions["compare"].setEnabled(False)
        shell.engine.loaded.connect(self._take_model)

    def _take_model(self, model: ModelInfo) -> None:
        self._shell.actions["compare"].setEnabled(len(model.fusions) > 1)

    def compare(self) -> None:
        """All fusions answer one question about the photo shown."""
        model, photo = self._chat.model, self._chat.conversation.photo
        if model is None or photo is None:
            self._shell.notices.tell(
                self.tr("There is no picture to compare the fusions on."),
                self.tr("Open one first, for instance a sample photo."),
            )
            return
        comparison = Comparison(self._shell, model, photo)
        comparison.draw_like(self._pane)
        comparison.resize(self._shell.window.size() * 0.97)
        self._shell.engine.reserve()
        comparison.finished.connect(self._shell.engine.release)
        comparison.open()
        comparison.ask(self._question())

    def _question(self) -> str:
        """What is being typed, else what was asked last, else what fits every picture."""
        typed = without_references(self._chat.prompt.edit.toPlainText())
        turns = self._chat.conversation.turns
        return typed or (
            without_references(turns[-1].question) if turns else "Describe this picture."
        )
