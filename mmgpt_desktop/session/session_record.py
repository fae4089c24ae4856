"""All that the window held, to be saved, and brought back from what was saved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mmgpt_desktop.conversation import Conversation, Turn
from mmgpt_desktop.messages import Photo


@dataclass(frozen=True, eq=False)
class Session:
    """`current` is the conversation in view, `draft` what was typed. The first conversation is the
    one without a photo."""

    conversations: tuple[Conversation, ...]
    current: int = 0
    draft: str = ""

    @property
    def is_empty(self) -> bool:
        talked = any(each.photo or each.turns for each in self.conversations)
        return not talked and not self.draft.strip()


def to_be_saved(conversations: Sequence[Conversation]) -> tuple[Conversation, ...]:
    """All of them as they stand now: what is written from now on doesn't change it.

    A turn about several photos is saved with the first of them.
    """
    saved: list[Conversation] = []
    known: set[Turn] = set()
    for conversation in conversations:
        turns = [turn for turn in conversation.turns if turn not in known]
        known.update(turns)
        copied = [turn.copy() for turn in turns]
        saved.append(Conversation(conversation.photo, copied, conversation.drawing))
    return tuple(saved)


def brought_back(saved: Sequence[Conversation], job_ids: Iterator[int]) -> tuple[Conversation, ...]:
    """A turn about several photos stands with each of them, in the order in which was asked.

    The turns have new numbers: the session's were given out by another run.
    """
    found: list[Conversation] = []
    before: dict[Turn, int] = {}  # the number that a turn had
    shared: dict[Photo | None, list[Turn]] = {}
    for conversation in saved:
        numbers = {_brought_back(turn, next(job_ids)): turn.job_id for turn in conversation.turns}
        before.update(numbers)
        found.append(Conversation(conversation.photo, [*numbers], conversation.drawing))
        for turn in numbers:
            for photo in turn.about if len(turn.about) > 1 else ():
                shared.setdefault(photo, []).append(turn)
    for conversation in found:
        turns = dict.fromkeys([*conversation.turns, *shared.get(conversation.photo, ())])
        conversation.turns = sorted(turns, key=before.__getitem__)
    return tuple(found)


def _brought_back(saved: Turn, job_id: int) -> Turn:
    """Without checks of what is no word today: older versions took other tokens together."""
    turn = saved.numbered(job_id)
    spans = [word.span for word in turn.words]
    turn.checks = tuple(
        each
        for each in turn.checks
        if (each.check.start, each.check.stop) in spans[each.word : each.word + 1]
    )
    return turn
