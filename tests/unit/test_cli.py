"""The command line, in this process and in fresh ones."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np
import pytest
from PIL import Image

from mmgpt_desktop import __version__, cli
from mmgpt_desktop.commands import ask, doctor
from mmgpt_desktop.engine import bundle_engine, onnx_runtime
from mmgpt_desktop.engine.folder.bundle import Bundle
from mmgpt_desktop.engine.graphics_card import GraphicsCard
from mmgpt_desktop.engine.quicker import Weighed
from mmgpt_desktop.engine.runtime import Runtime
from mmgpt_desktop.errors import CardFailure, NoCard, RuntimeFailure
from mmgpt_desktop.event.pin import matches
from mmgpt_desktop.event.profile import Profile, read_profile
from mmgpt_desktop.messages import RuntimeName, TokenStep
from tests.tiny_bundle import (
    ANSWER,
    COLUMNS,
    FUSIONS,
    JOINED_ROWS,
    ROWS,
    make_tiny_bundle,
    read_manifest,
    write_manifest,
)

ROOT = Path(__file__).resolve().parents[2]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("cli") / "tiny")


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "a dog 🐶.png"
    values = np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8)
    Image.fromarray(values).save(path)
    return path


@pytest.fixture(autouse=True)
def no_graphics_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same on every computer."""
    monkeypatch.setattr(onnx_runtime, "cuda_obstacle", lambda: NoCard("Off."))


@pytest.fixture
def run(model: Path, capsys: Capture) -> Any:
    def call(*words: object, add_model: bool = True) -> tuple[int, str, str]:
        argv = [str(word) for word in words] + (["--model", str(model)] if add_model else [])
        code = cli.main(argv)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call


def in_process(*words: object, code: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *(["-c", code] if code else ["-m", "mmgpt_desktop"])]
    return subprocess.run(
        [*command, *map(str, words)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def test_ask_prints_the_answer(run: Any, photo: Path) -> None:
    assert run("ask", photo, "What is it?") == (0, ANSWER + "\n", "")


def test_ask_without_an_image(run: Any) -> None:
    assert run("ask", "--no-image", "What is it?") == (0, ANSWER + "\n", "")


def test_ask_streams_each_token(run: Any, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []

    def see(step: TokenStep) -> None:
        texts.append(step.text)

    monkeypatch.setattr(ask, "print_text", see)
    run("ask", photo, "What is it?")
    assert len(texts) > 3
    assert "".join(texts) == ANSWER


def test_ask_json_prints_one_object(run: Any, photo: Path) -> None:
    code, out, err = run("ask", photo, "What is it?", "--json")
    answered = json.loads(out)
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert set(answered) == {
        *("answer", "certainty", "tokens", "fusion"),
        *("runtime", "provider", "grid", "seconds"),
    }
    assert answered["answer"] == ANSWER == "".join(token["text"] for token in answered["tokens"])
    assert all(set(token) == {"text", "probability"} for token in answered["tokens"])
    assert (answered["runtime"], answered["provider"]) == ("onnx-cpu", "CPUExecutionProvider")
    assert (answered["fusion"], answered["grid"]) == ("graph", {"rows": ROWS, "columns": COLUMNS})
    assert 0 < answered["certainty"] < 1
    assert set(answered["seconds"]) == {"load", "first_token", "total"}


def test_the_fusion_can_be_chosen(run: Any, photo: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    concat = ("--fusion", "concat")
    code, out, err = run("ask", photo, "What is it?", "--json", "--heatmap", path, *concat)
    answered = json.loads(out)
    assert (code, err) == (0, "")
    assert (answered["answer"], answered["fusion"]) == (ANSWER, "concat")
    assert answered["grid"] == {"rows": JOINED_ROWS, "columns": JOINED_ROWS}
    assert path.is_file()
    (tmp_path / "in.jsonl").write_text('{"image": null, "question": "What?"}\n')
    code, out, _ = run("ask", "--batch", tmp_path / "in.jsonl", *concat)
    assert (code, json.loads(out)["fusion"]) == (0, "concat")


def test_an_unknown_fusion_is_one_line(run: Any, photo: Path) -> None:
    for words in (("ask", photo, "What is it?"), ("bench", "--rounds", 1)):
        said = failure(run(*words, "--fusion", "late"))
        assert said == (
            "This model has no fusion called late. "
            "Choose one of these: graph, cross_attention, concat."
        )


def test_a_doubtful_answer_says_so(run: Any, photo: Path, tmp_path: Path) -> None:
    doubtful = make_tiny_bundle(tmp_path / "doubtful")
    about = read_manifest(doubtful)
    about["certainty"] = {"temperature": 2.0, "doubt": 0.9, "doubt_long": 0.9}
    write_manifest(doubtful, about)
    code, out, err = run("ask", photo, "What is it?", "--model", doubtful, add_model=False)
    assert (code, out) == (0, ANSWER + "\n")
    assert re.fullmatch(r"The model is not sure of this answer \(\d+%\)\.\n", err)


@pytest.fixture
def knows_pictures(tmp_path: Path) -> tuple[str, Path]:
    """The option for a model that has no answer to what no picture tells."""
    bundle = make_tiny_bundle(tmp_path / "pictures")
    about = read_manifest(bundle)
    del about["beyond"]
    write_manifest(bundle, about)
    return "--model", bundle


READ = "What does the sign say?"


def test_what_the_app_says_itself_is_no_answer(
    run: Any, photo: Path, knows_pictures: tuple[str, Path]
) -> None:
    code, out, err = run("ask", photo, READ, *knows_pictures, add_model=False)
    assert (code, out) == (0, "")
    said, why = err.splitlines()
    assert said.startswith("This model can't read")
    assert why == "The app says this by itself; the model was not asked."
    code, out, err = run("ask", photo, READ, "--json", *knows_pictures, add_model=False)
    answered = json.loads(out)
    assert (code, err, answered["reply"]) == (0, "", said)
    assert (answered["answer"], answered["tokens"], answered["certainty"]) == ("", [], None)


def test_who_insists_gets_a_guess(
    run: Any, photo: Path, tmp_path: Path, knows_pictures: tuple[str, Path]
) -> None:
    code, out, err = run("ask", photo, READ, "--anyway", *knows_pictures, add_model=False)
    assert (code, out, err) == (0, ANSWER + "\n", "A guess: the model can't tell this.\n")
    lines = tmp_path / "in.jsonl"
    lines.write_text(json.dumps({"image": str(photo), "question": READ}) + "\n")
    for options, answer in (((), ""), (("--anyway",), ANSWER)):
        _, out, _ = run("ask", "--batch", lines, *options, *knows_pictures, add_model=False)
        answered = json.loads(out)
        assert (answered["answer"], "reply" in answered) == (answer, not answer)
        assert answered.get("hedge") == ("guess" if answer else None)


def test_of_what_the_app_says_itself_there_is_no_report(
    run: Any, photo: Path, tmp_path: Path, knows_pictures: tuple[str, Path]
) -> None:
    words = ("explain", photo, READ, "--out", tmp_path / "out", "--json", *knows_pictures)
    code, out, err = run(*words, add_model=False)
    assert (code, out) == (2, "")
    assert "The model was not asked, so there is nothing to save." in err
    assert run(*words, "--anyway", "--html", add_model=False)[0] == 0
    data = json.loads((tmp_path / "out" / "data.json").read_text(encoding="utf-8"))
    assert (data["answer"], data["hedge"], data["certainty"]) == (ANSWER, "guess", None)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "A guess: the model can&#39;t tell this." in page


def test_a_fallback_is_noted(run: Any, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = bundle_engine.make_runtime

    def make(name: RuntimeName, bundle: Bundle, **_: Any) -> Runtime:
        if name is RuntimeName.TORCH:
            return real(RuntimeName.ONNX_CPU, bundle)
        raise RuntimeFailure("ONNX Runtime is out of order.")

    monkeypatch.setattr(bundle_engine, "make_runtime", make)
    _, out, _ = run("ask", photo, "What is it?", "--json")
    assert json.loads(out)["note"] == "PyTorch took over: ONNX Runtime is out of order."
    code, out, err = run("ask", photo, "What is it?")
    assert (code, out) == (0, ANSWER + "\n")
    assert err == "PyTorch took over: ONNX Runtime is out of order.\n"


def test_a_fallback_after_the_answer_is_noted(
    run: Any, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, broken = bundle_engine.make_runtime, CardFailure("The card crashed.")

    def score(*_: Any) -> NoReturn:
        raise broken

    def make(name: RuntimeName, bundle: Bundle, **_: Any) -> Runtime:
        runtime = real(RuntimeName.ONNX_CPU, bundle)
        if name is RuntimeName.ONNX_CUDA:
            monkeypatch.setattr(runtime, "score", score)
        return runtime

    monkeypatch.setattr(bundle_engine, "make_runtime", make)
    monkeypatch.setattr(bundle_engine, "weigh", lambda *_: Weighed(card=1, processor=2))
    code, out, err = run("explain", photo, "What is it?", "--out", tmp_path, "--json")
    assert (code, out) == (0, ANSWER + "\n")
    assert err.startswith("ONNX Runtime took over: The card crashed.\nWritten to ")


def test_ask_writes_the_heatmap_over_the_photo(run: Any, photo: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    assert run("ask", photo, "What is it?", "--heatmap", path)[0] == 0
    with Image.open(path) as picture:
        assert picture.width == 64
        assert picture.height > 48
        assert len(picture.convert("RGB").getcolors(1 << 16) or ()) > 100


def test_explain_writes_all_kinds_of_files(run: Any, photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "out"
    code, out, err = run("explain", photo, "What is it?", "--out", folder)
    assert (code, out) == (0, ANSWER + "\n")
    assert err == f"Written to {folder}.\n" or "…" in err
    words = len(ANSWER.split())
    assert {path.name for path in folder.iterdir()} == {
        *("answer.png", "film.gif", "report.html", "data.json", "data.npz"),
        *(f"word-{number:02}.png" for number in range(1, words + 1)),
    }
    data = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    assert (data["answer"], data["fusion"], data["photo"]["name"]) == (ANSWER, "graph", photo.name)
    assert [each["method"] for each in data["maps"]] == ["heads"]
    assert len(data["checks"]) == words
    assert all(0 <= each["hidden"] <= 1 for each in data["checks"])
    assert "words were tested" in (folder / "report.html").read_text(encoding="utf-8")


def test_explain_writes_what_was_asked_for(run: Any, photo: Path, tmp_path: Path) -> None:
    methods = ("--method", "mean", "--method", "no-sinks", "--no-check")
    kinds = ("--json", "--fusion", "concat", "--out", tmp_path / "out")
    assert run("explain", photo, "What is it?", *kinds, *methods)[0] == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"data.json", "data.npz"}
    data = json.loads((tmp_path / "out" / "data.json").read_text(encoding="utf-8"))
    assert [each["array"] for each in data["maps"]] == ["maps_mean", "maps_no_sinks"]
    with np.load(tmp_path / "out" / "data.npz", allow_pickle=False) as arrays:
        assert arrays["maps_mean"].shape == (len(data["tokens"]), JOINED_ROWS, JOINED_ROWS)
    assert data["checks"] == []


def test_explain_measures_what_the_answer_did_not_bring(
    run: Any, photo: Path, tmp_path: Path
) -> None:
    methods = ("--method", "occlusion", "--method", "relative", "--json", "--no-check")
    assert run("explain", photo, "What is it?", "--out", tmp_path, *methods)[0] == 0
    data = json.loads((tmp_path / "data.json").read_text(encoding="utf-8"))
    assert [each["method"] for each in data["maps"]] == ["occlusion", "relative"]
    with np.load(tmp_path / "data.npz", allow_pickle=False) as arrays:
        for name in ("maps_occlusion", "maps_relative"):
            assert arrays[name].shape == (len(data["tokens"]), ROWS, COLUMNS)
            assert np.isfinite(arrays[name]).all()


def test_explain_says_before_the_answer_that_a_method_cant_be_had(
    run: Any, photo: Path, tmp_path: Path
) -> None:
    words = ("explain", photo, "What is it?", "--out", tmp_path / "out", "--method", "tam")
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert "The method tam can't be had with this model and the fusion graph." in err


def test_explain_says_before_the_answer_that_its_folder_cant_be_made(
    run: Any, photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    said = failure(run("explain", photo, "What is it?", "--out", tmp_path / "file" / "out"))
    assert "can't be made" in said


def test_the_photos_notes_go_to_stderr(run: Any, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    code, out, err = run("ask", tmp_path / "a.gif", "What is it?")
    assert (code, out, err) == (0, ANSWER + "\n", "Only the first of its 2 frames is used.\n")


def test_sampling_options_reach_the_engine(run: Any, photo: Path) -> None:
    def answer(*options: object) -> str:
        return str(run("ask", photo, "What is it?", *options)[1])

    warm = ("--temperature", 3, "--max-tokens", 9, "--seed")
    assert answer("--max-tokens", 2) == "A small\n"
    assert answer(*warm, 1) == answer(*warm, 1)
    assert answer(*warm, 1) != answer(*warm, 2)
    assert (
        answer(*warm, 2, "--top-k", 1)
        == answer(*warm, 2, "--top-p", 0)
        == answer("--max-tokens", 9)
    )


def failure(result: tuple[int, str, str]) -> str:
    code, out, err = result
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    return err.strip()


def test_bad_pictures_are_one_line_and_code_2(run: Any, tmp_path: Path) -> None:
    files = {"empty.jpg": b"", "text.jpg": b"hello", "cut\nhere 🐶.png": b"\x89PNG\r\n\x1a\n"}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        assert failure(run("ask", tmp_path / name, "What is it?"))
    assert "is a folder" in failure(run("ask", tmp_path, "What is it?"))
    assert "There is no file" in failure(run("ask", tmp_path / "gone.jpg", "What is it?"))


@pytest.mark.parametrize(
    ("question", "said"),
    [("", "empty"), (" \n", "empty"), ("\x07", "empty"), ("dog " * 25_000, "too long")],
)
def test_bad_questions_are_one_line_and_code_2(
    run: Any, photo: Path, question: str, said: str
) -> None:
    assert said in failure(run("ask", photo, question))


def test_bad_models_are_one_line_and_code_2(run: Any, photo: Path, tmp_path: Path) -> None:
    result = run("ask", photo, "What is it?", "--model", tmp_path / "gone", add_model=False)
    assert "There is no model folder" in failure(result)


def test_bad_heatmap_paths_are_said_before_the_answer(
    run: Any, photo: Path, tmp_path: Path
) -> None:
    for path in (tmp_path / "a.txt", tmp_path / "gone" / "a.png"):
        assert "heatmap" in failure(run("ask", photo, "What?", "--heatmap", path))
    assert "without a photo" in failure(
        run("ask", "--no-image", "What?", "--heatmap", tmp_path / "a.png")
    )


def test_a_heatmap_that_cant_be_written_loses_no_answer(
    run: Any, photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken.png").mkdir()
    code, out, err = run("ask", photo, "What?", "--heatmap", tmp_path / "taken.png")
    assert (code, out) == (2, ANSWER + "\n")
    assert "can't be written" in err


def test_a_full_disk_leaves_the_heatmap_that_was_there(
    run: Any, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "map.png"
    old.write_bytes(b"precious")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, out, err = run("ask", photo, "What?", "--heatmap", old)
    assert (code, out) == (2, ANSWER + "\n")
    assert "No space left on device" in err
    assert old.read_bytes() == b"precious"
    assert {each.name for each in tmp_path.iterdir()} >= {"map.png"}
    assert not list(tmp_path.glob(".mmgpt-*"))


@pytest.mark.parametrize("words", [[], ["photo.jpg"], ["--no-image", "a", "b"], ["--no-image"]])
def test_missing_words_are_explained(run: Any, words: Sequence[str]) -> None:
    assert "Give a photo and a question" in failure(run("ask", *words))


@pytest.mark.parametrize(
    "options",
    [
        ["--temperature", "-1"],
        ["--temperature", "nan"],
        ["--top-p", "2"],
        ["--max-tokens", "0"],
        ["--seed", "-1"],
        ["--runtime", "tpu"],
    ],
)
def test_bad_options_end_with_code_2(run: Any, options: Sequence[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        run("ask", "a.png", "What?", *options)
    assert caught.value.code == 2
    assert options[0] in capsys.readouterr().err


def test_a_forced_runtime_that_is_not_there_is_an_error(run: Any, photo: Path) -> None:
    said = failure(run("ask", photo, "What?", "--runtime", "onnx-cuda"))
    assert said == "Off."


def test_batch_keeps_keys_and_goes_on_after_bad_lines(
    run: Any, photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "b.png").write_bytes(photo.read_bytes())
    lines = [
        {"image": "photos/b.png", "question": "What?", "id": 7, "answer": "the reference"},
        {"image": str(photo), "question": "What?"},
        {"image": None, "question": "What?"},
        {"image": "gone.png", "question": "What?", "id": 8},
        {"image": "photos/b.png", "question": ""},
        {"image": "photos/b.png"},
        {"question": "What?"},
        {"image": 3, "question": "What?"},
        [1],
    ]
    text = "\n".join(json.dumps(line) for line in lines)
    path = tmp_path / "in.jsonl"
    path.write_bytes(text.encode() + b"\n\nnot json\n\xff\xfe\n" + b"[" * 100_000)
    code, out, err = run("ask", "--batch", path)
    answered = [json.loads(line) for line in out.splitlines()]
    assert (code, err, len(answered)) == (0, "", 12)
    assert [answer.get("answer") for answer in answered[:3]] == [ANSWER] * 3
    assert (answered[0]["id"], answered[0]["image"]) == (7, "photos/b.png")
    assert answered[0]["runtime"] == "onnx-cpu"
    assert all("error" in answer and "tokens" not in answer for answer in answered[3:])
    assert answered[3]["id"] == 8
    assert "There is no file gone.png" in answered[3]["error"]
    assert answered[9] == {"line": 11, "error": "This line is not JSON."}


def test_a_question_that_the_model_cant_read_is_said_in_its_language(
    run: Any, photo: Path, tmp_path: Path
) -> None:
    english = make_tiny_bundle(tmp_path / "english")
    write_manifest(english, {**read_manifest(english), "languages": ["en"]})
    chinese = "这是什么动物？"  # noqa: RUF001
    code, out, err = run("ask", photo, chinese, "--model", english, add_model=False)
    assert (code, out) == (2, "")
    assert "只看得懂英语" in err
    path = tmp_path / "in.jsonl"
    lines = [{"image": str(photo), "question": text} for text in (chinese, "What?", "Что это?")]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    code, out, _ = run("ask", "--batch", path, "--model", english, add_model=False)
    first, second, third = map(json.loads, out.splitlines())
    assert code == 0
    assert "只看得懂英语" in first["error"]
    assert "answer" not in first
    assert second["answer"] == ANSWER
    assert "английский" in third["error"]


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16"])
def test_batch_reads_what_a_windows_shell_wrote(
    run: Any, tmp_path: Path, photo: Path, code: str
) -> None:
    lines = [{"image": str(photo), "question": f"What is it, {number}?"} for number in range(2)]
    path = tmp_path / "in.jsonl"
    text = "".join(json.dumps(line, ensure_ascii=False) + "\r\n" for line in lines)
    path.write_bytes(text.encode(code))
    ended, out, _ = run("ask", "--batch", path)
    answered = [json.loads(line) for line in out.splitlines()]
    assert ended == 0
    assert [each["question"] for each in answered] == [each["question"] for each in lines]
    assert all("answer" in each for each in answered)


def test_the_terminal_shows_what_it_would_obey(capsys: Capture) -> None:
    """A model's words may hold the sequences that move the cursor or set the clipboard."""
    ask.print_text(TokenStep(1, 0, 0, "a \x1b]52;c;aGk=\x07red\r\x1b[2J ball\n", 0.9))
    shown = capsys.readouterr().out
    assert shown == "a \ufffd]52;c;aGk=\ufffdred\ufffd\ufffd[2J ball\n"


def test_batch_of_a_missing_file_or_with_a_photo(run: Any, tmp_path: Path, photo: Path) -> None:
    assert "can't be read" in failure(run("ask", "--batch", tmp_path / "gone.jsonl"))
    assert "can't be read" in failure(run("ask", "--batch", tmp_path))
    assert "--batch takes" in failure(run("ask", photo, "--batch", tmp_path / "in.jsonl"))


def test_doctor_says_what_is_in_use(run: Any, model: Path) -> None:
    code, out, _ = run("doctor")
    assert code == 0
    assert "all checksums match" in out
    assert "Fusions: graph, cross_attention, concat; graph by default." in out
    assert "(onnx-cpu), using CPUExecutionProvider" in out
    assert "tokenizers" in out
    assert "Questions can be answered." in out


def test_doctor_says_why_the_card_is_not_used_and_what_to_do(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    failure = CardFailure("The driver is too old.", "Install a newer one.")
    monkeypatch.setattr(onnx_runtime, "cuda_obstacle", lambda: failure)
    card = GraphicsCard("GeForce RTX 3070", (8, 6), 8_000_000_000, 5_000_000_000, 12040)
    monkeypatch.setattr(doctor, "find_card", lambda: card)
    code, out, _ = run("doctor")
    assert code == 0
    assert (
        "Runtime: ONNX Runtime (onnx-cpu), using CPUExecutionProvider, float32.\n"
        "  The driver is too old. Install a newer one.\n"
        "Graphics card: GeForce RTX 3070, 8.0 GB, 5.0 GB free.\n"
        "  Compute capability 8.6; its driver knows CUDA 12.4.\n"
    ) in out
    monkeypatch.setattr(onnx_runtime, "cuda_obstacle", lambda: NoCard("No card.", "Use another."))
    monkeypatch.setattr(doctor, "find_card", lambda: None)
    _, out, _ = run("doctor")
    assert "  No card.\nLibraries: " in out, "there is nothing to be done"


def test_doctor_says_what_is_missing(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "LIBRARIES", ("onnxruntime-gpu", "onnxruntime", "no-such-library"))
    monkeypatch.setattr(doctor, "SYSTEM_LIBRARIES", {"libnothing.so.9": "libnothing9"})
    monkeypatch.setattr(sys, "platform", "linux")
    code, out, _ = run("doctor", "--model", tmp_path / "gone", add_model=False)
    assert code == 1
    assert "There is no model folder" in out
    assert "Missing: no-such-library, libnothing9." in out
    assert "No question can be answered." in out


def test_bench_prints_a_table(run: Any) -> None:
    few = ("--tokens", 8, "--rounds", 1)
    code, out, _ = run("bench", "--runtime", "onnx-cpu", *few)
    assert code == 0
    for fusion in FUSIONS:
        assert f"onnx-cpu, {fusion}, attention" in out
        assert f"onnx-cpu, {fusion}, no attention" in out
    assert "tokens/s" in out
    _, out, _ = run("bench", "--runtime", "onnx-cpu", "--fusion", "concat", *few)
    assert "concat" in out
    assert "graph," not in out


def test_bench_prints_what_explaining_costs(run: Any) -> None:
    few = ("--tokens", 2, "--rounds", 1, "--explain")
    code, out, _ = run("bench", "--runtime", "onnx-cpu", *few)
    assert code == 0
    for fusion in FUSIONS:
        assert re.search(rf"onnx-cpu, {fusion} +\d+\.\d\d +\d+\.\d\d +\d+\.\d\d\n", out)
    said = failure(run("bench", "--fusion", "late", *few))
    assert said.startswith("This model has no fusion called late.")


def test_version_and_help(capsys: Capture) -> None:
    for words, said in (
        (["--version"], __version__),
        (["--help"], "doctor"),
        (["ask", "-h"], "--batch"),
    ):
        with pytest.raises(SystemExit) as caught:
            cli.main(words)
        assert caught.value.code == 0
        assert said in capsys.readouterr().out


def test_the_unexpected_is_one_sentence(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise ZeroDivisionError("float division\nby zero")

    monkeypatch.setattr(ask, "run", broken)
    assert failure(run("ask")) == "Something unexpected happened (float division)."


def test_a_full_disk_is_one_sentence(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ask, "run", full)
    assert failure(run("ask")) == "The system refused a file (No space left on device)."


def test_closed_streams_are_no_failure(
    model: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert cli.main(["ask", str(photo), "What?", "--model", str(model)]) == 0


def test_ctrl_c_ends_quietly(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(ask, "run", interrupted)
    assert run("ask") == (130, "", "")


LISTED = """
import sys
from mmgpt_desktop.__main__ import main
code = main()
print(*sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize("ships", [True, False])
def test_ask_imports_neither_torch_nor_qt(
    model: Path, photo: Path, tmp_path: Path, ships: bool
) -> None:
    options = ("--heatmap", tmp_path / "a.png", *(() if ships else ("--model", model)))
    done = in_process("ask", photo, "What?", *options, code=LISTED)
    assert done.returncode == 0
    assert ships or done.stdout == ANSWER + "\n"
    loaded = set(done.stderr.split())
    assert "onnxruntime" in loaded
    # A stranger's graphs are looked at before they are run.
    unwanted = {"torch", "transformers", "PySide6", *(["onnx"] if ships else [])}
    assert unwanted.isdisjoint(loaded)


def test_help_imports_next_to_nothing() -> None:
    code = "import sys, mmgpt_desktop.cli; print(*sys.modules)"
    loaded = set(in_process(code=code).stdout.split())
    assert {"torch", "onnxruntime", "PySide6", "tokenizers", "PIL"}.isdisjoint(loaded)


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_a_reader_that_leaves_gets_no_traceback(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"image": null, "question": "What?"}\n' * 2000)
    with subprocess.Popen(
        [sys.executable, "-m", "mmgpt_desktop", "ask", "--batch", path, "--model", model],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 1


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_an_interrupted_batch_gets_no_traceback(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"image": null, "question": "What?"}\n' * 100_000)
    with subprocess.Popen(
        [sys.executable, "-m", "mmgpt_desktop", "ask", "--batch", path, "--model", model],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (130, b"")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
def test_without_a_display_the_window_says_so(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    code, _, err = run()
    assert code == 2
    assert "no display" in err


def test_a_command_after_options_is_no_photo(run: Any, photo: Path) -> None:
    code, _, err = run("--runtime", "torch", "ask", photo, "what?")
    assert code == 2
    assert "mmgpt-desktop ask" in err


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "stand.toml"
    path.write_text("[numbers]\nfile = 'numbers.csv'\n", encoding="utf-8")
    return path


@pytest.fixture
def supervised(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would be supervised; each crashes once."""
    commands: list[list[str]] = []

    def supervise(command: list[str], *, crashed: Callable[[str], None]) -> int:
        commands.append(command)
        crashed("hang")
        return 0

    monkeypatch.setattr(cli, "supervise", supervise)
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    return commands


def test_an_event_runs_under_its_supervisor(
    run: Any, profile: Path, supervised: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    started = ["python3", "-X", "utf8", "-m", "mmgpt_desktop", "--event", "stand.toml"]
    monkeypatch.setattr(sys, "orig_argv", started)
    for _ in range(2):
        assert run("--event", profile) == (0, "", "")
    assert supervised == [[sys.executable, *started[1:]]] * 2
    counted = (profile.parent / "numbers.csv").read_text().splitlines()[1]
    assert counted.endswith(",2,hang 2")


def test_a_frozen_event_runs_itself_again(
    run: Any, profile: Path, supervised: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "argv", ["mmgpt-desktop", "--event", "stand.toml"])
    assert run("--event", profile)[0] == 0
    assert supervised == [[sys.executable, "--event", "stand.toml"]]


def test_the_supervised_process_is_the_show(
    run: Any, model: Path, profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mmgpt_desktop.ui.event import event_app as app

    shown: list[tuple[Profile, int | None, RuntimeName | None, bool]] = []

    def show(
        profile: Profile, heartbeat: int | None, runtime: RuntimeName | None, *, again: bool
    ) -> int:
        shown.append((profile, heartbeat, runtime, again))
        return 7

    monkeypatch.setattr(app, "run", show)
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    words = ("--event", profile, "--runtime", "torch", "--event-child", 5)
    assert run(*words) == (7, "", "")
    assert run(*words, "--event-again", add_model=False)[0] == 7
    (given, heartbeat, runtime, again), (plain, *_, later) = shown
    assert (given.path, heartbeat, runtime) == (profile, 5, RuntimeName.TORCH)
    assert (again, later) == (False, True)
    assert (given.model.folder, plain.model.folder) == (model, None)


def test_what_keeps_an_event_from_starting_is_one_line(
    run: Any, profile: Path, photo: Path, supervised: list[list[str]]
) -> None:
    assert "There is no file" in failure(run("--event", profile.parent / "gone.toml"))
    assert "stand in its profile" in failure(run("--event", profile, "--", photo))
    profile.write_text("tilte = 'a'", encoding="utf-8")
    assert "stand.toml, line 1: nothing is called tilte" in failure(run("--event", profile))
    assert supervised == []


def test_event_pin_prints_a_line_for_the_profile(
    run: Any, profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("2468\n"))
    code, out, err = run("event-pin")
    assert (code, err) == (0, "")
    profile.write_text(f"[lock]\n{out}", encoding="utf-8")
    line = read_profile(profile).lock.pin
    assert line is not None
    assert matches("2468", line)


@pytest.mark.parametrize("typed", ["", "123", "12 34", "abcd", "１２３４", "1" * 13])  # noqa: RUF001
def test_event_pin_wants_digits(run: Any, typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert failure(run("event-pin")) == "A PIN has 4 to 12 digits."


def test_event_pin_asks_twice_and_shows_nothing(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = ["2468", "2468", "2468", "2469"]
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("getpass.getpass", lambda _prompt: typed.pop(0))
    code, out, _ = run("event-pin")
    assert code == 0
    assert "2468" not in out
    assert failure(run("event-pin")) == "The two were not the same. Try again."


class Panic(BaseException):
    """As a library written in Rust raises it: no Exception."""


def test_a_panic_of_a_library_is_one_sentence(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def panic(*_: object) -> int:
        raise Panic("index out of bounds")

    monkeypatch.setattr(ask, "run", panic)
    assert failure(run("ask")) == "Something unexpected happened (index out of bounds)."
