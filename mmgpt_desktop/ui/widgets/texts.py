"""The window's language, and errors in it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
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
from mmgpt_desktop.methods import Method
from mmgpt_desktop.note import fill
from mmgpt_desktop.report import number_texts
from mmgpt_desktop.report.wording import Wording
from mmgpt_desktop.resources import resource_path

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


def error_title(error: AppError) -> str:
    return fill(error.title_template, error.values, partial(translated, "errors"))


def error_hint(error: AppError) -> str:
    return fill(error.hint_template, error.values, partial(translated, "errors"))


# What the engine says in whole sentences, figures included, taken apart again.
_NOTES = (
    (
        re.compile(r"Only the first of its (\d+) frames is used\."),
        QT_TRANSLATE_NOOP("notes", "Only the first of its {0} frames is used."),
    ),
    (
        re.compile(r"Only the first of its (\d+) pages is used\."),
        QT_TRANSLATE_NOOP("notes", "Only the first of its {0} pages is used."),
    ),
    (
        re.compile(r"The file is cut short: about (\d+) % of the picture is missing\."),
        QT_TRANSLATE_NOOP("notes", "The file is cut short: about {0} % of the picture is missing."),
    ),
    (
        re.compile(r"The file is cut short: the finest details of the picture are missing\."),
        QT_TRANSLATE_NOOP(
            "notes", "The file is cut short: the finest details of the picture are missing."
        ),
    ),
    (
        re.compile(r"Only the first (\d+) of its (\d+) frames can be read\."),
        QT_TRANSLATE_NOOP("notes", "Only the first {0} of its {1} frames can be read."),
    ),
    (
        re.compile(r"Left out for length: the first (\d+) turns\."),
        QT_TRANSLATE_NOOP("notes", "Left out for length: the first {0} turns."),
    ),
    (
        re.compile(
            r"The (\d+) heads whose strongest cell lies on the named thing most often, "
            r"of (\d+) things in training photos with label maps: (.+) "
            r"\(a random cell: (.+)\)\."
        ),
        QT_TRANSLATE_NOOP(
            "notes",
            "Shown are the {0} of its heads (the parts that look) that find a named thing best. Of "
            "{1} things in photos they found {2}; a place drawn by lot finds {3}.",
        ),
    ),
    (
        re.compile(
            r"The (\d+) heads with the largest share of their look in the named thing's box, in "
            r"(\d+) composed pictures: (.+) \(all cells alike: (.+)\)\."
        ),
        QT_TRANSLATE_NOOP(
            "notes",
            "Shown are the {0} of its heads (the parts that look) that look at a named thing most. "
            "In {1} test pictures it got {2} of their look; all places alike would give it {3}.",
        ),
    ),
    (
        re.compile(
            r"No head looked at the named thing more than by chance in (\d+) composed pictures, "
            r"so this is the mean over all heads\."
        ),
        QT_TRANSLATE_NOOP(
            "notes",
            "None of its heads (the parts that look) found a named thing better than by luck in "
            "{0} test pictures, so all of them are shown together.",
        ),
    ),
    (
        re.compile(
            r"the same likeliest token as PyTorch in (\d+) of (\d+) steps; ([\d.]+) of the "
            r"probability and ([\d.]+) of the attention moved"
        ),
        QT_TRANSLATE_NOOP(
            "notes",
            "The likeliest token is the same in {0} of {1} steps; {2} of the probability and {3} "
            "of the attention moved.",
        ),
    ),
    (
        re.compile(
            r"(PyTorch|ONNX Runtime): image ([\d.]+) s, prefill (\d+) ms, (\d+) tokens/s, the "
            r"attention of every token on"
        ),
        QT_TRANSLATE_NOOP(
            "notes", "{0}: picture {1} s, question {2} ms, {3} tokens a second with attention."
        ),
    ),
    (
        re.compile(r"(.+) took over: (.+)", re.DOTALL),
        QT_TRANSLATE_NOOP("notes", "{0} took over: {1}"),
    ),
)


def note_text(note: str) -> str:
    """A note of the engine in the window's language, or as it is."""
    for pattern, template in _NOTES:
        if match := pattern.fullmatch(note):
            return translated("notes", str(template)).format(*match.groups())
    return note


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
