"""Asks, and puts what comes back where it belongs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.errors import AppError, LanguageError
from mmgpt_desktop.languages import QUESTIONS, labels, unknown_language
from mmgpt_desktop.messages import (
    PICTURE,
    GenerationOutcome,
    GenerationRequest,
    ModelInfo,
    RuntimeInfo,
    Sampling,
    Timings,
    TokenStep,
)
from mmgpt_desktop.text import without_controls
from mmgpt_desktop.ui.chat.conversation import Conversation, Question, Turn, photos_and_messages
from mmgpt_desktop.ui.chat.references import References
from mmgpt_desktop.ui.heatmap.explainer import Explainer
from mmgpt_desktop.ui.heatmap.heatmaps import Heatmaps
from mmgpt_desktop.ui.pictures.photos import Photos
from mmgpt_desktop.ui.widgets.texts import error_title, translated
from mmgpt_desktop.ui.widgets.undo import Undo
from mmgpt_desktop.ui.window.main_window import MainWindow
from mmgpt_desktop.ui.worker import EngineThread, MakeEngine

# Far more than any model here reads (it says so itself, in tokens), and quick to lay out.
LONGEST_QUESTION = 10_000
_VARIED_TEMPERATURE, _VARIED_TOP_P = 0.8, 0.95


@dataclass(frozen=True, eq=False)
class Job:
    """The question that is being answered, in the conversation of each photo that it is about.

    One that is `waiting` goes to the engine when there is a model, and it is known what it has.
    """

    turn: Turn
    conversations: tuple[Conversation, ...]
    cancel: CancelToken
    waiting: bool = False


def _again(turn: Turn) -> Question:
    return Question(turn.question, turn.text, turn.pictures)


@dataclass(frozen=True, eq=False)
class _Switch:
    path: Path
    make_engine: MakeEngine


class Controller(QObject):
    """Owns the job that runs. What belongs to another job than that is dropped.

    A question about all frames of a clip is one job for a model that reads sequences, else a
    round of jobs: one frame after the other, and the view goes along. `path` is the folder of
    the model that is loaded, or is to be loaded first.
    """

    opened = Signal(object)  # the folder of the model that answers from now on
    not_opened = Signal(object)  # the folder of a model that can't be loaded
    ended = Signal(object)  # GenerationOutcome of a job; another one may have begun

    def __init__(
        self,
        window: MainWindow,
        engine: EngineThread,
        photos: Photos,
        heatmaps: Heatmaps,
        explainer: Explainer,
        undo: Undo,
        path: Path,
    ) -> None:
        super().__init__(window)
        self.path = path
        self._window = window
        self._engine = engine
        self._photos = photos
        self._heatmaps = heatmaps
        self._explainer = explainer
        self._undo = undo
        self._references = References(photos)
        self._job: Job | None = None
        self._round: list[Conversation] = []  # frames that are still to be asked about
        self.job_ids = engine.job_ids
        self._model: ModelInfo | None = None
        self._runtime: RuntimeInfo | None = None
        self._loading: CancelToken | None = None
        self._say_status: Callable[[], None] = lambda: None
        self._switching: _Switch | None = None
        self._next: _Switch | None = None
        self._connect()
        self._show_conversation(self.conversation)

    def _connect(self) -> None:
        window, engine = self._window, self._engine
        engine.load_progress.connect(self._show_load)
        engine.loaded.connect(self._take_model)
        engine.load_failed.connect(self._fail_load)
        engine.stepped.connect(self._take_step)
        engine.ended.connect(self._take_outcome)
        window.rewritten.connect(self.rewrite)
        window.prompt.stopped.connect(self.stop)
        window.output.stopped.connect(self.stop)
        window.prompt.fusions.ask_again_wanted.connect(self.ask_again)
        window.output.regenerate_wanted.connect(self.regenerate)
        window.output.clear_wanted.connect(self.clear)
        window.status.cancelled.connect(self.cancel_load)
        window.status.load_wanted.connect(self.load)
        window.actions_by_name["stop"].triggered.connect(self.stop)
        window.actions_by_name["regenerate"].triggered.connect(self.regenerate)
        window.actions_by_name["ask-again"].triggered.connect(self.ask_again)
        window.actions_by_name["clear"].triggered.connect(self.clear)
        self._photos.chosen.connect(self._show_conversation)

    @property
    def conversation(self) -> Conversation:
        return self._photos.current

    @property
    def busy(self) -> bool:
        return self._job is not None

    @property
    def model(self) -> ModelInfo | None:
        return self._model

    def _tell(self, status: Callable[[], None]) -> None:
        """Say it in the status bar, and again in a new language."""
        self._say_status = status
        status()

    @Slot()
    def rewrite(self) -> None:
        """The window's language has changed."""
        self._say_status()
        if self._job is not None:
            self._window.output.waiting_text.setText(self._waiting_text())

    @Slot()
    def load(self) -> None:
        if self._loading is None:
            self._tell(lambda: self._window.status.show_loading(0.0, self.tr("Loading the model…")))
            self._loading = self._engine.load()

    def switch(self, path: Path, make_engine: MakeEngine) -> None:
        """Load another model. Photos and conversations stay, and so does the model before
        until the other one is there."""
        self._next = _Switch(path, make_engine)
        if self._loading is None:
            self._begin_switch()
        else:
            self._loading.cancel()

    def _begin_switch(self) -> None:
        switch, self._next = self._next, None
        if switch is not None:
            self.stop()
            self._explainer.pause()
            self._tell(lambda: self._window.status.show_loading(0.0, self.tr("Loading the model…")))
            self._switching = switch
            self._loading = self._engine.switch(switch.make_engine)

    def _end_load(self) -> Path | None:
        """Where another model was looked for, if this was a switch."""
        switch, self._switching, self._loading = self._switching, None, None
        return switch.path if switch is not None else None

    @Slot()
    def cancel_load(self) -> None:
        if self._loading is not None:
            self._loading.cancel()

    @Slot(float, str)
    def _show_load(self, fraction: float, what: str) -> None:
        self._tell(lambda: self._window.status.show_loading(fraction, translated("progress", what)))

    @Slot(object, object)
    def _take_model(self, model: ModelInfo, runtime: RuntimeInfo) -> None:
        switched = self._end_load()
        self.path = switched or self.path
        self._model, self._runtime = model, runtime
        if self._job is not None:
            self._job.turn.model = model
        self._tell(lambda: self._window.status.show_model(model.name, runtime))
        self._window.take_model(model)
        self._heatmaps.set_model(model)
        self._send_waiting()
        if self._job is not None:
            self._window.output.wait_for_first_word(self._waiting_text())
        self._refresh()
        if switched is not None:
            self._explainer.resume()  # not before it knows which answers are this model's
        self.opened.emit(self.path)
        self._begin_switch()

    @Slot(object)
    def _fail_load(self, error: AppError | None) -> None:
        path, status = self._end_load(), self._window.status
        if path is not None:
            self._explainer.resume()
        if self._model is not None and self._runtime is not None:
            model, runtime = self._model, self._runtime
            self._tell(lambda: status.show_model(model.name, runtime))
        elif error is None:
            self._tell(lambda: status.show_no_model(self.tr("The model was not loaded.")))
        else:
            self._tell(lambda: status.show_no_model(error_title(error)))
        if error is not None:
            notice = self._window.notices.tell_error(error)
            if path is None:
                notice.add_action(self.tr("Try again"), self.load)
            self.not_opened.emit(path or self.path)
        self._begin_switch()
        self._send_waiting()  # the engine says why there is no answer

    @Slot(str)
    def ask(self, text: str) -> None:
        """Ask about the picture shown, or without one; nothing is lost if that can't be."""
        question = without_controls(text).replace(PICTURE, "").strip()
        prompt = self._window.prompt
        if not question:
            prompt.show_problem(self.tr("Write a question first, or choose one below."))
        elif self._job is not None:
            prompt.show_problem(
                self.tr(
                    "An answer is still being written. Wait for it, or stop it with Esc; "
                    "your question stays here."
                )
            )
        elif len(question) > LONGEST_QUESTION:
            prompt.show_problem(
                self.tr(
                    "The question is too long: {count} characters, and {limit} is the most."
                ).format(count=len(question), limit=LONGEST_QUESTION)
            )
        elif problem := self._references.problem(question, self._model):
            prompt.show_problem(problem)
        elif (unread := self._unknown_language(question)) is not None:
            self._tell_error(unread)
        else:
            prompt.accepted(question)
            if self._model is None:
                self.load()
            self._start_about(self._references.asked(question), self._references.read(question))

    def _unknown_language(self, question: str) -> LanguageError | None:
        """None too while no model is there: the engine says it then."""
        if self._model is None:
            return None
        return unknown_language(question, self._model.languages, self._model.name)

    def _tell_error(self, error: AppError) -> None:
        notice = self._window.notices.tell_error(error)
        english = self._model is not None and "en" in self._model.languages
        if isinstance(error, LanguageError) and english:
            own = labels(str(error.values["language"]))
            for place, question in enumerate(QUESTIONS):
                label = own[place] if own else translated("questions", question)
                notice.add_action(label, partial(self.ask, question))

    def _start_about(self, asked: tuple[Conversation, ...], question: Question) -> None:
        if self._model is not None and self._model.sequences:
            self._start(question, self._sampling(), asked)
        else:
            self._round = list(asked[1:])
            self._photos.show(asked[0])
            self._start(question, self._sampling(), asked[:1])

    def _go_round(self, done: Job) -> None:
        """On to the next frame, in view if the one before was."""
        left = [each for each in self._round if each in self._photos.conversations]
        if left and done.turn.outcome is not None and done.turn.outcome.kind == "done":
            self._round = left[1:]
            if self._is_shown(done):
                self._photos.show(left[0])
            self._start(_again(done.turn), self._sampling(), (left[0],))
        else:
            self._round = []

    def describe(self, question: str) -> None:
        """Ask about what passes by, unless something else is being answered."""
        if self._job is None and self._photos.passing:
            self._start(Question(question, question), self._sampling(), (self.conversation,))

    def _sampling(self) -> Sampling:
        return self._model.sampling if self._model is not None else Sampling()

    def _start(
        self, question: Question, sampling: Sampling, asked: tuple[Conversation, ...]
    ) -> None:
        job_id, fusion = next(self.job_ids), self._window.prompt.fusions.fusion
        sequences = self._model is not None and self._model.sequences
        images, messages = photos_and_messages(asked, question, sequences=sequences)
        request = GenerationRequest(job_id, images, messages, sampling, fusion=fusion)
        turn = Turn(job_id, question.typed, fusion, request=request, model=self._model)
        self._explainer.pause()
        for conversation in asked:
            conversation.turns.append(turn)
        if self._model is None:
            self._job = Job(turn, asked, CancelToken(), waiting=True)
        else:
            self._job = Job(turn, asked, self._engine.ask(request))
        if self._is_shown(self._job):
            self._heatmaps.follow(turn)
            self._window.output.view.begin(turn)
            self._window.output.wait_for_first_word(self._waiting_text())
        self._refresh()

    def _is_shown(self, job: Job) -> bool:
        return self.conversation in job.conversations

    def _send_waiting(self) -> None:
        """With the fusion that was remembered, and the model's own way to draw."""
        job = self._job
        if job is None or not job.waiting or job.turn.request is None:
            return
        turn, request = job.turn, job.turn.request
        sampling = self._sampling() if request.sampling == Sampling() else request.sampling
        turn.fusion = self._window.prompt.fusions.fusion
        turn.request = replace(request, sampling=sampling, fusion=turn.fusion)
        self._job = replace(job, cancel=self._engine.ask(turn.request), waiting=False)

    def _waiting_text(self) -> str:
        if self._model is None:
            return self.tr("Waiting for the model…")
        if self.conversation.shown is None:
            return self.tr("Thinking…")
        return self.tr("Looking at the picture…")

    @Slot()
    def stop(self) -> None:
        job = self._job
        if job is None:
            return
        job.cancel.cancel()
        if self._model is None:
            # The thread is busy loading and answers later; to the user it is over now.
            self._take_outcome(GenerationOutcome(job.turn.job_id, "cancelled", Timings()))

    @Slot(object)
    def _take_step(self, step: TokenStep) -> None:
        job = self._job
        if job is None or step.job_id != job.turn.job_id:
            return
        job.turn.model = self._model
        job.turn.steps.append(step)
        self._window.image.film.refresh()
        if self._is_shown(job):
            self._window.output.end_waiting()
            self._window.output.view.add_step(job.turn)
            self._heatmaps.step_written(job.turn)

    @Slot(object)
    def _take_outcome(self, outcome: GenerationOutcome) -> None:
        job = self._job
        if job is None or outcome.job_id != job.turn.job_id:
            return
        self._job = None
        job.turn.end(outcome, self._model.doubt if self._model is not None else None)
        runtime, model = outcome.runtime, self._model
        if runtime is not None and model is not None:
            self._tell(lambda: self._window.status.show_model(model.name, runtime))
        shown = self._is_shown(job)
        if shown:
            self._window.output.end_waiting()
        if outcome.error is not None and not job.turn.steps:
            self._give_question_back(job, outcome.error)
        elif shown:
            self._window.output.view.finish(job.turn)
            self._window.output.view.announce_answer(job.turn)
            self._heatmaps.answer_ended(job.turn)
        self._explainer.resume()
        self._go_round(job)
        self._refresh()
        self.ended.emit(outcome)

    def _give_question_back(self, job: Job, error: AppError) -> None:
        """Nothing was written: the question goes back to where it was typed, if it was."""
        for conversation in job.conversations:
            conversation.turns.remove(job.turn)
        if job.conversations[0] in self._photos.conversations:
            self._window.prompt.give_back(job.turn.question)
        self._tell_error(error)
        if self._is_shown(job):
            self._show_conversation(self.conversation)

    @Slot()
    def regenerate(self) -> None:
        """Ask the last question again, now with some chance in it: greedy would repeat."""
        turns = self.conversation.turns
        if self._job is not None or not turns or self._photos.passing:
            return
        old = turns[-1]
        asked = self._asked_with(old)
        places = [conversation.turns.index(old) for conversation in asked]
        for conversation in asked:
            conversation.turns.remove(old)
        self._window.output.show_conversation(self.conversation)
        seed = next(self.job_ids)
        varied = replace(
            self._sampling(), temperature=_VARIED_TEMPERATURE, top_p=_VARIED_TOP_P, seed=seed
        )
        self._start(_again(old), varied, asked)
        new = asked[0].turns[-1]

        def undo() -> None:
            for conversation, place in zip(asked, places, strict=True):
                self.stop_about(conversation)
                conversation.turns = [turn for turn in conversation.turns if turn is not new]
                conversation.turns.insert(place, old)
                self._show_if_current(conversation)

        self._undo.offer(self.tr("The earlier answer was replaced."), undo)

    def _asked_with(self, turn: Turn) -> tuple[Conversation, ...]:
        """The conversations that a turn stands in, the first photo's first; the one in view,
        if the question itself says where each photo stands."""
        current = self.conversation
        found = [each for each in self._photos.conversations if turn in each.turns] or [current]
        if turn.pictures and current in found:
            found.remove(current)
            found.insert(0, current)
        return tuple(found)

    @Slot()
    def clear(self) -> None:
        """Forget the conversation about the picture shown."""
        conversation = self.conversation
        if not conversation.turns or self._photos.passing:
            return
        self.stop_about(conversation)
        old, conversation.turns = conversation.turns, []
        self._show_conversation(conversation)

        def undo() -> None:
            self.stop_about(conversation)
            conversation.turns = old + conversation.turns
            self._show_if_current(conversation)

        self._undo.offer(self.tr("The conversation was cleared."), undo)

    @Slot()
    def ask_again(self) -> None:
        """Ask the last question once more, with the fusion chosen now; both answers stay."""
        turns = self.conversation.turns
        if self._job is None and turns and not self._photos.passing:
            self._start(_again(turns[-1]), self._sampling(), self._asked_with(turns[-1]))

    def stop_about(self, conversation: Conversation) -> None:
        """End the job at once when it is about `conversation`; what still comes is dropped."""
        job = self._job
        if job is not None and conversation in job.conversations:
            job.cancel.cancel()
            self._take_outcome(GenerationOutcome(job.turn.job_id, "cancelled", Timings()))

    def _show_if_current(self, conversation: Conversation) -> None:
        if conversation is self.conversation:
            self._show_conversation(conversation)

    @Slot(object)
    def _show_conversation(self, conversation: Conversation) -> None:
        self._window.output.show_conversation(conversation)
        self._heatmaps.show_conversation(conversation)
        job = self._job
        if job is not None and self._is_shown(job) and not job.turn.steps:
            self._window.output.wait_for_first_word(self._waiting_text())
        else:
            self._window.output.end_waiting()
        self._refresh()

    def _refresh(self) -> None:
        turns, passing = self.conversation.turns, self._photos.passing
        self._window.prompt.set_busy(self._job is not None and not passing)
        self._window.output.refresh()
        actions = self._window.actions_by_name
        self._window.image.film.refresh()
        actions["stop"].setEnabled(self._job is not None or passing)
        free = bool(turns) and self._job is None and not passing
        actions["regenerate"].setEnabled(free)
        again = free and self._window.prompt.fusions.fusion is not None
        actions["ask-again"].setEnabled(again)
        self._window.prompt.fusions.again_button.setEnabled(again)
        actions["clear"].setEnabled(bool(turns) and not passing)
        actions["copy"].setEnabled(bool(turns))
