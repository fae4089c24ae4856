"""Ask or draw; and when drawing, how many pictures, and with which seed."""

from __future__ import annotations

import random
from collections import Counter

from PySide6.QtCore import QT_TRANSLATE_NOOP, QLocale, QRegularExpression, Qt, Signal
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import QLineEdit, QWidget

from mmgpt_desktop.painted import MOST_PICTURES, PainterInfo
from mmgpt_desktop.text import printable
from mmgpt_desktop.ui.widgets.box_layout import hbox
from mmgpt_desktop.ui.widgets.buttons import TwoWay
from mmgpt_desktop.ui.widgets.controls import Choice
from mmgpt_desktop.ui.widgets.plain import Label, tip
from mmgpt_desktop.ui.widgets.texts import Retranslated, translated
from mmgpt_desktop.ui.widgets.theme import SMALL, scaled

MOST_SEED = 99_999  # of those that nobody chose
_MOST_DIGITS = 10
_TAUGHT = (  # what painters' manifests say
    QT_TRANSLATE_NOOP("taught", "flowers"),
    QT_TRANSLATE_NOOP("taught", "clothes"),
    QT_TRANSLATE_NOOP("taught", "things"),
    QT_TRANSLATE_NOOP("taught", "fruit and vegetables"),
    QT_TRANSLATE_NOOP("taught", "dogs"),
)


def taught_text(painter: PainterInfo | None) -> str:
    """What it learnt to draw, in the window's language."""
    taught = painter.taught if painter is not None else ()
    return QLocale().createSeparatedList([translated("taught", each) for each in taught])


def drawn_as(prompt: str, label: str, painter: PainterInfo | None) -> str:
    """An example in the window's language where the painter reads that, else in English."""
    language = QLocale().name().partition("_")[0]
    return label if painter is not None and language in painter.languages else prompt


class AskOrDraw(Retranslated, TwoWay):
    def __init__(self) -> None:
        super().__init__()
        self.retranslate_ui()

    def retranslate_ui(self) -> None:
        self.first.setText(self.tr("Ask"))
        self.first.setToolTip(self.tr("Ask about the picture"))
        self.second.setText(self.tr("Draw"))
        self.second.setToolTip(self.tr("Have a picture drawn (Ctrl+D)"))


class DrawBar(Retranslated, QWidget):
    """Who draws, where there is a choice; how many pictures, and the seed: another one each time,
    or always the same."""

    painter_chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._count_label, self._seed_label = (Label(look="caption", scale=0.9) for _ in range(2))
        self._painters: list[PainterInfo] = []
        self.painter = Choice()
        self.painter.currentIndexChanged.connect(self.painter_chosen)
        self.painter.hide()
        self.count = Choice()
        self.count.addItems([str(number) for number in range(1, MOST_PICTURES + 1)])
        self.seed = QLineEdit(maxLength=_MOST_DIGITS)
        digits = QRegularExpression("[0-9]*")  # a language's own way to group them is none
        self.seed.setValidator(QRegularExpressionValidator(digits, self.seed))
        self.seed.setFixedWidth(scaled(84))
        self._count_label.setBuddy(self.count)
        self._seed_label.setBuddy(self.seed)
        parts = (self.painter, self._count_label, self.count, self._seed_label, self.seed)
        self.setLayout(hbox(*parts, gap=SMALL, margins=(SMALL, 0, 0, 0)))
        self.retranslate_ui()

    def retranslate_ui(self) -> None:
        self._name_painters()
        self.painter.setAccessibleName(self.tr("Who draws"))
        self.painter.setToolTip(tip(self.painter.accessibleName()))
        self._count_label.setText(self.tr("Pictures"))
        self.count.setAccessibleName(self.tr("How many pictures, side by side"))
        self.count.setToolTip(tip(self.count.accessibleName()))
        self._seed_label.setText(self.tr("Seed"))
        self.seed.setPlaceholderText(self.tr("another"))
        self.seed.setAccessibleName(
            self.tr("Seed: the same number draws the same picture again; left empty, it is another")
        )
        self.seed.setToolTip(tip(self.seed.accessibleName()))

    def add_painter(self, painter: PainterInfo) -> None:
        self._painters.append(painter)
        self.painter.addItem("")
        self._name_painters()
        self.painter.setVisible(self.painter.count() > 1)

    def _name_painters(self) -> None:
        """By how they draw, as far as that tells them apart."""
        ways = Counter(painter.at_once for painter in self._painters)
        for row, painter in enumerate(self._painters):
            way = self.tr("Out of noise") if painter.at_once else self.tr("Cell by cell")
            name = printable(painter.name)
            self.painter.setItemText(row, way if ways[painter.at_once] == 1 else name)
            self.painter.setItemData(row, tip(f"{name}: {way}"), Qt.ItemDataRole.ToolTipRole)

    @property
    def pictures(self) -> int:
        return self.count.currentIndex() + 1

    def next_seed(self) -> int:
        """The one that is set, or any."""
        kept = self.seed.text()
        return int(kept) if kept else random.randrange(MOST_SEED + 1)

    def keep_seed(self, seed: int) -> None:
        self.seed.setText(str(seed))
