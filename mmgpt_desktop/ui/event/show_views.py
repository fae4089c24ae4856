"""The photo and the answer as visitors see them: nothing but what everybody understands."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QContextMenuEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from mmgpt_desktop.attention.heatmap import MapStyle
from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.methods import Method
from mmgpt_desktop.ui.chat.answer_view import AnswerView, WordSpan
from mmgpt_desktop.ui.event.scale import Scale
from mmgpt_desktop.ui.heatmap.heatmap_view import HeatmapView
from mmgpt_desktop.ui.widgets.box_layout import vbox
from mmgpt_desktop.ui.widgets.photo_view import PhotoView
from mmgpt_desktop.ui.widgets.theme import Theme

# Hundredths of the window's height; answers are a quarter larger. A long answer takes a smaller
# one: fingers don't scroll.
_SIZES = (4.4, 3.7, 3.1, 2.6)
_LAID_OUT_MS = 50
_STYLE = MapStyle("inferno", opacity=0.62)


class ShowPicture(HeatmapView):
    """The photo alone until there is a heatmap, and no figures."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, PhotoView(theme), plain_photo=True)
        self.set_style(_STYLE)
        self.view.set_opacity(_STYLE.opacity)

    def _arrange(self) -> None:
        unseen = QWidget(self)
        for widget in (self.caption, self.shares, self.legend):
            widget.setParent(unseen)
        unseen.hide()
        self.setLayout(vbox(self._stack, margins=0))

    def choose_method(self, method: Method) -> None:
        self.method = method
        self.changed.emit()

    def report_style(self) -> MapStyle:
        """How the souvenir draws the maps: as here."""
        return _STYLE

    def say_empty(self, reason: str) -> None:
        del reason
        super().say_empty("")


class ShowAnswer(AnswerView):
    """One answer in large letters. Pointing at a word does nothing: fingers don't hover."""

    def __init__(self, theme: Theme, scale: Scale) -> None:
        super().__init__(theme, questions=False)
        self._scale, self._size = scale, 0
        self._tight = QTimer(self, singleShot=True, interval=_LAID_OUT_MS)
        self._tight.timeout.connect(self._shrink)
        self.verticalScrollBar().rangeChanged.connect(self._tight.start)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        for each in (self, self.viewport()):
            each.setAcceptDrops(False)  # the window takes what is dropped
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # the arrow keys walk the words
        self.document().documentLayout().documentSizeChanged.connect(self._fit_height)
        scale.changed.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        self._scale.set_font(self, _SIZES[self._size])
        self.setMinimumHeight(self._scale.px(9))
        self.redraw()
        self._fit_height()
        self._look_at_chosen()

    def fit_anew(self) -> None:
        """There may be more room, or less to write."""
        if self._size:
            self._size = 0
            self._fit()

    def _shrink(self) -> None:
        """The layout has given it all the room that there is."""
        if self.isVisible() and self.verticalScrollBar().maximum() and self._size + 1 < len(_SIZES):
            self._size += 1
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._look_at_chosen()

    def choose(self, turn: Turn | None, index: int = 0) -> None:
        super().choose(turn, index)
        self._look_at_chosen()

    def _look_at_chosen(self) -> None:
        for span in self.spans:
            if (span.turn, span.index) == self._chosen:
                cursor = self.textCursor()
                cursor.setPosition(span.start)
                self.setTextCursor(cursor)  # scrolls to it

    def _fit_height(self) -> None:
        """No higher than what is written, so that what is said of it comes right below."""
        frame = self.height() - self.viewport().height()
        height = math.ceil(self.document().size().height()) + frame
        self.setMaximumHeight(max(height, self.minimumHeight()))

    def retranslate_ui(self) -> None:
        super().retranslate_ui()
        self.setAccessibleName(self.tr("The answer; the arrow keys walk from word to word"))

    def _endings(self, turn: Turn) -> list[str]:
        return []

    def _underline(self, span: WordSpan) -> None:
        """No marks that somebody would have to explain."""

    def _hover(self, span: WordSpan | None) -> None:
        return

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Two quick touches are two touches."""
        self.mousePressEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:  # noqa: N802
        return event.type() == QEvent.Type.ToolTip or super().viewportEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        event.accept()


def key_word(turn: Turn) -> int:
    """The word that tells most of the picture, by its looks: the longest that is no verb form."""
    texts = [word.bare for word in turn.words]
    named = [text for text in texts if not text.endswith(("ing", "ed"))] or texts
    return texts.index(max(named, key=len))
