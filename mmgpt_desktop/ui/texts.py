"""The window's language, and errors in it."""

from __future__ import annotations

import re

from PySide6.QtCore import (
    QT_TRANSLATE_NOOP,
    QCoreApplication,
    QLibraryInfo,
    QLocale,
    QTranslator,
)

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import Check, Method, Verdict
from mmgpt_desktop.resources import resource_path

LANGUAGES = {"en": "English", "zh_CN": "简体中文"}


def install_language(application: QCoreApplication, language: str) -> None:
    """Translate into `language` from now on, or the system's when empty.

    English needs no file.
    """
    remove_language(application)
    locale = QLocale(language) if language else QLocale.system()
    QLocale.setDefault(locale)
    qt_folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    for name, folder in (("qtbase", qt_folder), ("mmgpt", str(resource_path("translations")))):
        translator = QTranslator(application)
        if translator.load(locale, name, "_", folder):
            application.installTranslator(translator)


def remove_language(application: QCoreApplication) -> None:
    for translator in application.findChildren(QTranslator):
        application.removeTranslator(translator)
        translator.deleteLater()


def translated(context: str, text: str) -> str:
    """A sentence that comes from below the window: in the catalogue or as it is."""
    return QCoreApplication.translate(context, text) if text else ""


def error_title(error: AppError) -> str:
    return _filled(error.title_template, error)


def error_hint(error: AppError) -> str:
    return _filled(error.hint_template, error)


def _filled(template: str, error: AppError) -> str:
    return translated("errors", template).format(**error.values)


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
            "The {0} heads whose strongest cell lies on the named thing most often, of {1} things "
            "in training photos with label maps: {2} (a random cell: {3}).",
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
            "The picture's cells first tell each other what they see, along a graph of "
            "neighbours and look-alikes; then the text reads them.",
        ),
    ),
    "cross_attention": (
        QT_TRANSLATE_NOOP("fusions", "Cross-attention"),
        QT_TRANSLATE_NOOP(
            "fusions",
            "Between its layers of text the model has layers that do nothing but look at the "
            "picture's cells.",
        ),
    ),
    "concat": (
        QT_TRANSLATE_NOOP("fusions", "Concatenation"),
        QT_TRANSLATE_NOOP(
            "fusions",
            "The picture's cells stand before the text like further words, and each layer reads "
            "both at once.",
        ),
    ),
}


def fusion_label(name: str) -> str:
    """A fusion's name in the window's language, or as it is."""
    return translated("fusions", str(_FUSIONS[name][0])) if name in _FUSIONS else name


def fusion_text(name: str) -> str:
    """One sentence on what a fusion is; empty for one that nobody here knows."""
    return translated("fusions", str(_FUSIONS[name][1])) if name in _FUSIONS else ""


# Methods, with a sentence on each for people who never heard the word.
_METHODS = {
    Method.HEADS: (
        QT_TRANSLATE_NOOP("methods", "Attention"),
        QT_TRANSLATE_NOOP("methods", "Where the model read from while it wrote the word."),
    ),
    Method.MEAN: (
        QT_TRANSLATE_NOOP("methods", "Attention, all heads"),
        QT_TRANSLATE_NOOP("methods", "The mean over all layers and heads."),
    ),
    Method.NO_SINKS: (
        QT_TRANSLATE_NOOP("methods", "Attention without sinks"),
        QT_TRANSLATE_NOOP(
            "methods", "Attention, where cells that glow for nearly every word are turned down."
        ),
    ),
    Method.RELATIVE: (
        QT_TRANSLATE_NOOP("methods", "Relative attention"),
        QT_TRANSLATE_NOOP(
            "methods", "Attention, as a multiple of that for “Describe the image” on this photo."
        ),
    ),
    Method.ROLLOUT: (
        QT_TRANSLATE_NOOP("methods", "Rollout"),
        QT_TRANSLATE_NOOP("methods", "Attention followed through all layers back to the picture."),
    ),
    Method.RELEVANCY: (
        QT_TRANSLATE_NOOP("methods", "Relevancy"),
        QT_TRANSLATE_NOOP(
            "methods", "Attention weighted by how much it would change the word (gradients)."
        ),
    ),
    Method.TAM: (
        QT_TRANSLATE_NOOP("methods", "Token activation"),
        QT_TRANSLATE_NOOP("methods", "How strongly each cell by itself would say the word."),
    ),
    Method.OCCLUSION: (
        QT_TRANSLATE_NOOP("methods", "Occlusion"),
        QT_TRANSLATE_NOOP(
            "methods",
            "Parts of the photo are hidden, and the word's probability is measured again: what "
            "is bright was needed.",
        ),
    ),
}
_VERDICTS = {
    Verdict.MATTERED: QT_TRANSLATE_NOOP("verdicts", "It mattered: the word needs what is bright."),
    Verdict.PARTLY: QT_TRANSLATE_NOOP("verdicts", "Partly: the word needs some of what is bright."),
    Verdict.ANYWHERE: QT_TRANSLATE_NOOP(
        "verdicts", "It needs the picture, but what is bright no more than other places."
    ),
    Verdict.LANGUAGE: QT_TRANSLATE_NOOP(
        "verdicts", "This word came from language, not from the picture."
    ),
}


def method_label(method: Method) -> str:
    return translated("methods", str(_METHODS[method][0]))


def method_text(method: Method) -> str:
    """One sentence on what a method shows."""
    return translated("methods", str(_METHODS[method][1]))


def verdict_text(check: Check) -> str:
    """A sentence for everybody."""
    return translated("verdicts", str(_VERDICTS[check.verdict]))


def scale_text(method: Method) -> str:
    """What a cell's value is."""
    if method in (Method.HEADS, Method.MEAN, Method.NO_SINKS):
        text = QT_TRANSLATE_NOOP("methods", "share of a cell")
    elif method is Method.RELATIVE:
        text = QT_TRANSLATE_NOOP("methods", "times the neutral question's")
    elif method is Method.OCCLUSION:
        text = QT_TRANSLATE_NOOP("methods", "cost of hiding it")
    else:
        text = QT_TRANSLATE_NOOP("methods", "strength")
    return translated("methods", str(text))


def map_value(method: Method, value: float) -> str:
    """A cell's value in its unit.

    Occlusion's is in nats: the drops of the word's log-probability, added up over the hidden
    squares, large and small, that held the cell.
    """
    if method in (Method.HEADS, Method.MEAN, Method.NO_SINKS):
        return percent(value, 1)
    if method is Method.RELATIVE:
        return "\u00d7" + QLocale().toString(float(value), "f", 1)
    return QLocale().toString(float(value), "g", 2)


def percent(share: float, decimals: int = 0) -> str:
    """As the language writes it; a small share is not shown as nothing."""
    value = float(share) * 100
    if 0 < value < 10**-decimals:
        return "<" + QLocale().toString(10.0**-decimals, "f", decimals) + " %"
    return QLocale().toString(value, "f", decimals) + " %"
