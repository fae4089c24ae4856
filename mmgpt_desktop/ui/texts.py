"""The window's language, and errors in it."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.resources import resource_path

LANGUAGES = {"en": "English", "zh_CN": "简体中文"}


def install_language(application: QCoreApplication, language: str) -> None:
    """Translate into `language`, or the system's when empty; English needs no file."""
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


def percent(share: float, decimals: int = 0) -> str:
    """As the language writes it; a small share is not shown as nothing."""
    value = share * 100
    if 0 < value < 10**-decimals:
        return "<" + QLocale().toString(10.0**-decimals, "f", decimals) + " %"
    return QLocale().toString(value, "f", decimals) + " %"
