"""What is drawn, measured and chosen in the heatmap's pane."""

from __future__ import annotations

from dataclasses import asdict

from PySide6.QtCore import QObject

from mmgpt_desktop.ui.chat.chat_controller import ChatController
from mmgpt_desktop.ui.heatmap.brush import Brush
from mmgpt_desktop.ui.heatmap.check_card import Checks
from mmgpt_desktop.ui.heatmap.comparison import ComparisonLauncher
from mmgpt_desktop.ui.heatmap.explainer import Explainer
from mmgpt_desktop.ui.heatmap.film import Film, HoldKey
from mmgpt_desktop.ui.heatmap.head_inspector import HeadInspector
from mmgpt_desktop.ui.heatmap.heatmap_pane import HeatmapPane
from mmgpt_desktop.ui.heatmap.heatmaps import Heatmaps
from mmgpt_desktop.ui.heatmap.strips import Strips
from mmgpt_desktop.ui.widgets.photo_view import LinkedViews, PhotoView
from mmgpt_desktop.ui.widgets.shell import Shell


class HeatmapController(QObject):
    """Follows the chat: its answers are shown, and measured while the engine has nothing else
    to do. The small maps are drawn on a thread of their own, so that the large one never waits
    for them.
    """

    def __init__(
        self, shell: Shell, pane: HeatmapPane, chat: ChatController, photo: PhotoView
    ) -> None:
        super().__init__(shell.window)
        output, small = chat.output, shell.threads["small maps"]
        self._shell, self.pane, self._output = shell, pane, output
        picture, answer = pane.picture, output.view
        drawing = shell.threads["heatmaps"]
        self.heatmaps = Heatmaps(picture, answer, drawing, shell.notices.tell_error)
        self.explainer = Explainer(shell.engine, self.heatmaps)
        self.film = Film(self.heatmaps)
        self._strips = Strips(output.strip, self.heatmaps, small)
        self._hold = HoldKey(picture.view, answer)
        self._checks = Checks(pane.check, answer, self.heatmaps, self.explainer)
        self.brush = Brush(picture, answer, self.heatmaps, self.explainer)
        self.inspector = HeadInspector(shell, pane, self.heatmaps, small)
        self.comparisons = ComparisonLauncher(shell, pane, chat)
        self._same_part = LinkedViews(photo, picture.view)
        shell.window.installEventFilter(self.brush)
        shell.engine.loaded.connect(self.heatmaps.set_model)
        self._follow(chat)
        self._connect()

    def _follow(self, chat: ChatController) -> None:
        heatmaps = self.heatmaps
        chat.shown.connect(heatmaps.show_conversation)
        chat.began.connect(heatmaps.follow)
        chat.stepped.connect(heatmaps.step_written)
        chat.finished.connect(heatmaps.answer_ended)
        heatmaps.show_conversation(chat.conversation)

    def _connect(self) -> None:
        pane, shell = self.pane, self._shell
        pane.drawing.changed.connect(self._remember)
        pane.drawing.opacity_changed.connect(self._remember)
        pane.details_shown.connect(self._show_details)
        pane.before_held.connect(self.heatmaps.show_before)
        self._hold.held.connect(self.heatmaps.show_before)
        self.film.running_changed.connect(pane.show_film)
        self._output.underline_chosen.connect(self._underline)
        shell.actions.connect({"film": self.film.toggle})
        shell.actions.connect_button("film", pane.film_button)
        shell.rewritten.connect(self.heatmaps.refresh)
        shell.rewritten.connect(self.brush.refresh)

    def _remember(self) -> None:
        self._shell.preferences.change(**asdict(self.pane.drawing.map_style))

    def _underline(self, underline: str) -> None:
        self._checks.tell_verdicts(underline == "needed")
        self._shell.preferences.change(underline=underline)

    def _show_details(self, details: bool) -> None:
        self._output.view.show_details(details)
        self._shell.preferences.change(details=details)
