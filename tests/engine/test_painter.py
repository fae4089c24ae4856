"""What every painter does, whatever runs its model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmgpt_desktop.attention.word_maps import (
    prompt_words,
    token_texts,
    word_maps,
    word_shares,
    words_at,
)
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.folder.bundle import open_bundle
from mmgpt_desktop.engine.painting.known_words import ENOUGH, KnownWords
from mmgpt_desktop.engine.painting.paint_engine import PaintEngine
from mmgpt_desktop.engine.painting.painter_folder import open_painter
from mmgpt_desktop.errors import AppError, BundleError, RuntimeFailure
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.painted import PaintOutcome, PaintRequest, PaintSettings, PaintStep
from mmgpt_desktop.resources import mini_path
from tests.not_none import not_none
from tests.tiny_painter import (
    SIDE,
    SIZE,
    FakePainter,
    fake_maker,
    manifest_of,
    write_painter,
)

ONNX, TORCH = RuntimeName.ONNX_CPU, RuntimeName.TORCH


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_painter(tmp_path_factory.mktemp("painters") / "tiny")


def painter(folder: Path, *runtimes: FakePainter) -> PaintEngine:
    found = PaintEngine(folder, make=fake_maker(*(runtimes or (FakePainter(ONNX),))))
    found.load()
    return found


def paint(
    painter: PaintEngine, request: PaintRequest, cancel: CancelToken | None = None
) -> tuple[list[PaintStep], PaintOutcome]:
    steps: list[PaintStep] = []
    return steps, painter.paint(request, cancel or CancelToken(), steps.append)


def test_a_picture_grows_cell_by_cell_and_comes_with_its_words(folder: Path) -> None:
    steps, outcome = paint(painter(folder), PaintRequest(7, "A red rose", seed=3))
    assert [(each.done, each.strokes) for each in steps] == [(n, 4) for n in range(1, 5)]
    shown = [each.pixels for each in steps]
    assert shown[0] is None
    half = not_none(shown[1])
    assert half.shape == (1, SIZE, SIZE, 3)
    assert bool((half[0, SIZE // 2 :] == 128).all()), "not drawn yet"
    assert (outcome.kind, outcome.job_id, outcome.error) == ("done", 7, None)
    (painting,) = outcome.paintings
    assert np.array_equal(painting.pixels, not_none(shown[3])[0])
    drawing = painting.drawing
    assert (drawing.prompt, drawing.seed) == ("A red rose", 3)
    assert [word.text for word in drawing.words] == ["A", "red", "rose"]
    assert drawing.maps.shape == (3, SIDE, SIDE)
    assert not drawing.maps.flags.writeable
    assert not painting.pixels.flags.writeable


def test_the_same_seed_draws_the_same_and_each_picture_has_the_next(folder: Path) -> None:
    one = painter(folder)
    three = paint(one, PaintRequest(1, "a dog", seed=5, pictures=3))[1].paintings
    assert [each.drawing.seed for each in three] == [5, 6, 7]
    for known in three:
        (again,) = paint(one, PaintRequest(2, "a dog", seed=known.drawing.seed))[1].paintings
        assert np.array_equal(again.pixels, known.pixels)
    assert len({each.pixels.tobytes() for each in three}) > 1


def test_settings_are_the_painters_unless_the_request_has_some(folder: Path) -> None:
    runtime = FakePainter(ONNX)
    one = painter(folder, runtime)
    paint(one, PaintRequest(1, "a dog"))
    assert runtime.asked[-1][1] == PaintSettings(1.0, 0.02, 3.0)
    mine = PaintSettings(temperature=0.0, guidance=5.0)
    _, outcome = paint(one, PaintRequest(1, "a dog", settings=mine))
    assert runtime.asked[-1][1] == mine
    assert not runtime.asked[-1][0].any(), "without noise the first code is the loudest"
    assert outcome.kind == "done"


def test_when_a_runtime_breaks_the_next_begins_the_same_picture_anew(folder: Path) -> None:
    broken, whole = FakePainter(ONNX, breaks_at=2), FakePainter(TORCH)
    steps, outcome = paint(painter(folder, broken, whole), PaintRequest(1, "a dog", seed=4))
    assert [each.done for each in steps] == [1, 2, 1, 2, 3, 4]
    assert outcome.kind == "done"
    assert not_none(outcome.runtime).runtime is TORCH
    assert "It broke." in str(outcome.notes[0])
    assert broken.closed
    (alone,) = paint(painter(folder), PaintRequest(1, "a dog", seed=4))[1].paintings
    assert np.array_equal(outcome.paintings[0].pixels, alone.pixels)


def test_a_chosen_runtime_is_kept_or_fails(folder: Path) -> None:
    make = fake_maker(FakePainter(ONNX, breaks_at=0), FakePainter(TORCH))
    one = PaintEngine(folder, ONNX, make=make)
    one.load()
    steps, outcome = paint(one, PaintRequest(1, "a dog"))
    assert (steps, outcome.kind, outcome.paintings) == ([], "failed", ())
    assert str(outcome.error) == "It broke."


def test_it_can_be_stopped_at_any_cell(folder: Path) -> None:
    one, cancel = painter(folder), CancelToken()
    steps: list[PaintStep] = []

    def stop(step: PaintStep) -> None:
        steps.append(step)
        if step.done == 2:
            cancel.cancel()

    outcome = one.paint(PaintRequest(1, "a dog"), cancel, stop)
    assert (len(steps), outcome.kind, outcome.paintings) == (2, "cancelled", ())
    assert paint(one, PaintRequest(2, "a dog"))[1].kind == "done"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder to be changed."""
    return write_painter(tmp_path / "tiny")


def taught(folder: Path, counts: dict[str, int]) -> PaintEngine:
    """A painter that was taught these words."""
    KnownWords(counts).write(folder / "words.txt")
    manifest = manifest_of(folder) | {"text_length": 60}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return painter(folder)


COUNTS = {"a": 900, "the": 800, "red": 40, "rose": 30, "dog": 50}


def test_what_was_never_taught_is_refused_with_its_words(own: Path) -> None:
    one = taught(own, COUNTS)
    steps, outcome = paint(one, PaintRequest(1, "a quantum spaceship"))
    assert (steps, outcome.kind) == ([], "failed")
    assert "never taught to draw this" in str(outcome.error)
    assert "quantum, spaceship" in str(outcome.error)
    assert paint(one, PaintRequest(2, "🐕"))[1].kind == "failed"
    assert paint(one, PaintRequest(3, "A RED rose"))[1].kind == "done"


def test_a_single_strange_word_is_told(own: Path) -> None:
    _, outcome = paint(taught(own, COUNTS), PaintRequest(1, "a red rose and a dog"))
    assert outcome.kind == "done"
    assert [str(note) for note in outcome.notes if "never taught" in str(note)] == [
        "The painter was never taught these words: and"
    ]


def test_rare_words_weigh_more_than_common_ones() -> None:
    known = KnownWords(COUNTS)
    assert known.familiar(["the", "a", "Rose"]) == 1
    assert known.familiar(["the", "a", "spaceship"]) < ENOUGH
    assert known.familiar(["rose", "spaceship"]) == pytest.approx(
        np.log2(60) / (np.log2(60) + np.log2(1800))
    )
    assert known.familiar([]) == 1
    assert known.unknown(["Roses", "DOGS", "reds", "rosette"]) == ["rosette"]


@pytest.mark.parametrize("text", ["x rose\n", "12\n", "\ufeff"])
def test_a_damaged_list_of_words_is_said(own: Path, text: str) -> None:
    (own / "words.txt").write_text(text, encoding="utf-8")
    (own / "manifest.json").write_text(json.dumps(manifest_of(own)), encoding="utf-8")
    with pytest.raises(BundleError, match="list of words"):
        painter(own)


def test_a_painter_may_read_with_the_apps_own_tokenizer(own: Path) -> None:
    (own / "tokenizer.json").unlink()
    manifest = manifest_of(own) | {"vocabulary": 12_000}
    minis = mini_path() / "tokenizer.json"
    for told, fits in ((hashlib.sha256(minis.read_bytes()).hexdigest(), True), ("0" * 64, False)):
        manifest["tokenizer"] = told
        (own / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        if fits:
            (drawn,) = paint(painter(own), PaintRequest(1, "a red rose"))[1].paintings
            assert [word.text for word in drawn.drawing.words] == ["a", "red", "rose"]
        else:
            with pytest.raises(BundleError, match="checksum"):
                painter(own)


@pytest.mark.parametrize("prompt", ["", "  \n"])
def test_nothing_is_refused_in_a_sentence(folder: Path, prompt: str) -> None:
    steps, outcome = paint(painter(folder), PaintRequest(1, prompt))
    assert (steps, outcome.kind) == ([], "failed")
    assert "Nothing is said of what to draw." in str(outcome.error)


@pytest.mark.parametrize("prompt", ["🐕" * 30, "a dog " * 400, "!!!", "\u0000\u202e狗"])
def test_any_other_prompt_is_drawn(folder: Path, prompt: str) -> None:
    _, outcome = paint(painter(folder), PaintRequest(1, prompt))
    assert outcome.kind == "done"
    (painting,) = outcome.paintings
    assert len(painting.drawing.maps) == len(painting.drawing.words)
    for word in painting.drawing.words:
        assert prompt[word.start : word.stop] == word.text


def test_of_a_long_prompt_only_the_beginning_is_read_and_that_is_said(folder: Path) -> None:
    _, outcome = paint(painter(folder), PaintRequest(1, "a dog on grass " * 100))
    assert str(outcome.notes[0]).startswith("The painter read only the beginning: a dog")
    assert len(outcome.paintings[0].drawing.words) < 7


def test_what_breaks_unexpectedly_is_one_outcome(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = FakePainter(ONNX)
    one = painter(folder, runtime)

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(runtime, "paint", fail)
    _, outcome = paint(one, PaintRequest(1, "a dog"))
    assert outcome.kind == "failed"
    assert "Something unexpected happened" in str(outcome.error)


def test_values_that_are_no_numbers_are_a_failure(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = FakePainter(ONNX)
    one = painter(folder, runtime)
    monkeypatch.setattr(runtime, "draw", lambda *_: np.full((1, 3, SIZE, SIZE), np.nan, np.float32))
    _, outcome = paint(one, PaintRequest(1, "a dog"))
    assert isinstance(outcome.error, RuntimeFailure)
    assert "no numbers" in str(outcome.error)


def test_without_any_runtime_it_does_not_load(folder: Path) -> None:
    with pytest.raises(RuntimeFailure):
        PaintEngine(folder, make=fake_maker()).load()


def test_its_info_says_what_it_was_taught(folder: Path) -> None:
    info = painter(folder).info
    assert (info.name, info.size, info.side) == ("tiny", SIZE, SIDE)
    assert (info.languages, info.taught) == (("en",), ("flowers",))


def test_words_are_those_of_the_prompt() -> None:
    ends = [1, 5, 10, 11]
    texts = token_texts("A red rose.", ends)
    assert texts == ["A", " red", " rose", "."]
    words = prompt_words(texts)
    assert [(word.text, word.start, word.stop) for word, _ in words] == [
        ("A", 0, 1),
        ("red", 2, 5),
        ("rose", 6, 10),
    ]
    assert words[-1][1] == slice(2, 4)
    chinese = prompt_words(token_texts("红色的玫瑰", [2, 3, 5]))
    assert [word.text for word, _ in chinese] == ["红色", "的", "玫瑰"]


def test_a_words_map_is_what_its_tokens_read() -> None:
    attention = np.zeros((4, 1, 2, 3), np.float32)
    attention[1, 0, :, 0] = [0.2, 0.4]
    attention[1, 0, :, 1] = 0.1
    maps = word_maps(word_shares(attention, [slice(0, 2), slice(2, 3)]), 2)
    attention[2, 0, :, 2] = 0.2
    maps = word_maps(word_shares(attention, [slice(0, 2), slice(2, 3)]), 2)
    np.testing.assert_allclose(maps[0], [[0, 1], [0, 0]], atol=1e-6)
    np.testing.assert_allclose(maps[1], [[0, 0], [1, 0]], atol=1e-6)
    assert word_maps(word_shares(attention, []), 2).shape == (0, 2, 2)


def test_maps_may_be_of_chosen_heads() -> None:
    attention = np.zeros((4, 1, 2, 2), np.float32)
    attention[:, 0, 0] = [0.1, 0.3]
    attention[:, 0, 1] = [[0.4, 0.0], [0.2, 0.2], [0.0, 0.4], [0.0, 0.0]]
    words = [slice(0, 1), slice(1, 2)]
    maps = word_maps(word_shares(attention, words, [(0, 1)]), 2)
    np.testing.assert_allclose(maps[0], [[1.0, 0.5], [0.0, 0.0]], atol=1e-6)
    both = word_maps(word_shares(attention, words, [(0, 0), (0, 1)]), 2)
    np.testing.assert_allclose(both[0], [[0.625, 0.375], [0.125, 0.125]], atol=1e-6)


def test_a_place_is_drawn_by_what_it_read_most() -> None:
    maps = np.array([[[0.8, 0.8], [0.8, 0.8]], [[0.1, 0.2], [0.1, 0.0]]], np.float32)
    assert words_at(maps, 0, 1) == (1,), "the first word is read as much everywhere"
    assert words_at(maps, 1, 1) == ()
    assert words_at(np.zeros((0, 2, 2), np.float32), 0, 0) == ()


def _spoil(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        change(manifest)
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")

    return spoil


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "manifest.json").unlink(), "manifest.json is missing"),
        (lambda folder: (folder / "paint.onnx").unlink(), "paint.onnx"),
        (lambda folder: (folder / "paint.onnx").write_bytes(b"x"), "paint.onnx"),
        (lambda folder: (folder / "manifest.json").write_text("{", "utf-8"), "not JSON"),
        (_spoil(lambda data: data.update(format=99)), "newer version"),
        (_spoil(lambda data: data.update(family="mmgpt")), "family"),
        (_spoil(lambda data: data.update(side=0)), "side"),
        (_spoil(lambda data: data.update(side=10_000)), "side"),
        (_spoil(lambda data: data.update(codes="many")), "codes"),
        (_spoil(lambda data: data["files"].pop("read.onnx")), "read.onnx"),
        (_spoil(lambda data: data["settings"].update(guidance=-1)), "guidance"),
        (_spoil(lambda data: data.pop("settings")), "settings"),
    ],
)
def test_a_damaged_folder_is_refused_in_a_sentence(
    tmp_path: Path, spoil: Callable[[Path], object], said: str
) -> None:
    folder = write_painter(tmp_path / "tiny")
    spoil(folder)
    with pytest.raises(BundleError, match=said):
        open_painter(folder)


def test_changed_files_and_foreign_tokenizers_are_refused(tmp_path: Path) -> None:
    folder = write_painter(tmp_path / "tiny")
    (folder / "paint.onnx").write_bytes(b"paint.onnX")
    with pytest.raises(BundleError, match="checksum differs"):
        painter(folder)
    folder = write_painter(tmp_path / "other")
    _spoil(lambda data: data.update(vocabulary=9))(folder)
    with pytest.raises(BundleError, match="tokens that its weights don't have"):
        painter(folder)


def test_a_painter_is_no_model_to_ask(folder: Path) -> None:
    with pytest.raises(AppError, match="mmgpt-painter"):
        open_bundle(folder)
