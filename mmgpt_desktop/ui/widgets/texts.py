"""The window's language, and errors in it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import (
    QT_TRANSLATE_NOOP,
    QCoreApplication,
    QEvent,
    QLibraryInfo,
    QLocale,
    QObject,
    QTranslator,
)

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.languages import unknown_language
from mmgpt_desktop.messages import ModelInfo
from mmgpt_desktop.methods import Method
from mmgpt_desktop.note import Note, fill
from mmgpt_desktop.report import number_texts
from mmgpt_desktop.report.wording import Wording
from mmgpt_desktop.resources import resource_path

_INVITATIONS = (
    QT_TRANSLATE_NOOP("Invitation", "Ask in English about the picture"),
    QT_TRANSLATE_NOOP("Invitation", "Ask about the picture, in English or Chinese"),
    QT_TRANSLATE_NOOP("Invitation", "Ask about the picture"),
)
LANGUAGES = {"en": "English", "zh_CN": "简体中文"}


class Language:
    """A language's catalogues, ours and Qt's; the system's language where the name is empty.

    English needs no file. `owner` deletes what is left at its end.
    """

    def __init__(self, name: str, owner: QObject) -> None:
        self.locale = QLocale(name) if name else QLocale.system()
        qt_folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
        folders = {"qtbase": qt_folder, "mmgpt": str(resource_path("translations"))}
        self.catalogues = [QTranslator(owner) for _ in folders]
        for catalogue, (file, folder) in zip(self.catalogues, folders.items(), strict=True):
            catalogue.load(_read_locale(self.locale), file, "_", folder)

    def translate(self, context: str, text: str) -> str:
        """In the catalogue or as it is, whatever is installed."""
        found = (each.translate(context, text) for each in self.catalogues)
        return next(filter(None, found), text)


def _read_locale(locale: QLocale) -> QLocale:
    """Simplified Chinese is read in Singapore and Malaysia, too: Qt would look for their own."""
    names = itertools.takewhile(lambda name: not name.startswith("en"), locale.uiLanguages())
    return QLocale("zh_CN") if "zh-Hans" in names else locale


@dataclass
class _Spoken:
    installed: Language | None = None
    own: Language | None = None  # of who runs the application


_spoken = _Spoken()


def install_language(application: QCoreApplication, name: str, *, visitor: bool = False) -> None:
    """Translate into a language from now on; the system's where the name is empty.

    A `visitor` of an event reads the show in it: `own` texts stay in the language before.
    """
    language = Language(name, application)
    _speak(application, _Spoken(language, _spoken.own if visitor else language))
    QLocale.setDefault(language.locale)
    for catalogue in language.catalogues:
        application.installTranslator(catalogue)


def remove_language(application: QCoreApplication) -> None:
    _speak(application, _Spoken())


def _speak(application: QCoreApplication, spoken: _Spoken) -> None:
    global _spoken
    before, _spoken = _spoken, spoken
    for catalogue in before.installed.catalogues if before.installed else ():
        application.removeTranslator(catalogue)
    for language in (before.installed, before.own):
        if language is not None and language not in (spoken.installed, spoken.own):
            for catalogue in language.catalogues:
                catalogue.deleteLater()


def own(context: str, text: str) -> str:
    """As `translated`, but in the language of who runs the application, whatever visitors read."""
    return _spoken.own.translate(context, text) if _spoken.own is not None else text


def own_locale() -> QLocale:
    return _spoken.own.locale if _spoken.own is not None else QLocale()


class Own:
    """Beside a QObject: its texts are the organiser's, who keeps their language while a visitor
    reads the show in another one."""

    def tr(self, text: str, /, disambiguation: str | None = None, n: int = -1) -> str:
        del disambiguation, n
        return own(type(self).__name__, text)


class Retranslated:
    """Beside a QWidget: `retranslate_ui` sets all texts, and does so again in a new language."""

    def retranslate_ui(self) -> None:
        raise NotImplementedError

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)  # type: ignore[misc]
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate_ui()


def translated(context: str, text: str) -> str:
    """A sentence that comes from below the window: in the catalogue or as it is."""
    try:
        return QCoreApplication.translate(context, text) if text else ""
    except UnicodeEncodeError:  # half a letter, in a stranger's session: no catalogue has it
        return text


def usual_question(question: str, model: ModelInfo | None) -> str:
    """A usual question as the model is asked it: in the window's language where it is known to read
    that, so that the answer comes in it; else, and while there is no model, in English."""
    return asked_as(question, translated("questions", question), model)


def asked_as(question: str, said: str, model: ModelInfo | None) -> str:
    """The same of a question in English that the window says so."""
    known = _languages(model)
    return said if known and unknown_language(said, known, "") is None else question


def _languages(model: ModelInfo | None) -> Collection[str]:
    """That it is known to read."""
    return model.languages if model is not None else ()


def invitation(model: ModelInfo | None) -> str:
    """To ask it, in the languages that it is known to read."""
    languages = _languages(model)
    if set(languages) == {"en"}:
        return translated("Invitation", "Ask in English about the picture")
    if {"en", "zh"} <= set(languages):
        return translated("Invitation", "Ask about the picture, in English or Chinese")
    return translated("Invitation", "Ask about the picture")


def error_title(error: AppError) -> str:
    return fill(error.title_template, error.values, partial(translated, "errors"))


def error_hint(error: AppError) -> str:
    return fill(error.hint_template, error.values, partial(translated, "errors"))


def note_text(note: Note) -> str:
    """In the window's language."""
    return note.said(partial(translated, "errors"))


# The model's fusions for people who never heard the word.
_FUSIONS = {
    "graph": (
        QT_TRANSLATE_NOOP("fusions", "Graph"),
        QT_TRANSLATE_NOOP(
            "fusions",
            "The picture is cut into small squares. First those that are neighbours or look alike "
            "tell each other what they see; then the text reads them.",
        ),
    ),
    "cross_attention": (
        QT_TRANSLATE_NOOP("fusions", "Cross-attention"),
        QT_TRANSLATE_NOOP(
            "fusions",
            "The model reads the text, and in between it does nothing but look at the picture.",
        ),
    ),
    "concat": (
        QT_TRANSLATE_NOOP("fusions", "Concatenation"),
        QT_TRANSLATE_NOOP(
            "fusions",
            "The picture is cut into small squares, which stand before the text like words; the "
            "model reads both together.",
        ),
    ),
}


def fusion_label(name: str, translate: Callable[[str, str], str] = translated) -> str:
    """A fusion's name in the window's language, or as it is."""
    return translate("fusions", str(_FUSIONS[name][0])) if name in _FUSIONS else name


def fusion_text(name: str) -> str:
    """One sentence on what a fusion is; empty for one that nobody here knows."""
    return translated("fusions", str(_FUSIONS[name][1])) if name in _FUSIONS else ""


def say(text: str) -> str:
    """A sentence that the reports say too."""
    return translated("sentences", text)


def wording() -> Wording:
    """The window's language for a report. Its functions may be called in any thread."""
    return Wording(say, note_text)


def map_value(method: Method, value: float) -> str:
    """A cell's value in its method's unit."""
    return _breakable(number_texts.value(method, value, _written))


def percent(share: float, decimals: int = 0) -> str:
    """As the language writes it; a small share is not shown as nothing."""
    return _breakable(number_texts.percent(share, decimals, _written))


def _written(number: float, decimals: int) -> str:
    return QLocale().toString(float(number), "f", decimals)


def _breakable(text: str) -> str:
    """The window's lines may end before the sign."""
    return text.replace(number_texts.SPACE, " ")
