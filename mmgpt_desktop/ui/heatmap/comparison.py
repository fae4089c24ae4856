"""One question about one photo, answered by each of the model's fusions, side by side."""

from __future__ import annotations

import itertools
from dataclasses import replace

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QDialog, QHBoxLayout, QLineEdit, QWidget

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.conversation import Conversation, Turn
from mmgpt_desktop.honesty import Doubt
from mmgpt_desktop.messages import (
    EdgeMap,
    FusionInfo,
    GenerationOutcome,
    GenerationRequest,
    Message,
    ModelInfo,
    Photo,
    TokenStep,
)
from mmgpt_desktop.text import without_controls
from mmgpt_desktop.ui.chat.answer_view import AnswerView
from mmgpt_desktop.ui.chat.chat_controller import ChatController
from mmgpt_desktop.ui.heatmap.heatmap_pane import HeatmapPane, WordOrWhole
from mmgpt_desktop.ui.heatmap.heatmap_view import HeatmapView
from mmgpt_desktop.ui.heatmap.heatmaps import Heatmaps
from mmgpt_desktop.ui.widgets.box_layout import hbox, vbox
from mmgpt_desktop.ui.widgets.buttons import push_button
from mmgpt_desktop.ui.widgets.by_keyboard import ByKeyboard
from mmgpt_desktop.ui.widgets.drawing import Heatmap
from mmgpt_desktop.ui.widgets.fitting import ScrollArea
from mmgpt_desktop.ui.widgets.graph_view import GraphView
from mmgpt_desktop.ui.widgets.notices import Notices
from mmgpt_desktop.ui.widgets.pane import Pane
from mmgpt_desktop.ui.widgets.photo_view import LinkedViews, PhotoView
from mmgpt_desktop.ui.widgets.picture_names import without_references
from mmgpt_desktop.ui.widgets.plain import Label
from mmgpt_desktop.ui.widgets.shell import Shell
from mmgpt_desktop.ui.widgets.texts import fusion_label, fusion_text, invitation
from mmgpt_desktop.ui.widgets.theme import MEDIUM, SMALL, Theme
from mmgpt_desktop.ui.worker import TaskThread

_WITH_GRAPH = "graph"  # the fusion that has edges to show
_LONGEST_QUESTION = 1000


class FusionColumn(Pane):
    """What one fusion answers, where it looked, how sure it is and how fast."""

    def __init__(
        self, theme: Theme, fusion: FusionInfo, notices: Notices, drawing: TaskThread
    ) -> None:
        super().__init__()
        self.fusion = fusion
        self.turn: Turn | None = None
        self.set_title(fusion_label(fusion.name))
        self.graph = GraphView(theme) if fusion.name == _WITH_GRAPH else None
        self.graph_box = QCheckBox(self.tr("Show the graph"))
        self.graph_box.setVisible(self.graph is not None)
        self.graph_box.setToolTip(
            self.tr(
                "Lines from the marked cell to the cells that it read most from. A click or the "
                "arrow keys choose another cell."
            )
        )
        self.picture = HeatmapView(theme, self.graph or PhotoView(theme), plain_photo=True)
        self.picture.heatmap_shown.connect(self._mark_peak)
        self.picture.show_details(True)  # what is compared here
        self.answer = AnswerView(theme, questions=False)
        self.answer.show_details(True)
        self.heatmaps = Heatmaps(self.picture, self.answer, drawing, notices.tell_error)
        self._arrange()
        name = fusion_label(fusion.name)
        self.answer.setAccessibleName(
            self.tr("Answer by {fusion}; the arrow keys walk from word to word").format(fusion=name)
        )
        self.picture.view.setAccessibleName(
            self.tr("Photo under the heatmap of {fusion}").format(fusion=name)
        )

    def _arrange(self) -> None:
        what = Label(fusion_text(self.fusion.name), look="caption", wraps=True, scale=0.9)
        what.setAlignment(Qt.AlignmentFlag.AlignTop)
        what.setMinimumHeight(what.fontMetrics().lineSpacing() * 3)
        self.answer.setMinimumHeight(110)
        self.header.addWidget(self.graph_box)
        self.body.addWidget(what)
        self.body.addWidget(self.picture, 5)
        self.body.addWidget(self.answer, 2)

    def begin(self, photo: Photo, turn: Turn) -> None:
        self.turn = turn
        conversation = Conversation(photo, [turn])
        self.answer.show_conversation(conversation)
        self.heatmaps.show_conversation(conversation)
        self.heatmaps.follow(turn)
        self.answer.setPlaceholderText(self.tr("Waits for its turn…"))

    def look(self) -> None:
        """It is this fusion's turn."""
        self.answer.setPlaceholderText(self.tr("Looking at the picture…"))

    def add_step(self, step: TokenStep) -> None:
        assert self.turn is not None
        self.turn.add_step(step)
        self.answer.add_step(self.turn)
        self.heatmaps.step_written(self.turn)

    def finish(self, outcome: GenerationOutcome, doubt: Doubt) -> None:
        assert self.turn is not None
        self.turn.end(outcome, doubt)
        self.answer.setPlaceholderText("")
        self.answer.finish(self.turn)
        self.answer.announce_answer(self.turn)
        self.heatmaps.answer_ended(self.turn)

    def _mark_peak(self, heatmap: Heatmap) -> None:
        """The graph begins where the word looked most."""
        if self.graph is not None:
            self.graph.choose_cell(heatmap.peak)


class _Beside(QHBoxLayout):
    """A scroll area makes what has a height for its width as high as that would like to be."""

    def hasHeightForWidth(self) -> bool:  # noqa: N802
        return False


class Comparison(ByKeyboard, QDialog):
    """Asks the fusions one after the other; Esc stops them, then closes a notice, then all."""

    def __init__(self, shell: Shell, model: ModelInfo, photo: Photo) -> None:
        super().__init__(shell.window)
        theme, engine, drawing = shell.theme, shell.engine, shell.threads["heatmaps"]
        self.setWindowTitle(self.tr("Compare the fusions"))
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._engine, self._model, self._photo = engine, model, photo
        self._asked = ""
        self._jobs: dict[int, tuple[FusionColumn, CancelToken]] = {}
        self._edges: EdgeMap | None = None
        self.notices = Notices(theme)
        self.columns = [
            FusionColumn(theme, fusion, self.notices, drawing) for fusion in model.fusions
        ]
        for column in self.columns:
            column.heatmaps.set_model(model)
            column.picture.set_photo(photo)
            column.graph_box.toggled.connect(self._show_graph)
        self._same_part = LinkedViews(*(column.picture.view for column in self.columns))
        self._make_controls()
        self._arrange()
        engine.stepped.connect(self._take_step)
        engine.ended.connect(self._take_outcome)
        self.finished.connect(self.stop)
        self._refresh()

    def _make_controls(self) -> None:
        self.edit = QLineEdit()
        self.edit.setMaxLength(_LONGEST_QUESTION)
        self.edit.setPlaceholderText(invitation(self._model))
        self.edit.setAccessibleName(self.tr("Your question, for all fusions"))
        self.edit.returnPressed.connect(self._ask)
        # None is pressed by Enter in the question as well.
        self.ask_button = push_button(self.tr("Ask all"), self._ask, "primary")
        self.ask_button.setToolTip(self.tr("Ask all fusions, one after the other (Enter)"))
        self.stop_button = push_button(self.tr("Stop"), self.stop)
        self.stop_button.setToolTip(self.tr("Stop the answers (Esc)"))
        self.switch = WordOrWhole()
        for column in self.columns:
            self.switch.changed.connect(column.picture.set_whole)
            column.picture.whole_changed.connect(self.switch.set_whole)

    def _arrange(self) -> None:
        apart = hbox(self.switch, margins=(MEDIUM, 0, 0, 0))
        row = hbox((self.edit, 1), self.stop_button, self.ask_button, apart, gap=SMALL)
        columns = QWidget()
        beside = _Beside(columns)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(MEDIUM)
        for column in self.columns:
            beside.addWidget(column, 1)
        self.setLayout(
            vbox(row, self.notices, (ScrollArea(columns), 1), gap=MEDIUM, margins=MEDIUM)
        )

    def draw_like(self, pane: HeatmapPane) -> None:
        """The colours and the opacity of the window's own heatmap."""
        style = replace(pane.drawing.map_style, contours=False, same_scale=False)
        for column in self.columns:
            column.picture.set_style(style)
            column.picture.view.set_opacity(style.opacity)

    @property
    def busy(self) -> bool:
        return bool(self._jobs)

    def _ask(self) -> None:
        """By Enter or the button; a key that is held down doesn't begin again and again."""
        if not (self.busy and self.edit.text() == self._asked):
            self.ask(self.edit.text())

    def ask(self, text: str) -> None:
        """Ask all fusions; what was being answered is stopped."""
        question = " ".join(without_controls(text).split())
        self.edit.setText(question)
        self.edit.setFocus()
        if not question:
            return
        again = question == self._asked
        self._asked = question
        self.stop()
        self._jobs.clear()
        for column in self.columns:
            anyway = again and column.turn is not None and column.turn.leads_to_a_guess
            turn = Turn(self._request(question, column.fusion.name, anyway=anyway))
            column.begin(self._photo, turn)
            self._jobs[turn.job_id] = (column, self._engine.ask(turn.request))
        self._refresh()

    def _request(self, question: str, fusion: str, *, anyway: bool) -> GenerationRequest:
        """About a photo that the engine doesn't know yet: else the times would not compare."""
        photo, job_id = self._photo, next(self._engine.job_ids)
        return GenerationRequest(
            job_id,
            images=(replace(photo, image_id=f"{photo.image_id} {job_id}"),),
            messages=(Message("user", question),),
            sampling=self._model.sampling,
            fusion=fusion,
            anyway=anyway,
        )

    def stop(self) -> None:
        for _, cancel in self._jobs.values():
            cancel.cancel()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_Escape and self.busy:
            self.stop()
        elif event.key() != Qt.Key.Key_Escape or not self.notices.close_newest():
            super().keyPressEvent(event)

    def _take_step(self, step: TokenStep) -> None:
        if step.job_id in self._jobs:
            self._jobs[step.job_id][0].add_step(step)

    def _take_outcome(self, outcome: GenerationOutcome) -> None:
        if outcome.job_id in self._jobs:
            column, _ = self._jobs.pop(outcome.job_id)
            column.finish(outcome, self._model.doubt)
            self._refresh()

    def _refresh(self) -> None:
        self.stop_button.setEnabled(self.busy)
        for column, _ in itertools.islice(self._jobs.values(), 1):
            column.look()

    def _show_graph(self, wanted: bool) -> None:
        if wanted and self._edges is None:
            photo = self._photo
            self._engine.submit(
                lambda engine, task: engine.edges(photo, task),
                self._take_edges,
                self.notices.tell_error,
            )
        self._draw_graph()

    def _take_edges(self, edges: EdgeMap | None) -> None:
        self._edges = edges
        self._draw_graph()

    def _draw_graph(self) -> None:
        for column in self.columns:
            if column.graph is not None:
                column.graph.set_edges(self._edges if column.graph_box.isChecked() else None)


class ComparisonLauncher(QObject):
    """For a model that has several fusions; explaining waits meanwhile."""

    def __init__(self, shell: Shell, pane: HeatmapPane, chat: ChatController) -> None:
        super().__init__(shell.window)
        self._shell, self._pane, self._chat = shell, pane, chat
        shell.actions.connect({"compare": self.compare})
        shell.actions.connect_button("compare", chat.prompt.fusions.compare_button)
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
