"""Planted truth: an answer whose words need one known cell of the photo, or none of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.base import NEUTRAL
from mmgpt_desktop.engine.bundle_engine import BundleEngine
from mmgpt_desktop.engine.folder.bundle import Bundle, open_bundle
from mmgpt_desktop.engine.occlusion import (
    ALL_WORDS,
    COARSEST,
    REFINED,
    Hider,
    Hiding,
    photo_cells,
)
from mmgpt_desktop.engine.runtime import Encoded, Runtime
from mmgpt_desktop.errors import AppError, Cancelled, RuntimeFailure
from mmgpt_desktop.imaging.pixels import patch_grid
from mmgpt_desktop.messages import (
    Box,
    CellMaps,
    Check,
    Explanation,
    GenerationRequest,
    Message,
    PatchGrid,
    Photo,
    RuntimeName,
    TokenStep,
    Verdict,
)
from mmgpt_desktop.methods import Method
from tests.fakes import FakeRuntime, FoundMaps, make_photo
from tests.tiny_bundle import read_manifest, write_manifest

SIDE, SIZE = 16, 64  # cells and pixels along a side
SCRIPT = (40, 41, 40, 42)
NEEDS = 2  # the step that needs the picture; step 0 writes the same token without it
DARK, BRIGHT = 20, 255
SHAPES = {"plain": (64, 48), "wide": (160, 40), "tall": (31, 97), "square": (50, 50)}
SPOTS = ((0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.5, 0.5), (0.37, 0.81), (0.77, 0.12))


class Planted(FakeRuntime):
    """Is sure of the step `NEEDS` only if it sees something bright in one cell."""

    def __init__(self, row: int, column: int, *, after: int = 10**6) -> None:
        super().__init__(SCRIPT)
        self._place = row * SIZE // SIDE, column * SIZE // SIDE
        self._after, self.cancel = after, CancelToken()

    def encode(
        self, pixels: NDArray[np.float32] | None, fusion: str, cancel: CancelToken
    ) -> Encoded:
        assert pixels is not None
        assert pixels.shape == (1, 3, SIZE, SIZE)
        super().encode(pixels, fusion, cancel)
        if len(self.encoded) == self._after:
            self.cancel.cancel()
        top, left = self._place
        cell = pixels[..., top : top + SIZE // SIDE, left : left + SIZE // SIDE]
        return Encoded(fusion, float(np.clip((cell.max() + 1) / 2, 0, 1)), None)

    def score(
        self, token_ids: Sequence[int], encoded: Encoded, cancel: CancelToken
    ) -> NDArray[np.float32]:
        scores = super().score(token_ids, encoded, cancel)
        scores[len(token_ids) - len(SCRIPT) + NEEDS] *= encoded.keys
        return scores


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path) -> Path:
    """A bundle of which only the manifest and the tokenizer are read."""
    folder = tmp_path_factory.mktemp("fine") / "fine"
    folder.mkdir()
    for path in tiny_bundle.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    about = read_manifest(folder)
    about["image"]["size"] = SIZE
    about["fusions"]["graph"]["grid"] = {"rows": SIDE, "columns": SIDE}
    write_manifest(folder, about)
    return folder


def engine_with(folder: Path, runtime: FakeRuntime) -> BundleEngine:
    def make(name: RuntimeName, bundle: Bundle) -> Runtime:
        return runtime

    engine = BundleEngine(folder, RuntimeName.ONNX_CPU, make)
    engine.load()
    return engine


def explanation(photo: Photo | None, tokens: tuple[int, ...] = SCRIPT) -> Explanation:
    images = (photo,) if photo else ()
    return Explanation(GenerationRequest(1, images, (Message("user", "What?"),)), tokens)


def grid_of(folder: Path, width: int, height: int) -> PatchGrid:
    return patch_grid(make_photo(width, height), open_bundle(folder).manifest.image_spec())


def spotted(grid: PatchGrid, row: int, column: int) -> Photo:
    """A dark photo that is bright in one cell."""
    box = grid.cell_box(row * grid.columns + column)
    pixels = np.full((grid.photo_height, grid.photo_width, 3), DARK, np.uint8)
    top, left = max(0, int(box.top)), max(0, int(box.left))
    pixels[top : int(np.ceil(box.bottom)), left : int(np.ceil(box.right))] = BRIGHT
    return Photo(pixels, f"{grid.photo_width}x{grid.photo_height} {row} {column}", "spot.png")


def occlusion(engine: BundleEngine, what: Explanation, word: slice | None = None) -> list[CellMaps]:
    found = FoundMaps()
    engine.explain(what, Method.OCCLUSION, CancelToken(), found.take, word)
    return found


@pytest.mark.parametrize("spot", SPOTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_planted_cell_is_found_wherever_it_lies(
    folder: Path, shape: str, spot: tuple[float, float]
) -> None:
    grid = grid_of(folder, *SHAPES[shape])
    rows, columns = np.nonzero(photo_cells(grid))
    row = round(rows.min() + spot[0] * (rows.max() - rows.min()))
    column = round(columns.min() + spot[1] * (columns.max() - columns.min()))
    what = explanation(spotted(grid, row, column))
    engine = engine_with(folder, Planted(row, column))
    maps = occlusion(engine, what)[-1].weights
    peak = np.unravel_index(maps[NEEDS].argmax(), maps[NEEDS].shape)
    assert peak == (row, column)
    assert maps[NEEDS, row, column] > np.log(10), "a tenth of its probability is left, or less"
    assert np.abs(np.delete(maps, NEEDS, axis=0)).max() < 1e-6
    verdicts = []
    for step in range(len(SCRIPT)):
        word = slice(step, step + 1)
        check = engine.check(what, word, maps[step], Method.OCCLUSION, CancelToken())
        assert (check.start, check.stop, check.method) == (step, step + 1, Method.OCCLUSION)
        assert len(check.random) == 4
        verdicts.append(check.verdict)
    assert verdicts == [
        Verdict.MATTERED if step == NEEDS else Verdict.LANGUAGE for step in range(len(SCRIPT))
    ]


def test_a_model_that_ignores_the_picture_speaks_from_language(folder: Path) -> None:
    engine, what = engine_with(folder, FakeRuntime(SCRIPT)), explanation(make_photo(64, 48))
    maps = occlusion(engine, what)[-1].weights
    assert np.abs(maps).max() < 1e-6
    glowing = np.random.default_rng(0).random((SIDE, SIDE), np.float32)
    for word in (slice(0, 1), slice(1, 3), slice(0, 4)):
        for cells in (glowing, maps[0], np.full_like(glowing, np.nan)):
            check = engine.check(what, word, cells, Method.HEADS, CancelToken())
            assert check.verdict is Verdict.LANGUAGE


def test_a_map_that_looks_elsewhere_did_not_matter(folder: Path) -> None:
    grid = grid_of(folder, 64, 48)
    what = explanation(spotted(grid, 1, 1))
    engine = engine_with(folder, Planted(1, 1))
    elsewhere = np.zeros((SIDE, SIDE), np.float32)
    elsewhere[10:, :10] = 1
    word = slice(NEEDS, NEEDS + 1)
    check = engine.check(what, word, elsewhere, Method.MEAN, CancelToken())
    assert min(check.random) < 0.1  # a draw hit the cell that is needed
    assert check.verdict is Verdict.ANYWHERE
    assert check.hidden == pytest.approx(check.whole)
    assert check.centre == pytest.approx(check.whole), "the corner is not the centre"
    assert check == engine.check(what, word, elsewhere, Method.MEAN, CancelToken())


@pytest.mark.parametrize(
    ("random", "blind", "verdict"),
    [
        ((0.63, 0.72, 0.72, 0.73), 0.77, Verdict.LANGUAGE),  # one draw is no proof
        ((0.63, 0.6, 0.64, 0.61), 0.77, Verdict.LANGUAGE),  # it stays without the photo
        ((0.63, 0.6, 0.64, 0.61), None, Verdict.ANYWHERE),
        ((0.78, 0.78, 0.78, 0.78), 0.1, Verdict.ANYWHERE),
        ((0.1, 0.78, 0.78, 0.78), None, Verdict.ANYWHERE),
    ],
)
def test_a_word_that_the_model_says_anyway_came_from_language(
    random: tuple[float, ...], blind: float | None, verdict: Verdict
) -> None:
    check = Check(Method.HEADS, 0, 1, 0.78, 0.9, random, 0.71, blind)
    assert check.verdict is verdict


def test_the_centre_is_the_photos(folder: Path) -> None:
    grid = grid_of(folder, 160, 40)
    what, middle = explanation(spotted(grid, 8, 8)), np.zeros((SIDE, SIDE), np.float32)
    check = engine_with(folder, Planted(8, 8)).check(
        what, slice(NEEDS, NEEDS + 1), middle, Method.MEAN, CancelToken()
    )
    assert check.centre < check.whole / 10
    assert check.blind is not None
    assert check.blind < check.whole / 10


def test_maps_grow_finer_and_end_with_all_cells(folder: Path) -> None:
    grid = grid_of(folder, 64, 48)
    runtime = Planted(5, 9)
    found = occlusion(engine_with(folder, runtime), explanation(spotted(grid, 5, 9)))
    dones = [maps.done for maps in found]
    assert dones == sorted(dones)
    assert dones[-1] == 1
    assert np.isnan(found[0].weights).any()
    assert not np.isnan(found[-1].weights).any()
    assert found[-1].weights.shape == (len(SCRIPT), SIDE, SIDE)
    assert not found[-1].weights.flags.writeable
    assert {maps.method for maps in found} == {Method.OCCLUSION}
    assert len(runtime.encoded) == 1 + COARSEST**2 + ALL_WORDS * sum(REFINED)


def test_one_word_costs_less_than_all(folder: Path) -> None:
    grid = grid_of(folder, 64, 48)
    runtime = Planted(5, 9)
    what, word = explanation(spotted(grid, 5, 9)), slice(NEEDS, NEEDS + 1)
    maps = occlusion(engine_with(folder, runtime), what, word)[-1].weights
    assert maps[NEEDS].argmax() == 5 * SIDE + 9
    assert len(runtime.encoded) == 1 + COARSEST**2 + sum(REFINED)


def test_a_cancelled_search_ends_at_once(folder: Path) -> None:
    grid = grid_of(folder, 64, 48)
    runtime = Planted(5, 9, after=12)
    engine, found = engine_with(folder, runtime), FoundMaps()
    with pytest.raises(Cancelled):
        engine.explain(
            explanation(spotted(grid, 5, 9)), Method.OCCLUSION, runtime.cancel, found.take
        )
    assert len(runtime.encoded) == 12
    assert found[-1].done < 1
    cells = np.zeros((SIDE, SIDE), np.float32)
    with pytest.raises(Cancelled):
        engine.check(explanation(make_photo()), slice(0, 1), cells, Method.MEAN, runtime.cancel)
    assert len(runtime.encoded) == 12


@pytest.mark.parametrize("rows", [1, 3, 7])
def test_grids_of_any_size_can_be_searched(folder: Path, tmp_path: Path, rows: int) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    about = read_manifest(tmp_path)
    about["fusions"]["graph"]["grid"] = {"rows": rows, "columns": 5}
    write_manifest(tmp_path, about)
    engine, what = engine_with(tmp_path, FakeRuntime(SCRIPT)), explanation(make_photo(90, 20))
    maps = occlusion(engine, what)[-1].weights
    assert maps.shape == (len(SCRIPT), rows, 5)
    assert not np.isnan(maps).any()
    check = engine.check(what, slice(0, 2), maps[0], Method.OCCLUSION, CancelToken())
    assert check.verdict is Verdict.LANGUAGE
    assert check.blind == check.whole


@pytest.mark.parametrize("how", Hiding)
def test_padding_stays_and_only_hidden_cells_change(folder: Path, how: Hiding) -> None:
    grid = grid_of(folder, 160, 40)  # the middle half of the square
    pixels = np.random.default_rng(0).normal(size=(1, 3, SIZE, SIZE)).astype(np.float32)
    pixels[:, :, : SIZE // 4] = pixels[:, :, -SIZE // 4 :] = 0
    hider, cell = Hider(pixels, grid, how), SIZE // SIDE
    everything = hider(np.ones((SIDE, SIDE), np.bool_))
    changed = (everything != pixels).all(axis=(0, 1))
    assert changed[SIZE // 4 : -SIZE // 4].all()
    assert not changed[: SIZE // 4].any()
    assert not changed[-SIZE // 4 :].any()
    one = np.zeros((SIDE, SIDE), np.bool_)
    one[6, 3] = True
    changed = (hider(one) != pixels).any(axis=(0, 1))
    assert changed.sum() == cell**2
    assert changed[6 * cell : 7 * cell, 3 * cell : 4 * cell].all()
    assert np.array_equal(hider(~one)[:, :, 6 * cell, 3 * cell], pixels[:, :, 6 * cell, 3 * cell])
    if how is Hiding.MEAN:
        shown = everything[:, :, SIZE // 4 : -SIZE // 4]
        assert shown == pytest.approx(
            np.broadcast_to(
                pixels[:, :, SIZE // 4 : -SIZE // 4].mean((2, 3), keepdims=True), shown.shape
            ),
            abs=1e-5,
        )


def test_a_crop_holds_the_photo_in_all_its_cells() -> None:
    grid = PatchGrid(4, 4, Box(10, 20, 50, 60), 100, 80)
    assert photo_cells(grid).all()
    pixels = np.random.default_rng(0).normal(size=(1, 3, 8, 8)).astype(np.float32)
    hidden = Hider(pixels, grid, Hiding.MEAN)(np.ones((4, 4), np.bool_))
    assert hidden == pytest.approx(
        np.broadcast_to(pixels.mean((2, 3), keepdims=True), pixels.shape), abs=1e-6
    )


def test_padding_alone_is_no_cell_of_the_photo() -> None:
    grid = PatchGrid(4, 2, Box(0, -30, 40, 50), 40, 20)
    assert photo_cells(grid).tolist() == [[False] * 2, [True] * 2, [True] * 2, [False] * 2]


def test_with_nothing_hidden_the_probabilities_are_those_of_the_steps(own_bundle: Path) -> None:
    about = read_manifest(own_bundle)
    about["certainty"]["temperature"] = 1.7
    write_manifest(own_bundle, about)
    engine = BundleEngine(own_bundle, RuntimeName.ONNX_CPU)
    info = engine.load()
    steps: list[TokenStep] = []
    for fusion in info.fusions:
        request = GenerationRequest(
            1, (make_photo(64, 48),), (Message("user", "A dog?"),), fusion=fusion.name
        )
        steps.clear()
        engine.generate(request, CancelToken(), steps.append)
        what = Explanation(request, tuple(step.token_id for step in steps))
        masks = np.zeros((2, fusion.rows, fusion.columns), np.bool_)
        masks[1] = True
        found = engine.hidden(what, masks, CancelToken())
        assert found.shape == (2, len(steps))
        assert found.dtype == np.float32
        assert found[0] == pytest.approx([step.probability for step in steps], abs=1e-6)
        assert found[1] == pytest.approx(found[0]), "the tiny model reads the text alone"
        assert engine.hidden(what, masks[:0], CancelToken()).shape == (0, len(steps))
    engine.close()


def test_the_neutral_questions_attention_is_that_of_its_first_step(tiny_bundle: Path) -> None:
    engine = BundleEngine(tiny_bundle, RuntimeName.ONNX_CPU)
    engine.load()
    photo, steps = make_photo(64, 48), list[TokenStep]()
    request = GenerationRequest(1, (photo,), (Message("user", NEUTRAL),), fusion="concat")
    engine.generate(request, CancelToken(), steps.append)
    first, neutral = steps[0].attention, engine.neutral(photo, "concat")
    assert first is not None
    assert (neutral.weights == first.weights).all()
    assert neutral.grid == first.grid
    assert engine.neutral(photo).grid != neutral.grid, "the default fusion has its own"
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        engine.neutral(photo, "graph", cancel)


def test_what_cant_be_explained_says_so(folder: Path) -> None:
    runtime = FakeRuntime(SCRIPT)
    engine, cells = engine_with(folder, runtime), np.zeros((SIDE, SIDE), np.float32)
    with pytest.raises(AppError, match="without a picture"):
        engine.check(explanation(None), slice(0, 1), cells, Method.MEAN, CancelToken())
    photo = make_photo()
    late = replace(explanation(photo).request, fusion="late")
    with pytest.raises(AppError, match="no fusion called late"):
        engine.explain(Explanation(late, SCRIPT), Method.OCCLUSION, CancelToken(), lambda _: None)
    runtime.breaks = True
    with pytest.raises(RuntimeFailure, match="no numbers"):
        engine.check(explanation(photo), slice(0, 1), cells, Method.MEAN, CancelToken())


def test_what_was_encoded_is_forgotten(folder: Path) -> None:
    runtime = FakeRuntime(SCRIPT)
    engine, request = engine_with(folder, runtime), explanation(make_photo()).request
    for _ in range(2):
        engine.generate(request, CancelToken(), lambda _step: None)
    assert runtime.encoded == [True]
    engine.forget()
    engine.generate(request, CancelToken(), lambda _step: None)
    assert runtime.encoded == [True, True]


def test_an_answer_without_words_has_no_maps(folder: Path) -> None:
    engine = engine_with(folder, FakeRuntime(()))
    maps = occlusion(engine, explanation(make_photo(), ()))[-1].weights
    assert maps.shape == (0, SIDE, SIDE)
