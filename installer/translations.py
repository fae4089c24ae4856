"""Brings resources/translations up to date with the texts in the code.

    .venv/bin/python installer/translations.py

New texts appear in the .ts files as unfinished; translate them there, then run it again:
it makes the .qm files that the window loads.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, nodes

from mmgpt_desktop.honesty import honest_texts
from mmgpt_desktop.methods import method_texts
from mmgpt_desktop.verdicts import verdict_texts

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "mmgpt_desktop"
FOLDER = ROOT / "resources" / "translations"
LANGUAGES = ("zh_CN",)
# They speak English.
TERMINAL_ONLY = {"cli", "commands", "training"}
ERRORS = (
    "AppError",
    "ImageError",
    "SessionError",
    "BundleError",
    "DrawsOnly",
    "PromptError",
    "LanguageError",
    "RuntimeFailure",
    "CardFailure",
    "NoCard",
    "onnx_failures",
    "NotAvailable",
    "DownloadError",
    "ProfileError",
    "NotKept",
    "Refusal",  # of a picture
    "Note",
    "Mistake",  # in a file from outside: a part of an error
)


def error_texts() -> set[str]:
    """The titles and hints of all errors: they are translated when they are shown."""
    paths = [path for path in sorted(PACKAGE.rglob("*.py")) if not _terminal_only(path)]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
    return {text for tree in trees for text in _error_texts(tree)}


def _terminal_only(path: Path) -> bool:
    return path.relative_to(PACKAGE).with_suffix("").parts[0] in TERMINAL_ONLY


def _error_texts(tree: ast.Module) -> Iterator[str]:
    named = _named_texts(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in ERRORS:
            for argument in node.args[:2]:
                yield from _texts(argument, named)


def _texts(argument: ast.expr, named: dict[str, set[str]]) -> Iterator[str]:
    """Of a text, a name of texts, or a table of them."""
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield argument.value
    elif isinstance(argument, ast.Name):
        yield from named.get(argument.id, ())
    elif isinstance(argument, ast.Subscript) and isinstance(argument.value, ast.Name):
        yield from named.get(argument.value.id, ())


def _named_texts(tree: ast.Module) -> dict[str, set[str]]:
    """The texts that are assigned to each name, anywhere in a module."""
    named: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                for name, value in _pairs(target, node.value):
                    for text in value.values if isinstance(value, ast.Dict) else [value]:
                        if isinstance(text, ast.Constant) and isinstance(text.value, str):
                            named.setdefault(name, set()).add(text.value)
    return named


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for each, its in zip(target.elts, value.elts, strict=False):
            yield from _pairs(each, its)


PROGRESS = ("engine/bundle_engine.py", "export/export_folder.py", "hub/convert.py")


def progress_texts() -> set[str]:
    """What the engine says while it loads, and an export while it works."""
    trees = [ast.parse((PACKAGE / name).read_text(encoding="utf-8")) for name in PROGRESS]
    return {text for tree in trees for text in _progress_texts(tree)}


def _progress_texts(tree: ast.Module) -> Iterator[str]:
    named = _named_texts(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) == "progress":
            for argument in node.args[1:]:
                yield from _texts(argument, named)


def report_texts() -> set[str]:
    """What reports and cards say by themselves, and with the window."""
    paths = [path for folder in ("report", "event") for path in (PACKAGE / folder).glob("*.py")]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
    calls = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call))
    return (
        method_texts()
        | verdict_texts()
        | honest_texts()
        | template_texts()
        | {
            call.args[0].value
            for call in calls
            if _name(call.func) == "say"
            and isinstance(call.args[0], ast.Constant)
            and isinstance(call.args[0].value, str)
        }
    )


def template_texts() -> set[str]:
    """What the report's page says by itself."""
    tree = Environment().parse((ROOT / "resources" / "style" / "report.html").read_text("utf-8"))
    said = (node for node in tree.find_all(nodes.Call) if _template_name(node.node) == "say")
    return {
        call.args[0].value
        for call in said
        if isinstance(call.args[0], nodes.Const) and isinstance(call.args[0].value, str)
    }


def _template_name(function: nodes.Node) -> str:
    return function.name if isinstance(function, nodes.Name) else ""


def data_texts() -> dict[str, set[str]]:
    """Texts in the shipped data. A model's own sentences change with it and stay English."""
    samples = json.loads((ROOT / "resources" / "samples" / "samples.json").read_text("utf-8"))
    models = tomllib.loads((ROOT / "resources" / "models.toml").read_text("utf-8"))["model"]
    return {
        "samples": {sample["title"] for sample in samples},
        "catalogue": {model["summary"] for model in models},
    }


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def texts_by_context() -> dict[str, set[str]]:
    """What is not in the window's code, where lupdate finds the rest."""
    contexts = {
        "errors": error_texts(),
        "progress": progress_texts(),
        "sentences": report_texts(),
        **data_texts(),
    }
    return {context: {text for text in texts if text} for context, texts in contexts.items()}


def stand_in() -> str:
    """Code that lupdate reads like the window's."""
    lines = [
        f"QCoreApplication.translate({json.dumps(context)}, {json.dumps(text, ensure_ascii=False)})"
        for context, texts in texts_by_context().items()
        for text in sorted(texts)
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    tools = Path(sys.executable).parent
    sources = sorted(str(path) for path in (PACKAGE / "ui").rglob("*.py"))
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        extra = Path(folder) / "texts.py"
        extra.write_text(stand_in(), encoding="utf-8")
        for language in LANGUAGES:
            catalogue = FOLDER / f"mmgpt_{language}.ts"
            options = ["-no-obsolete", "-locations", "none", "-target-language", language]
            update: list[str | Path] = [
                tools / "pyside6-lupdate",
                *options,
                *sources,
                extra,
                "-ts",
                catalogue,
            ]
            subprocess.run(update, check=True)
            release: list[str | Path] = [
                tools / "pyside6-lrelease",
                catalogue,
                "-qm",
                catalogue.with_suffix(".qm"),
            ]
            subprocess.run(release, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
