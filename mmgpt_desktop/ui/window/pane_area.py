"""Where the four panes are: all beside each other, or by turns where there is less room."""

from __future__ import annotations

from enum import Enum
from functools import partial

from PySide6.QtCore import QByteArray, QCoreApplication, QSize, Qt, QTimer
from PySide6.QtWidgets import QApplication, QSplitter, QTabBar, QToolButton, QWidget

from mmgpt_desktop.ui.chat.output_pane import OutputPane
from mmgpt_desktop.ui.chat.prompt_pane import PromptPane
from mmgpt_desktop.ui.heatmap.heatmap_pane import HeatmapPane
from mmgpt_desktop.ui.pictures.image_pane import ImagePane
from mmgpt_desktop.ui.widgets.box_layout import vbox
from mmgpt_desktop.ui.widgets.fitting import ScrollArea
from mmgpt_desktop.ui.widgets.pane import Pane
from mmgpt_desktop.ui.widgets.texts import Retranslated
from mmgpt_desktop.ui.widgets.theme import MEDIUM

_ROOMY = 700  # a window's height from which the answer has room for a legend too
_LINES = ((_ROOMY, 8), (480, 4), (0, 2))  # of a question, before it scrolls: from a height on


class Arrangement(Enum):
    FOUR = "all panes"
    TWO = "picture and heatmap by turns, beside answer and question"
    ONE = "picture, answer with question, and heatmap by turns"


# A window's height from which the answer can spare room for its strip of small maps.
_STRIP_FROM = {Arrangement.FOUR: 620, Arrangement.TWO: 520, Arrangement.ONE: 600}


def arrangement_for(window: QSize) -> Arrangement:
    """All panes where they have room, and a narrower window can make up for it by its height."""
    width, height = window.width(), window.height()
    if width >= 780 and height >= (540 if width >= 960 else 680):
        return Arrangement.FOUR
    return Arrangement.TWO if width >= 780 else Arrangement.ONE


class PaneArea(Retranslated, ScrollArea):
    """Panes that are seen by turns have tabs. Nothing is ever out of reach: what is higher or
    wider than the area, as with very large text, scrolls."""

    def __init__(
        self, image: ImagePane, prompt: PromptPane, heatmap: HeatmapPane, output: OutputPane
    ) -> None:
        super().__init__()
        self.image, self.prompt, self.heatmap, self.output = image, prompt, heatmap, output
        self.arrangement = Arrangement.FOUR
        self.tabs = QTabBar()
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.currentChanged.connect(self._show_page)
        self._across = _splitter(Qt.Orientation.Horizontal)
        self._down = _splitter(Qt.Orientation.Vertical)  # between heatmap and answer
        self._kept = QByteArray()  # how it was divided when both were in it
        self._left, self._right, self._inside = _Column(), _Column(), _Column()
        self._across.addWidget(self._left)
        self._across.addWidget(self._right)
        self._across.setSizes([1, 1])
        self._right.box.addWidget(self._down, 1)
        self._inside.box.addWidget(self._across, 1)
        self.setWidget(self._inside)
        for pane, stretch in ((image, 1), (heatmap, 5), (output, 4)):
            policy = pane.sizePolicy()
            policy.setVerticalStretch(stretch)
            pane.setSizePolicy(policy)
        self._arrange()

    @property
    def splitters(self) -> tuple[QSplitter, ...]:
        return self._across, self._down

    def states(self) -> tuple[QByteArray, ...]:
        """How the room is divided across, and between heatmap and answer."""
        self._keep_division()
        return self._across.saveState(), self._kept

    def take_states(self, states: tuple[QByteArray, ...]) -> None:
        """Damaged ones, or none, change nothing."""
        if states:
            self._across.restoreState(states[0])
            self._kept = states[-1]
            self._divide()

    def fit(self, window: QSize) -> None:
        """Arrange the panes for a window of that size."""
        arrangement, height = arrangement_for(window), window.height()
        self.prompt.edit.set_most_lines(next(lines for least, lines in _LINES if height >= least))
        self.output.set_room(strip=height >= _STRIP_FROM[arrangement], legend=height >= _ROOMY)
        self.image.card.set_room(roomy=height >= _ROOMY)
        if arrangement is not self.arrangement:
            focus = QApplication.focusWidget()
            in_view = self._pages()[self.tabs.currentIndex()][0]
            self._keep_division()
            self.arrangement = arrangement
            self._arrange()
            if focus is not None and self.isAncestorOf(focus):
                self.reveal(focus)
                focus.setFocus()
            else:
                self.reveal(in_view)

    def reveal(self, widget: QWidget) -> None:
        """Have a pane, or what is in one, in view."""
        pages = self._pages()
        now = self.tabs.currentIndex()
        for place in (now, *range(len(pages))):
            if any(pane is widget or pane.isAncestorOf(widget) for pane in pages[place]):
                self.tabs.setCurrentIndex(place)
                break
        # Once it is laid out there.
        QTimer.singleShot(0, self, partial(self.ensureWidgetVisible, widget, 0, 0))

    def show_map(self) -> None:
        """A word was chosen: its map, where that takes nothing from the answer's place."""
        if self.arrangement is Arrangement.TWO:
            self.reveal(self.heatmap)

    def _pages(self) -> tuple[tuple[Pane, ...], ...]:
        """The panes that are in view together, tab by tab."""
        talk = self.output, self.prompt
        return {
            Arrangement.FOUR: ((self.image, self.prompt, self.heatmap, self.output),),
            Arrangement.TWO: ((self.image, *talk), (self.heatmap, *talk)),
            Arrangement.ONE: ((self.image,), talk, (self.heatmap,)),
        }[self.arrangement]

    def _arrange(self) -> None:
        """Bring each pane into its column, and the tabs above what they change."""
        four = self.arrangement is Arrangement.FOUR
        self._left.box.addWidget(self.image, 1)
        (self._left if four else self._right).box.addWidget(self.prompt)
        if four:
            self._down.insertWidget(0, self.heatmap)
        else:
            self._left.box.addWidget(self.heatmap, 1)
        self._down.addWidget(self.output)
        above = self._inside if self.arrangement is Arrangement.ONE else self._left
        above.box.insertWidget(0, self.tabs)
        self.tabs.blockSignals(True)
        while self.tabs.count():
            self.tabs.removeTab(0)
        for _ in self._pages():
            self.tabs.addTab("")
        self.tabs.blockSignals(False)
        self.tabs.setVisible(not four)
        self.retranslate_ui()
        self._show_page()
        self._divided = False
        QTimer.singleShot(0, self, self._divide)  # when the panes have their new sizes

    def _show_page(self) -> None:
        page = self._pages()[max(0, self.tabs.currentIndex())]
        focus = QApplication.focusWidget()
        for pane in (self.image, self.prompt, self.heatmap, self.output):
            if pane not in page and focus is not None and pane.isAncestorOf(focus):
                self.tabs.setFocus()  # else it would go anywhere, to a notice perhaps
            pane.setVisible(pane in page)
        for side in (self._left, self._right):
            side.setVisible(any(side.isAncestorOf(pane) for pane in page))

    def _keep_division(self) -> None:
        if self.arrangement is Arrangement.FOUR and self._divided:
            self._kept = self._down.saveState()

    def _divide(self) -> None:
        self._divided = True
        if self.arrangement is Arrangement.FOUR and not self._down.restoreState(self._kept):
            self._down.setSizes([5, 4])

    def retranslate_ui(self) -> None:
        self.tabs.setAccessibleName(self.tr("Which pane is in view"))
        texts = {
            self.image: self.tr("Picture"),
            self.heatmap: self.tr("Heatmap"),
            self.output: self.tr("Question and answer"),
        }
        for place, page in enumerate(self._pages()):
            self.tabs.setTabText(place, texts[page[0]])
        for button in self.tabs.findChildren(QToolButton):  # Qt names them once, in its own words
            name = button.objectName().removesuffix("Button").replace("Scroll", "Scroll ")
            button.setAccessibleName(QCoreApplication.translate("QTabBar", name))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Whatever is in it: it arranges that by the size that it gets."""
        return QSize(320, 200)


def _splitter(direction: Qt.Orientation) -> QSplitter:
    splitter = QSplitter(direction)
    splitter.setHandleWidth(MEDIUM)
    splitter.setChildrenCollapsible(False)
    return splitter


class _Column(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("clear")
        self.box = vbox(gap=MEDIUM, margins=0)
        self.setLayout(self.box)
