"""The picture on the left, and what is asked and answered about it on the right."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QWidget

from mmgpt_desktop.conversation import Conversation, Turn
from mmgpt_desktop.event.profile import Profile
from mmgpt_desktop.messages import Photo
from mmgpt_desktop.ui.chat.answer_figures import certainty_text
from mmgpt_desktop.ui.event.asking_area import AskingArea, as_said
from mmgpt_desktop.ui.event.cards import Tile, TwoLines, breakable, in_turn, take_away, words
from mmgpt_desktop.ui.event.scale import Scale
from mmgpt_desktop.ui.event.show_views import ShowAnswer, ShowPicture
from mmgpt_desktop.ui.widgets.buttons import push_button
from mmgpt_desktop.ui.widgets.screen_reader import announce
from mmgpt_desktop.ui.widgets.shown_photo import levels_of
from mmgpt_desktop.ui.widgets.texts import Retranslated
from mmgpt_desktop.ui.widgets.theme import Theme

_PLATE = 17.0  # a line on whose places are bright, and two on what that is worth


class AnswerPage(Retranslated, QWidget):
    """Shows; who asks, and which word's map is in view, others decide.

    While the samples play (`set_playing`) there is nothing to be touched, and a line below
    says what is seen.
    """

    photo_chosen = Signal(int)
    rewritten = Signal()  # in another language; who says more here says it again

    def __init__(self, theme: Theme, scale: Scale, profile: Profile) -> None:
        super().__init__()
        self.setObjectName("page")
        self._scale, self._playing = scale, False
        self._photo: Photo | None = None
        self._turn: Turn | None = None
        self.picture, self.answer = ShowPicture(theme), ShowAnswer(theme, scale)
        self.asking = AskingArea(theme, scale, profile.limits.question_chars)
        self.caption, self.hint = words("body", centred=True), words("small")
        self.headline, self.question = words("huge"), TwoLines("question")
        self.certainty, self.verdict = words("body"), words("body", centred=True)
        self.anyway = push_button(clicked=self._ask_anyway)
        self.explained, self.invitation = words("large", centred=True), words("lamp", centred=True)
        self.thumbnails: list[Tile] = []
        self.picture.view.resized.connect(self._fit_picture)
        self.asking.letters.toggled.connect(self._make_room)
        self._arrange()
        self._fit()
        self.retranslate_ui()
        self.set_playing(False)
        self.show_conversation(Conversation())

    def _arrange(self) -> None:
        self._thumbs = self._scale.hbox(gap=1)
        self._thumbs.setAlignment(Qt.AlignmentFlag.AlignLeft)
        self._scale.changed.connect(self._fit)
        self._plate = QFrame()
        self._plate.setObjectName("strip")
        said = (1, self.caption, self.verdict, 1)
        self._plate.setLayout(self._scale.vbox(*said, gap=0.6, margin=1.6, top=1.2))
        policy = self._plate.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # the photo keeps its size
        self._plate.setSizePolicy(policy)
        left = self._scale.vbox((self.picture, 1), self._plate, self._thumbs, 0, gap=1.6)
        right = self._scale.vbox(
            (self.headline, 1),
            self.question,
            (self.answer, 1),
            self.certainty,
            (self.anyway, 0, Qt.AlignmentFlag.AlignLeft),
            self.hint,
            0,
            self.asking,
            gap=1.6,
        )
        self._sides = self._scale.hbox((left, 54), (right, 46), gap=4)
        self.setLayout(
            self._scale.vbox(
                (self._sides, 1), self.explained, self.invitation, gap=2, margin=4, top=2
            )
        )

    def retranslate_ui(self) -> None:
        self.headline.setText(self.tr("What do you want to know?"))
        self.hint.setText(self.tr("Touch a word to see where the AI looked for it."))
        self.invitation.setText(self.tr("Touch the screen to try it yourself"))
        self.anyway.setText(self.tr("Ask the AI anyway"))
        self._say_question()
        self._say_certainty()
        self.rewritten.emit()

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
        self._photo = conversation.photo
        self.picture.set_photo(conversation.photo)
        self._fit_picture()
        self._show_turn(conversation.turns[-1] if conversation.turns else None)

    def _show_turn(self, turn: Turn | None) -> None:
        self._turn = turn
        self.answer.fit_anew()
        self.answer.show_conversation(Conversation(self._photo, [turn] if turn else []))
        self.headline.setVisible(turn is None and not self._playing)
        self._say_question()
        self.question.setVisible(turn is not None or self._playing)
        self.answer.setVisible(turn is not None or self._playing)
        self.answer.setPlaceholderText("")
        self.say_caption("")
        self.say_verdict("")
        self._say_certainty()

    def _say_question(self) -> None:
        turn = self._turn
        self.question.say("" if turn is None else f"\u201c{as_said(turn.question)}\u201d")

    def type_question(self, text: str) -> None:
        """As if somebody was writing it."""
        self.question.say(f"\u201c{text}")

    def begin(self, turn: Turn) -> None:
        self._show_turn(turn)
        self.answer.setPlaceholderText(self.tr("Looking at the picture\u2026"))
        announce(self.answer, self.answer.placeholderText())

    def add_step(self, turn: Turn) -> None:
        self.answer.add_step(turn)

    def finish(self, turn: Turn) -> None:
        self.answer.finish(turn)
        self._say_certainty()
        announce(self.answer, f"{self.answer.said(turn)} {self.certainty.text()}")

    def _say_certainty(self) -> None:
        turn = self._turn
        said = certainty_text(turn) if turn is not None else ""
        self.certainty.setText(said)
        self.certainty.setVisible(bool(said))
        anyway = turn is not None and turn.reply is not None and turn.leads_to_a_guess
        self.anyway.setVisible(anyway and not self._playing)
        self._show_hint()

    def _ask_anyway(self) -> None:
        """The same once more."""
        if self._turn is not None:
            self.asking.asked.emit(self._turn.question)

    def _show_hint(self) -> None:
        turn = self._turn
        ended = turn is not None and turn.outcome is not None and turn.reply is None
        writes = self.asking.letters.isChecked()
        self.hint.setVisible(ended and not writes and not self._playing)

    def _make_room(self) -> None:
        """For the letters on the screen, and back."""
        self._show_hint()
        self.answer.fit_anew()

    def say_verdict(self, sentence: str) -> None:
        """On the word in view; empty while nothing is known."""
        self.verdict.setText(breakable(sentence))
        self._show_plate()

    def say_caption(self, word: str) -> None:
        """Whose bright places these are; empty for the photo alone."""
        said = self.tr("For \u201c{word}\u201d, the AI looked at the bright places.").format(
            word=word
        )
        self.caption.setText(breakable(said) if word else "")
        self._show_plate()

    def _show_plate(self) -> None:
        self._plate.setVisible(bool(self.caption.text() or self.verdict.text()))

    def _fit_picture(self) -> None:
        """No higher than the photo: what is said about it comes right below."""
        if (photo := self._photo) is not None and self.picture.width() > 1:
            height = self.picture.width() * photo.height / photo.width
            self.picture.setMaximumHeight(math.ceil(height))

    def show_thumbnails(self, photos: list[Photo], current: int) -> None:
        """Shown from two photos on: one needs no choice."""
        take_away(self._thumbs, self.thumbnails)
        several = photos if len(photos) > 1 else []
        self.thumbnails = [self._thumbnail(index, each) for index, each in enumerate(several)]
        for index, button in enumerate(self.thumbnails):
            button.setChecked(index == current)
            self._thumbs.addWidget(button)
        in_turn([self.picture.view, *self.thumbnails, self.answer])
        self._fit_thumbnails()

    def _fit(self) -> None:
        self._sides.setDirection(self._scale.direction())
        self._plate.setMinimumHeight(self._scale.px(_PLATE))
        self._fit_thumbnails()

    def _fit_thumbnails(self) -> None:
        for button in self.thumbnails:
            button.setFixedSize(self._scale.target(12), self._scale.target(9))

    def _thumbnail(self, index: int, photo: Photo) -> Tile:
        button = Tile(self.tr("Picture {number}").format(number=index + 1))
        button.setCheckable(True)
        button.show_picture(levels_of(photo)[-1])
        button.clicked.connect(lambda: self.photo_chosen.emit(index))
        return button

    def clear(self) -> None:
        """Nothing of a visitor stays in here."""
        self.asking.clear()
        self.show_thumbnails([], -1)
        self.say_caption("")
        self.show_conversation(Conversation())
