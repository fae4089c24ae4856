"""Asks, and puts what comes back where it belongs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QObject, Signal

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.conversation import Conversation, Question, Turn, photos_and_messages
from mmgpt_desktop.errors import AppError, LanguageError
from mmgpt_desktop.languages import QUESTIONS, labels, unknown_language
from mmgpt_desktop.messages import (
    PICTURE,
    GenerationOutcome,
    GenerationRequest,
    ModelInfo,
    Sampling,
    Timings,
    TokenStep,
)
from mmgpt_desktop.text import without_controls
from mmgpt_desktop.ui.chat.output_pane import OutputPane
from mmgpt_desktop.ui.chat.prompt_pane import PromptPane
from mmgpt_desktop.ui.chat.references import References
from mmgpt_desktop.ui.pictures.photos import Photos
from mmgpt_desktop.ui.widgets.shell import Shell
from mmgpt_desktop.ui.widgets.texts import translated

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


class ChatController(QObject):
    """Owns the job that runs. What belongs to another job than that is dropped.

    A question about all frames of a clip is one job for a model that reads sequences, else a
    round of jobs: one frame after the other, and the view goes along. The engine is reserved
    while there is a job.
    """

    load_wanted = Signal()
    stop_wanted = Signal()  # by whoever sits there
    ended = Signal(object)  # GenerationOutcome of a job; another one may have begun
    shown = Signal(object)  # Conversation in view
    began = Signal(object)  # Turn in view, and so are these two:
    stepped = Signal(object)
    finished = Signal(object)

    def __init__(
        self,
        shell: Shell,
        photos: Photos,
        prompt: PromptPane,
        output: OutputPane,
    ) -> None:
        super().__init__(shell.window)
        self._shell, self._engine = shell, shell.engine
        self.photos, self.prompt, self.output = photos, prompt, output
        self._references = References(photos)
        self._job: Job | None = None
        self._drawing = False
        self._round: list[Conversation] = []  # frames that are still to be asked about
        self.job_ids = shell.engine.job_ids
        self.model: ModelInfo | None = None
        self._connect()
        self._show_conversation(self.conversation)

    def _connect(self) -> None:
        engine, prompt, output = self._engine, self.prompt, self.output
        engine.loaded.connect(self._take_model)
        engine.load_failed.connect(self._send_waiting)  # the engine says why there is no answer
        engine.stepped.connect(self._take_step)
        engine.ended.connect(self._take_outcome)
        self.stop_wanted.connect(self.stop)
        self._shell.rewritten.connect(self.rewrite)
        self._shell.actions.connect(
            {
                "stop": self.stop_wanted.emit,
                "regenerate": self.regenerate,
                "ask-again": self.ask_again,
                "clear": self.clear,
                "copy": output.copy,
                "name-picture": prompt.pictures.open_menu,
            }
        )
        for name, button in (
            ("stop", prompt.stop_button),
            ("regenerate", output.regenerate_button),
            ("ask-again", prompt.fusions.again_button),
            ("clear", output.clear_button),
            ("copy", output.copy_button),
        ):
            self._shell.actions.connect_button(name, button)
        output.anyway_button.clicked.connect(self.ask_anyway)
        output.stop_button.clicked.connect(self._stop_answer)
        prompt.fusions.chosen.connect(self._remember_fusion)
        self.photos.chosen.connect(self._show_conversation)
        self.photos.chosen.connect(self._offer_names)
        self.photos.added.connect(prompt.edit.setFocus)  # the question comes next

    def _remember_fusion(self, fusion: str) -> None:
        self._shell.preferences.change(fusion=fusion)

    def _offer_names(self) -> None:
        self.prompt.set_photos(self.photos.firsts)

    @property
    def conversation(self) -> Conversation:
        return self.photos.current

    @property
    def busy(self) -> bool:
        return self._job is not None

    def set_drawing(self, drawing: bool) -> None:
        """Whether there is a drawing, too, that could be stopped."""
        self._drawing = drawing
        self.prompt.set_drawing(drawing)
        self._refresh()

    def rewrite(self) -> None:
        """The window's language has changed."""
        if self._job is not None:
            self.output.waiting_text.setText(self._waiting_text())

    def _take_model(self, model: ModelInfo) -> None:
        self.model = model
        self.prompt.set_model(model)
        if self._job is not None:
            self._job.turn.model = model
        self._send_waiting()
        if self._job is not None:
            self.output.wait_for_first_word(self._waiting_text())
        self._refresh()

    def ask(self, text: str) -> None:
        """Ask about the picture shown, or without one; nothing is lost if that can't be."""
        question = without_controls(text).replace(PICTURE, "").strip()
        prompt = self.prompt
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
        elif problem := self._references.problem(question, self.model):
            prompt.show_problem(problem)
        elif (unread := self._unknown_language(question)) is not None:
            self._tell_error(unread)
        else:
            prompt.accepted(question)
            if self.model is None:
                self.load_wanted.emit()
            self._start_about(self._references.asked(question), self._references.read(question))

    def ask_anyway(self) -> None:
        """Have the model guess what the app replied to."""
        turns = self.conversation.turns
        if self._job is None and turns and turns[-1].leads_to_a_guess:
            asked = self._asked_with(turns[-1])
            self._start(_again(turns[-1]), self._sampling(), asked, anyway=True)

    def _unknown_language(self, question: str) -> LanguageError | None:
        """None too while no model is there: the engine says it then."""
        if self.model is None:
            return None
        return unknown_language(question, self.model.languages, self.model.name)

    def _tell_error(self, error: AppError) -> None:
        notice = self._shell.notices.tell_error(error)
        english = self.model is not None and "en" in self.model.languages
        if isinstance(error, LanguageError) and english:
            own = labels(str(error.values["language"]))
            for place, question in enumerate(QUESTIONS):
                label = own[place] if own else translated("questions", question)
                notice.add_action(label, partial(self.ask, question))

    def _start_about(self, asked: tuple[Conversation, ...], question: Question) -> None:
        anyway = asked[0].insists(question)
        if self.model is not None and self.model.sequences:
            self._start(question, self._sampling(), asked, anyway=anyway)
        else:
            self._round = list(asked[1:])
            self.photos.show(asked[0])
            self._start(question, self._sampling(), asked[:1], anyway=anyway)

    def _go_round(self, done: Job) -> None:
        """On to the next frame, in view if the one before was. What the app replied to one, it
        would to all."""
        left = [each for each in self._round if each in self.photos.conversations]
        turn, outcome = done.turn, done.turn.outcome
        if left and outcome is not None and outcome.kind == "done" and outcome.reply is None:
            self._round = left[1:]
            if self._is_shown(done):
                self.photos.show(left[0])
            anyway = turn.request.anyway
            self._start(_again(turn), self._sampling(), (left[0],), anyway=anyway)
        else:
            self._round = []

    def describe(self, question: str) -> None:
        """Ask about what passes by, unless something else is being answered."""
        if self._job is None and self.photos.passing:
            self._start(Question(question, question), self._sampling(), (self.conversation,))

    def _sampling(self) -> Sampling:
        return self.model.sampling if self.model is not None else Sampling()

    def _start(
        self,
        question: Question,
        sampling: Sampling,
        asked: tuple[Conversation, ...],
        *,
        anyway: bool = False,
    ) -> None:
        job_id, fusion = next(self.job_ids), self.prompt.fusions.fusion
        sequences = self.model is not None and self.model.sequences
        images, messages = photos_and_messages(asked, question, sequences=sequences)
        request = GenerationRequest(
            job_id, images, messages, sampling, fusion=fusion, anyway=anyway
        )
        turn = Turn(request, model=self.model, typed=question.typed)
        self._engine.reserve()
        for conversation in asked:
            conversation.turns.append(turn)
        if self.model is None:
            self._job = Job(turn, asked, CancelToken(), waiting=True)
        else:
            self._job = Job(turn, asked, self._engine.ask(request))
        if self._is_shown(self._job):
            self.began.emit(turn)
            self.output.view.begin(turn)
            self.output.wait_for_first_word(self._waiting_text())
        self._refresh()

    def _is_shown(self, job: Job) -> bool:
        return self.conversation in job.conversations

    def _send_waiting(self) -> None:
        """With the fusion that was remembered, and the model's own way to draw."""
        job = self._job
        if job is None or not job.waiting:
            return
        turn, request = job.turn, job.turn.request
        sampling = self._sampling() if request.sampling == Sampling() else request.sampling
        fusion = self.prompt.fusions.fusion
        turn.request = replace(request, sampling=sampling, fusion=fusion)
        self._job = replace(job, cancel=self._engine.ask(turn.request), waiting=False)

    def _waiting_text(self) -> str:
        if self.model is None:
            return self.tr("Waiting for the model…")
        if self.conversation.photo is None:
            return self.tr("Thinking…")
        return self.tr("Looking at the picture…")

    def _stop_answer(self) -> None:
        """Not a drawing beside it."""
        if self.photos.passing:
            self.stop_wanted.emit()
        else:
            self.stop()

    def stop(self) -> None:
        job = self._job
        if job is None:
            return
        job.cancel.cancel()
        if self.model is None:
            # The thread is busy loading and answers later; to the user it is over now.
            self._take_outcome(GenerationOutcome(job.turn.job_id, "cancelled", Timings()))

    def _take_step(self, step: TokenStep) -> None:
        job = self._job
        if job is None or step.job_id != job.turn.job_id:
            return
        job.turn.model = self.model
        job.turn.add_step(step)
        self.photos.refresh_frames()
        if self._is_shown(job):
            self.output.end_waiting()
            self.output.view.add_step(job.turn)
            self.stepped.emit(job.turn)

    def _take_outcome(self, outcome: GenerationOutcome) -> None:
        job = self._job
        if job is None or outcome.job_id != job.turn.job_id:
            return
        self._job = None
        job.turn.end(outcome, self.model.doubt if self.model is not None else None)
        shown = self._is_shown(job)
        if shown:
            self.output.end_waiting()
        if outcome.error is not None and not job.turn.steps:
            self._give_question_back(job, outcome.error)
        elif shown:
            self.output.view.finish(job.turn)
            self.output.view.announce_answer(job.turn)
            self.finished.emit(job.turn)
        self._go_round(job)
        self._refresh()
        self._engine.release()
        self.ended.emit(outcome)

    def _give_question_back(self, job: Job, error: AppError) -> None:
        """Nothing was written: the question goes back to where it was typed, if it was."""
        for conversation in job.conversations:
            conversation.turns.remove(job.turn)
        if job.conversations[0] in self.photos.conversations:
            self.prompt.give_back(job.turn.question)
        self._tell_error(error)
        if self._is_shown(job):
            self._show_conversation(self.conversation)

    def regenerate(self) -> None:
        """Ask the last question again, now with some chance in it: greedy would repeat."""
        turns = self.conversation.turns
        if self._job is not None or not turns or self.photos.passing:
            return
        old = turns[-1]
        asked = self._asked_with(old)
        places = [conversation.turns.index(old) for conversation in asked]
        for conversation in asked:
            conversation.turns.remove(old)
        self.output.show_conversation(self.conversation)
        seed = next(self.job_ids)
        varied = replace(
            self._sampling(), temperature=_VARIED_TEMPERATURE, top_p=_VARIED_TOP_P, seed=seed
        )
        self._start(_again(old), varied, asked, anyway=old.leads_to_a_guess)
        new = asked[0].turns[-1]

        def undo() -> None:
            for conversation, place in zip(asked, places, strict=True):
                self.stop_about(conversation)
                conversation.turns = [turn for turn in conversation.turns if turn is not new]
                conversation.turns.insert(place, old)
                self._show_if_current(conversation)

        self._shell.undo.offer(self.tr("The earlier answer was replaced."), undo)

    def _asked_with(self, turn: Turn) -> tuple[Conversation, ...]:
        """The conversations that a turn stands in, the first photo's first; the one in view,
        if the question itself says where each photo stands."""
        current = self.conversation
        found = [each for each in self.photos.conversations if turn in each.turns] or [current]
        if turn.pictures and current in found:
            found.remove(current)
            found.insert(0, current)
        return tuple(found)

    def clear(self) -> None:
        """Forget the conversation about the picture shown."""
        conversation = self.conversation
        if not conversation.turns or self.photos.passing:
            return
        self.stop_about(conversation)
        old, conversation.turns = conversation.turns, []
        self._show_conversation(conversation)

        def undo() -> None:
            self.stop_about(conversation)
            conversation.turns = old + conversation.turns
            self._show_if_current(conversation)

        self._shell.undo.offer(self.tr("The conversation was cleared."), undo)

    def ask_again(self) -> None:
        """Ask the last question once more, with the fusion chosen now; both answers stay."""
        turns = self.conversation.turns
        if self._job is None and turns and not self.photos.passing:
            last, anyway = turns[-1], turns[-1].leads_to_a_guess
            self._start(_again(last), self._sampling(), self._asked_with(last), anyway=anyway)

    def stop_about(self, conversation: Conversation) -> None:
        """End the job at once when it is about `conversation`; what still comes is dropped."""
        job = self._job
        if job is not None and conversation in job.conversations:
            job.cancel.cancel()
            self._take_outcome(GenerationOutcome(job.turn.job_id, "cancelled", Timings()))

    def _show_if_current(self, conversation: Conversation) -> None:
        if conversation is self.conversation:
            self._show_conversation(conversation)

    def _show_conversation(self, conversation: Conversation) -> None:
        self.output.show_conversation(conversation)
        self.shown.emit(conversation)
        job = self._job
        if job is not None and self._is_shown(job) and not job.turn.steps:
            self.output.wait_for_first_word(self._waiting_text())
        else:
            self.output.end_waiting()
        self._refresh()

    def _refresh(self) -> None:
        turns, passing = self.conversation.turns, self.photos.passing
        self.prompt.set_busy(self._job is not None and not passing)
        self.output.refresh()
        actions = self._shell.actions
        self.photos.refresh_frames()
        actions["stop"].setEnabled(self._job is not None or passing or self._drawing)
        self.output.stop_button.setEnabled(self._job is not None or passing)
        free = bool(turns) and self._job is None and not passing
        actions["regenerate"].setEnabled(free)
        actions["ask-again"].setEnabled(free and self.prompt.fusions.fusion is not None)
        actions["clear"].setEnabled(bool(turns) and not passing)
        actions["copy"].setEnabled(bool(turns))
