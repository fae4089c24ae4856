"""From a typed question to what a model is asked."""

from __future__ import annotations

import re

from PySide6.QtCore import QObject

from mmgpt_desktop.conversation import Conversation, Question
from mmgpt_desktop.messages import PICTURE, ModelInfo, Photo
from mmgpt_desktop.ui.pictures.photos import Photos
from mmgpt_desktop.ui.widgets.picture_names import REFERENCE, numbers, without_references


class References(QObject):
    """Reads the pictures out of what was typed. What is in view is always asked about: first,
    unless the question says where it stands."""

    def __init__(self, photos: Photos) -> None:
        super().__init__(photos)
        self._photos = photos

    def problem(self, typed: str, model: ModelInfo | None) -> str:
        """Why the question can't be asked so; empty where it can."""
        for number in numbers(typed):
            if not self._photos.row(number):
                count = self._photos.rows
                if not count:
                    return self.tr("The question names a picture, and none is open.")
                return self.tr("There is no picture {number}: {count} are open.").format(
                    number=number, count=count
                )
        if not without_references(typed):
            return self.tr("Write what you want to know about the pictures, too.")
        if not self._others(typed):
            return ""
        if model is None:
            return self.tr("Wait until the model is loaded: not every one reads several pictures.")
        if not model.sequences:
            return self.tr(
                "{name} looks at one picture at a time. Ask without naming others, or choose "
                "another model (Ctrl+M)."
            ).format(name=model.name)
        return ""

    def asked(self, typed: str) -> tuple[Conversation, ...]:
        """The conversations that the answer belongs to, the one in view first."""
        return (*self._photos.asked, *self._others(typed))

    def read(self, typed: str) -> Question:
        """One that names nothing but what is in view is an ordinary one."""
        if not self._others(typed) and len(numbers(typed)) <= 1:
            return Question(typed, without_references(typed) if numbers(typed) else typed)
        pictures: list[Photo] = []

        def place(found: re.Match[str]) -> str:
            named = _photos_of(self._photos.row(int(found[1])))
            pictures.extend(named)
            return PICTURE * len(named)

        text = REFERENCE.sub(place, typed)
        named = {photo.image_id for photo in pictures}
        first = [each for each in _photos_of(self._photos.asked) if each.image_id not in named]
        return Question(typed, PICTURE * len(first) + text, (*first, *pictures))

    def _others(self, typed: str) -> list[Conversation]:
        """Each that is named beside those in view, once."""
        named = (each for number in numbers(typed) for each in self._photos.row(number))
        return [each for each in dict.fromkeys(named) if each not in self._photos.asked]


def _photos_of(conversations: tuple[Conversation, ...]) -> list[Photo]:
    return [each.photo for each in conversations if each.photo is not None]
