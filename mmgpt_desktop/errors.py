"""Errors that a user may see: a clear sentence, and what can be done about it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from mmgpt_desktop.note import Note


class AppError(Exception):
    """A failure with a sentence for the user.

    `title` says what happened, `hint` what to do; both are `str.format` templates over
    `values`, so that the window can translate the sentence before filling it in.
    Technical details travel as `__cause__`, and of a model's failure `file` is the one to blame,
    where that is known.
    """

    file: Path | None = None

    def __init__(self, title: str, hint: str = "", **values: object) -> None:
        super().__init__(title, hint, values)
        self.title_template = title
        self.hint_template = hint
        self.values = values

    @property
    def title(self) -> str:
        return self.title_template.format(**self.values)

    @property
    def hint(self) -> str:
        return self.hint_template.format(**self.values)

    @property
    def note(self) -> Note:
        """What happened, as a part of another sentence."""
        return Note(self.title_template, self.values)

    def __str__(self) -> str:
        return f"{self.title} {self.hint}".strip()

    def __reduce__(self) -> tuple[Any, ...]:
        """It may come from another process, and then without its cause."""
        values: dict[str, Any] = self.values
        return partial(type(self), **values), (self.title_template, self.hint_template)


class ImageError(AppError):
    """A file that can't be used as a picture."""


class SessionError(AppError):
    """A file that can't be opened as a session."""


class ProfileError(AppError):
    """A mistake in an event's profile, with its file, line and key."""


class BundleError(AppError):
    """A model folder that is missing, damaged or too new."""


class DrawsOnly(BundleError):
    """A model folder for drawing alone: `folder` is where it lies, and may be a painter's."""

    folder: Path


class PromptError(AppError):
    """A question that can't be asked: empty, or too long."""


class LanguageError(PromptError):
    """A question in a language that the model doesn't know, said in that language if that can
    be: `values` has the `model`, and the `language` ("" for one that is unknown here)."""


class RuntimeFailure(AppError):
    """A runtime could not be made, or broke while it ran."""


class CardFailure(RuntimeFailure):
    """The graphics card, its driver or its libraries failed, whatever the model: the processor
    may do better."""


class NoCard(RuntimeFailure):
    """Nothing here could run a model on a graphics card: an ordinary computer."""


class NotAvailable(AppError):
    """Something that this model or this runtime can't give, whatever the question."""


class DownloadError(AppError):
    """A model that can't be fetched, kept or deleted."""


class NotKept(AppError):
    """What the program keeps for itself, and can't: nobody asked for it at that moment."""


class Cancelled(Exception):
    """The user stopped the work; never shown as an error."""


def unexpected(error: BaseException) -> AppError:
    """A bug or a failing library, as a sentence; the cause keeps the details."""
    said = str(error).strip().rstrip(".") or type(error).__name__
    failure = RuntimeFailure(
        "Something went wrong while the model was at work: {reason}.",
        "Try again; if it happens again, copy the details and report them.",
        reason="the memory is full" if isinstance(error, MemoryError) else said,
    )
    failure.__cause__ = error
    return failure
