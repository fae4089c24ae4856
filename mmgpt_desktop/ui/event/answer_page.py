"""The picture on the left, and what is asked and answered about it on the right."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from mmgpt_desktop.event.profile import Profile
from mmgpt_desktop.ui.event.asking_area import AskingArea
from mmgpt_desktop.ui.event.looks import Scale
from mmgpt_desktop.ui.event.parts import spaced, words
from mmgpt_desktop.ui.event.views import ShowAnswer, ShowPicture
from mmgpt_desktop.ui.parts import Rewritten, announce
from mmgpt_desktop.ui.session import Conversation, Turn
from mmgpt_desktop.ui.theme import Theme
from mmgpt_desktop.worker import ShownPhoto

_LAMP = "\u25cf"  # before what is said on the bright places, in words too


class AnswerPage(Rewritten, QWidget):
    """Shows; who asks, and which word's map is in view, others decide.

    While the samples play (`set_playing`) there is nothing to be touched, and a line below
    says what is seen.
    """

    photo_chosen = Signal(int)

    def __init__(self, theme: Theme, scale: Scale, profile: Profile) -> None:
        super().__init__()
        self.setObjectName("page")
        self._scale, self._playing = scale, False
        self._turn: Turn | None = None
        self.picture, self.answer = ShowPicture(theme), ShowAnswer(theme, scale)
        self.asking = AskingArea(theme, scale, profile.limits.question_chars)
        self.caption = words("small", centred=True)
        self.headline, self.question = words("huge"), words("question")
        self.certainty, self.verdict = words("body"), words("body")
        self.explained, self.invitation = words("large", centred=True), words("lamp", centred=True)
        self.thumbnails: list[QPushButton] = []
        self._arrange()
        self._write()
        self.set_playing(False)
        self.show_conversation(Conversation())

    def _arrange(self) -> None:
        self._thumbs = QHBoxLayout()
        spaced(self._thumbs, self._scale, 0, 1)
        left = QVBoxLayout()
        spaced(left, self._scale, 0, 1.4)
        left.addWidget(self.picture, 1)
        left.addWidget(self.caption)
        left.addLayout(self._thumbs)
        self._plate = QFrame()
        self._plate.setObjectName("strip")
        plate = QVBoxLayout(self._plate)
        spaced(plate, self._scale, 1.4, 0.6)
        plate.addWidget(self.certainty)
        plate.addWidget(self.verdict)
        right = QVBoxLayout()
        spaced(right, self._scale, 0, 1.6)
        right.addWidget(self.headline, 1)
        right.addWidget(self.question)
        right.addWidget(self.answer, 1)
        right.addWidget(self._plate)
        right.addWidget(self.asking)
        sides = QHBoxLayout()
        spaced(sides, self._scale, 0, 4)
        sides.addLayout(left, 54)
        sides.addLayout(right, 46)
        column = QVBoxLayout(self)
        spaced(column, self._scale, 3, 2)
        column.addLayout(sides, 1)
        column.addWidget(self.explained)
        column.addWidget(self.invitation)

    def _write(self) -> None:
        self.headline.setText(self.tr("What do you want to know?"))
        self.invitation.setText(self.tr("Touch the screen to try it yourself"))

    def set_playing(self, playing: bool) -> None:
        self._playing = playing
        self.asking.setVisible(not playing)
        for label in (self.explained, self.invitation):
            label.setVisible(playing)
        self.explained.setText("")

    def explain(self, line: str) -> None:
        """What is seen now, while the samples play."""
        self.explained.setText(line)

    def show_conversation(self, conversation: Conversation) -> None:
        """Its last answer."""
        self.picture.set_photo(conversation.shown)
        last = conversation.turns[-1] if conversation.turns else None
        self._show_turn(conversation.shown, last)
        if last is not None and last.outcome is not None:
            self._say_certainty(last)

    def _show_turn(self, shown: ShownPhoto | None, turn: Turn | None) -> None:
        self._turn = turn
        self.answer.show_conversation(Conversation(shown, [turn] if turn else []))
        self.headline.setVisible(turn is None and not self._playing)
        self.question.setText("" if turn is None else f"\u201c{turn.question}\u201d")
        self.question.setVisible(turn is not None or self._playing)
        self.answer.setVisible(turn is not None or self._playing)
        self.answer.setPlaceholderText("")
        self.say_verdict("")
        self.certainty.setText("")
        self._show_plate()

    def type_question(self, text: str) -> None:
        """As if somebody was writing it."""
        self.question.setText(f"\u201c{text}")

    def begin(self, shown: ShownPhoto | None, turn: Turn) -> None:
        self._show_turn(shown, turn)
        self.answer.setPlaceholderText(self.tr("Looking at the picture\u2026"))
        announce(self.answer, self.answer.placeholderText())

    def add_step(self, turn: Turn) -> None:
        self.answer.add_step(turn)

    def finish(self, turn: Turn) -> None:
        self.answer.finish(turn)
        self._say_certainty(turn)
        announce(self.answer, f"{turn.answer} {self.certainty.text()}")

    def _say_certainty(self, turn: Turn) -> None:
        self.certainty.setText(self.answer.certainty(turn))
        self._show_plate()

    def say_verdict(self, sentence: str) -> None:
        """On the word in view; empty while nothing is known."""
        self.verdict.setText(sentence)
        self._show_plate()

    def say_caption(self, word: str) -> None:
        """Whose bright places these are; empty for the photo alone."""
        said = self.tr("Bright: where it looked for \u201c{word}\u201d").format(word=word)
        self.caption.setText(f"{_LAMP} {said}" if word else "")

    def _show_plate(self) -> None:
        for label in (self.certainty, self.verdict):
            label.setVisible(bool(label.text()))
        self._plate.setVisible(bool(self.certainty.text() or self.verdict.text()))

    def show_thumbnails(self, photos: list[ShownPhoto], current: int) -> None:
        """Shown from two photos on: one needs no choice."""
        for old in self.thumbnails:
            self._thumbs.removeWidget(old)
            old.hide()
            old.deleteLater()
        several = photos if len(photos) > 1 else []
        self.thumbnails = [self._thumbnail(place, each) for place, each in enumerate(several)]
        for place, button in enumerate(self.thumbnails):
            button.setChecked(place == current)
            self._thumbs.addWidget(button)

    def _thumbnail(self, place: int, shown: ShownPhoto) -> QPushButton:
        button = QPushButton()
        button.setObjectName("tile")
        button.setCheckable(True)
        button.setIcon(QIcon(QPixmap.fromImage(shown.levels[-1])))
        button.setIconSize(QSize(self._scale.px(9), self._scale.px(7)))
        button.setAccessibleName(self.tr("Picture {number}").format(number=place + 1))
        button.clicked.connect(partial(self._choose, place))
        return button

    def _choose(self, place: int, _checked: bool = False) -> None:
        self.photo_chosen.emit(place)

    def clear(self) -> None:
        """Nothing of a visitor stays in here."""
        self.asking.clear()
        self.show_thumbnails([], -1)
        self.say_caption("")
        self.show_conversation(Conversation())
