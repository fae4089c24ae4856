"""Opens the comparison of the fusions, about the picture in view."""

from __future__ import annotations

from PySide6.QtCore import QObject

from mmgpt_desktop.messages import ModelInfo
from mmgpt_desktop.ui.chat.chat_controller import ChatController
from mmgpt_desktop.ui.chat.prompt_pane import PromptPane
from mmgpt_desktop.ui.heatmap.comparison import Comparison
from mmgpt_desktop.ui.heatmap.explainer import Explainer
from mmgpt_desktop.ui.heatmap.heatmap_pane import HeatmapPane
from mmgpt_desktop.ui.widgets.picture_names import without_references
from mmgpt_desktop.ui.widgets.shell import Shell
from mmgpt_desktop.ui.widgets.theme import Theme
from mmgpt_desktop.ui.worker import EngineThread, TaskThread


class ComparisonLauncher(QObject):
    """For a model that has several fusions; explaining waits meanwhile."""

    def __init__(
        self,
        shell: Shell,
        theme: Theme,
        engine: EngineThread,
        pane: HeatmapPane,
        prompt: PromptPane,
        chat: ChatController,
        explainer: Explainer,
        drawing: TaskThread,
    ) -> None:
        super().__init__(shell.window)
        self._shell, self._theme, self._engine, self._drawing = shell, theme, engine, drawing
        self._pane, self._prompt, self._chat, self._explainer = pane, prompt, chat, explainer
        prompt.fusions.compare_wanted.connect(self.compare)
        shell.actions.connect({"compare": self.compare})
        shell.actions["compare"].setEnabled(False)
        engine.loaded.connect(self._take_model)

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
        window = self._shell.window
        comparison = Comparison(
            self._theme, self._engine, self._drawing, model, photo, parent=window
        )
        comparison.draw_like(self._pane)
        comparison.resize(window.size() * 0.97)
        self._explainer.pause()
        comparison.finished.connect(self._explainer.resume)
        comparison.open()
        comparison.ask(self._question())

    def _question(self) -> str:
        """What is being typed, else what was asked last, else what fits every picture."""
        typed = without_references(self._prompt.edit.toPlainText())
        turns = self._chat.conversation.turns
        return typed or (
            without_references(turns[-1].question) if turns else "Describe this picture."
        )
