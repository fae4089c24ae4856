"""The window's conversations as a session, and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmgpt_desktop.attention.answer_maps import MapChoice
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.messages import GenerationOutcome, GenerationRequest, Message, Photo, Timings
from mmgpt_desktop.session.session_file import open_session
from mmgpt_desktop.session.session_record import SavedConversation, SavedTurn, Session, WordCheck
from mmgpt_desktop.ui.chat.conversation import Conversation, Turn
from mmgpt_desktop.ui.widgets.shown_photo import ShownPhoto, show_photo


@dataclass(frozen=True, eq=False)
class Opened:
    """A session, and its conversations as the window shows them."""

    session: Session
    conversations: tuple[Conversation, ...]


def read_opened(path: Path, job_ids: Iterator[int], cancel: CancelToken) -> Opened:
    """For another thread than the window's. Raises SessionError."""
    session = open_session(path, cancel)
    levels: dict[str, ShownPhoto] = {}
    shown: dict[Photo, ShownPhoto] = {}
    for photo in (each.photo for each in session.conversations if each.photo is not None):
        cancel.raise_if_cancelled()
        if photo.image_id not in levels:
            levels[photo.image_id] = show_photo(photo)
        shown[photo] = replace(levels[photo.image_id], photo=photo)
    return Opened(session, conversations_of(session.conversations, shown, job_ids))


def saved_conversations(conversations: Sequence[Conversation]) -> tuple[SavedConversation, ...]:
    """All of them as they stand now: what is written from now on doesn't change it.

    A turn about several photos is saved with the first of them.
    """
    saved: list[SavedConversation] = []
    known: set[Turn] = set()
    for conversation in conversations:
        shown, turns = (
            conversation.shown,
            [each for each in conversation.turns if each not in known],
        )
        known.update(turns)
        photo = shown.photo if shown is not None else None
        saved.append(SavedConversation(photo, tuple(map(_saved_turn, turns))))
    return tuple(saved)


def _saved_turn(turn: Turn) -> SavedTurn:
    request = turn.request
    if request is None:
        asked = (Message("user", turn.question),)
        request = GenerationRequest(turn.job_id, (), asked, fusion=turn.fusion)
    found = turn.findings
    return SavedTurn(
        request,
        tuple(turn.steps),
        turn.outcome or GenerationOutcome(turn.job_id, "cancelled", Timings()),
        turn.unsure,
        turn.model,
        tuple(maps for maps in found.maps.values() if maps.done >= 1),
        found.neutral,
        tuple(
            WordCheck(check, word, choice.heads) for (choice, word), check in found.checks.items()
        ),
        turn.question if turn.question != turn.text else "",
    )


def conversations_of(
    saved: Sequence[SavedConversation], shown: dict[Photo, ShownPhoto], job_ids: Iterator[int]
) -> tuple[Conversation, ...]:
    """A turn about several photos stands with each of them, in the order in which was asked."""
    made: list[Conversation] = []
    shared: dict[Photo, dict[Turn, int]] = {}  # by photo, with the numbers that they had
    numbers: dict[Turn, int] = {}
    for each in saved:
        turns = {_turn_of(turn, next(job_ids)): turn.request.job_id for turn in each.turns}
        numbers.update(turns)
        made.append(Conversation(None if each.photo is None else shown[each.photo], [*turns]))
        for turn, number in turns.items():
            about = turn.about
            for photo in about if len(about) > 1 else ():
                shared.setdefault(photo, {})[turn] = number
    for conversation in made:
        also = shared.get(conversation.shown.photo, {}) if conversation.shown is not None else {}
        turns = {**{turn: numbers[turn] for turn in conversation.turns}, **also}
        conversation.turns = sorted(turns, key=turns.__getitem__)
    return tuple(made)


def _turn_of(saved: SavedTurn, job_id: int) -> Turn:
    """With a number of its own: the session's were given out by another run."""
    turn = Turn(
        job_id,
        saved.question,
        saved.request.fusion,
        [replace(step, job_id=job_id) for step in saved.steps],
        replace(saved.outcome, job_id=job_id),
        saved.unsure,
        replace(saved.request, job_id=job_id),
        saved.model,
    )
    found = turn.findings
    found.maps.update({maps.method: maps for maps in saved.maps})
    found.neutral = saved.neutral
    spans = [(word.start, word.stop) for word in turn.words]
    for each in saved.checks:
        if (each.check.start, each.check.stop) not in spans[each.word : each.word + 1]:
            continue  # an older version took other tokens together as a word
        found.checks[MapChoice(each.check.method, each.heads), each.word] = each.check
    return turn
