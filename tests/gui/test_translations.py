from __future__ import annotations

import ast
import importlib.util
import io
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QTranslator
from PySide6.QtWidgets import QApplication

from mmgpt_desktop.engine.head_choice import HeadReport
from mmgpt_desktop.errors import ImageError
from mmgpt_desktop.note import Note, plain
from mmgpt_desktop.resources import resource_path
from mmgpt_desktop.ui.widgets.texts import (
    LANGUAGES,
    error_hint,
    error_title,
    install_language,
    note_text,
    percent,
    remove_language,
)

ROOT = Path(__file__).resolve().parents[2]
CATALOGUES = [name for name in LANGUAGES if name != "en"]
EACH = pytest.mark.parametrize("language", CATALOGUES)


def catalogue(language: str) -> dict[tuple[str, str], str]:
    tree = ElementTree.parse(resource_path("translations", f"mmgpt_{language}.ts"))
    return {
        (context.findtext("name", ""), message.findtext("source", "")): (
            message.findtext("translation", "")
        )
        for context in tree.getroot().iter("context")
        for message in context.iter("message")
    }


def unfinished(tree: ElementTree.ElementTree[ElementTree.Element]) -> list[str]:
    """What the updater left for a person: nothing yet, a guess, or a text that is gone."""
    return [
        message.findtext("source", "")
        for message in tree.getroot().iter("message")
        for translation in message.iter("translation")
        if translation.get("type") is not None
    ]


def window_texts() -> Iterator[tuple[str, str]]:
    """(context, text) of each `tr` in the window's code."""
    for path in sorted((ROOT / "mmgpt_desktop" / "ui").rglob("*.py")):
        for owner in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(owner, ast.ClassDef):
                for node in ast.walk(owner):
                    if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "tr":
                        text = ast.literal_eval(node.args[0])
                        assert isinstance(text, str), ast.unparse(node)
                        yield owner.name, text


def noop_texts() -> Iterator[tuple[str, str]]:
    """(context, text) of each mark for the updater in the window's code."""
    for path in sorted((ROOT / "mmgpt_desktop" / "ui").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "QT_TRANSLATE_NOOP":
                context, text = (ast.literal_eval(argument) for argument in node.args)
                yield context, text


def updater() -> ModuleType:
    path = ROOT / "installer" / "translations.py"
    spec = importlib.util.spec_from_file_location("translations_updater", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def chinese(qapp: QApplication) -> Iterator[None]:
    install_language(qapp, "zh_CN")
    yield
    remove_language(qapp)
    install_language(qapp, "en")


@EACH
def test_every_text_of_the_window_is_translated(language: str) -> None:
    known = catalogue(language)
    missing = [text for text in window_texts() if not known.get(text)]
    assert missing == []


@EACH
def test_every_error_and_note_is_translated(language: str) -> None:
    known = catalogue(language)
    wanted = [
        (context, text) for context, texts in updater().texts_by_context().items() for text in texts
    ]
    assert len(wanted) > 40
    assert [text for text in wanted if not known.get(text)] == []


@EACH
def test_no_translation_is_a_guess_or_stale(language: str) -> None:
    path = resource_path("translations", f"mmgpt_{language}.ts")
    assert unfinished(ElementTree.parse(path)) == []
    wanted = {*window_texts(), *noop_texts()}
    for context, texts in updater().texts_by_context().items():
        wanted |= {(context, text) for text in texts}
    assert set(catalogue(language)) == wanted


@pytest.mark.parametrize("kind", ["unfinished", "vanished", "obsolete"])
def test_a_guess_and_a_stale_text_are_found(kind: str) -> None:
    message = f'<message><source>A</source><translation type="{kind}">B</translation></message>'
    tree = ElementTree.parse(io.StringIO(f"<TS><context>{message}</context></TS>"))
    assert unfinished(tree) == ["A"]


@EACH
def test_translations_keep_the_places_to_fill(language: str) -> None:
    def places(text: str) -> list[str]:
        return sorted(re.findall(r"\{\w*\}", text))

    wrong = [
        source
        for (_, source), translation in catalogue(language).items()
        if places(source) != places(translation)
    ]
    assert wrong == []


@EACH
def test_the_compiled_catalogue_is_as_new_as_the_source(language: str) -> None:
    translator = QTranslator()
    assert translator.load(str(resource_path("translations", f"mmgpt_{language}.qm")))
    for (context, source), translation in catalogue(language).items():
        assert translator.translate(context, source) == translation


def test_errors_are_translated_before_they_are_filled(chinese: None) -> None:
    error = ImageError("There is no file {name}.", "Choose a file.", name="{weird} 猫.png")
    assert error_title(error) == "没有文件 {weird} 猫.png。"
    assert error_hint(error) == "请选择一个文件。"
    assert error.title == "There is no file {weird} 猫.png."


def test_notes_of_the_engine_are_translated(chinese: None) -> None:
    frames = Note("Only the first of its {count} frames is used.", {"count": 12})
    assert note_text(frames) == "共 12 帧，只使用第一帧。"  # noqa: RUF001
    missing = ImageError("There is no file {name}.", name="a").note
    other = Note("{what} took over: {reason}", {"what": "PyTorch", "reason": missing})
    assert note_text(other) == "已改用 PyTorch：没有文件 a。"  # noqa: RUF001
    assert note_text(plain("Something {new}.")) == "Something {new}."


def test_removing_a_language_goes_back_to_english(qapp: QApplication) -> None:
    install_language(qapp, "zh_CN")
    remove_language(qapp)
    install_language(qapp, "en")
    assert QCoreApplication.translate("ImagePane", "Picture") == "Picture"


def test_small_shares_are_not_shown_as_nothing(qapp: QApplication) -> None:
    assert [percent(0), percent(0.001), percent(0.834, 1), percent(1)] == [
        "0 %",
        "<1 %",
        "83.4 %",
        "100 %",
    ]


def test_how_heads_were_chosen_is_translated(chinese: None) -> None:
    shares = np.array([[0.5, 0.01]], np.float32)
    some, none = (HeadReport(shares, chance, 36).choice().how for chance in (0.1, 0.9))
    assert note_text(some) != str(some)
    assert "36" in note_text(some)
    assert "50 %" in note_text(some)
    assert note_text(none) != str(none)
