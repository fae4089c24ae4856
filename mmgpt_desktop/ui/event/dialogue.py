"""The questions of the show and their answers: asked, shown as they come, and measured."""

from __future__ import annotations

from PySide6.QtCore import QObject

from mmgpt_desktop.conversation import Conversation, Turn
from mmgpt_desktop.errors import AppError, LanguageError
from mmgpt_desktop.event.profile import Profile
from mmgpt_desktop.text import printable
from mmgpt_desktop.ui.event.asking import PacedAsker
from mmgpt_desktop.ui.event.engine_watchdog import EngineWatchdog
from mmgpt_desktop.ui.event.show import EventWindow
from mmgpt_desktop.ui.event.show_views import key_word
from mmgpt_desktop.ui.event.visit import Visit
from mmgpt_desktop.ui.heatmap.explainer import Explainer
from mmgpt_desktop.ui.heatmap.heatmaps import Heatmaps
from mmgpt_desktop.ui.widgets.texts import say
from mmgpt_desktop.ui.worker import EngineThread, TaskThread
from mmgpt_desktop.verdicts import VERDICTS


class Dialogue(QObject):
    """About the picture of the visit that is in view. Trouble is said in the show's own way,
    unless it is to be `quiet` because nobody is there."""

    def __init__(
        self,
        window: EventWindow,
        profile: Profile,
        engine: EngineThread,
        visit: Visit,
        drawing: TaskThread,
    ) -> None:
        super().__init__()
        page = self._page = window.answer_page
        self._window, self._visit = window, visit
        self._quiet = False
        limits, speed = profile.limits, profile.show.speed
        self.asker = PacedAsker(
            engine, chars=limits.question_chars, tokens=limits.answer_tokens, speed=speed
        )
        self.asker.fusion = profile.model.fusion
        self.heatmaps = Heatmaps(page.picture, page.answer, drawing)
        self.explainer = Explainer(engine, self.heatmaps, occludes=False)
        self.watchdog = EngineWatchdog(engine, self.asker)
        engine.loaded.connect(self.heatmaps.set_model)
        engine.loaded.connect(page.asking.set_model)
        self._connect()

    def _connect(self) -> None:
        asker, watchdog = self.asker, self.watchdog
        asker.began.connect(self._begin)
        asker.stepped.connect(self._step)
        asker.ended.connect(self._end)
        asker.failed.connect(self._fail)
        asker.sent.connect(self._window.unsay)  # that it had to wait
        watchdog.restarting.connect(self._say_trouble)
        watchdog.not_loaded.connect(self._say_waiting)
        watchdog.ask_again.connect(self._ask_again)
        for changed in (self._page.rewritten, self.heatmaps.looked, self.explainer.changed):
            changed.connect(self._tell)

    def set_quiet(self, quiet: bool) -> None:
        self._quiet = quiet

    def ask(self, question: str) -> None:
        if self.asker.ask(self._visit.current, question):
            self._page.asking.clear()
        elif self.asker.busy and self._page.asking.line.text():  # not for a card touched twice
            self._window.say(self.tr("One moment, please: I am still answering."))

    def stop(self) -> None:
        """Neither goes on what is being answered, nor is it asked again."""
        self.asker.stop()
        self.watchdog.forget()

    def show(self, conversation: Conversation) -> None:
        self._page.show_conversation(conversation)
        self.heatmaps.show_conversation(conversation)

    def _begin(self, turn: Turn) -> None:
        self._page.begin(turn)
        self.heatmaps.follow(turn)
        if self.asker.model is None:
            self._say_waiting()

    def _step(self, turn: Turn) -> None:
        self._page.add_step(turn)
        self.heatmaps.step_written(turn)

    def _end(self, turn: Turn) -> None:
        self._page.finish(turn)
        self.heatmaps.answer_ended(turn)
        if turn.words:
            self.heatmaps.choose(turn, key_word(turn))

    def _fail(self, _turn: Turn, error: AppError) -> None:
        if not self._quiet:
            self.show(self._visit.current)
            if isinstance(error, LanguageError):
                self._window.say_error(error)

    def _tell(self) -> None:
        """Which word's places are bright, and whether it needs them."""
        at = self.heatmaps.in_view
        if at is None or not at[0].words:
            self._page.say_caption("")
            self._page.say_verdict("")
            return
        turn, index = at
        word = printable(turn.words[index].bare)
        self._page.say_caption(word if self.heatmaps.answer_maps(turn) is not None else "")
        verdict = turn.verdict(self.heatmaps.map_choice(turn), index)
        said = ""
        if verdict is not None:
            said = self.tr("\u201c{word}\u201d: {verdict}")
            said = said.format(word=word, verdict=say(VERDICTS[verdict]))
        elif turn.outcome is not None and self.explainer.busy:
            said = self.tr("\u201c{word}\u201d: finding out whether the bright places matter\u2026")
            said = said.format(word=word)
        self._page.say_verdict(said)

    def _say_trouble(self) -> None:
        self._window.say(self.tr("One moment, please: the AI is starting again."))

    def _say_waiting(self) -> None:
        """For a question that can't be answered yet."""
        if not self.asker.busy or self._quiet:
            return
        if self.watchdog.broken:
            self._window.say(self.tr("The AI did not start. I keep your question and try again."))
        else:
            self._say_trouble()

    def _ask_again(self, turn: Turn) -> None:
        self._window.unsay()
        if not self._quiet:
            self.asker.ask(self._visit.current, turn.question)
