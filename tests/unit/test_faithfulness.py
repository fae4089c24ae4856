"""The measures of a map, against worlds in which the truth is known."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from numpy.typing import NDArray

from mmgpt_desktop.attention import faithfulness_metrics as f
from mmgpt_desktop.messages import Box, PatchGrid
from tests.fakes import whole_grid

ROWS, COLUMNS = 4, 6
CELLS = ROWS * COLUMNS
GRID = whole_grid(ROWS, COLUMNS, 60, 40)


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def peak_at(cell: int) -> NDArray[np.float32]:
    cells = rng().random((ROWS, COLUMNS)).astype(np.float32)
    cells.flat[cell] = 2
    return cells


def needs(cell: int) -> f.Scorer:
    """A word of probability 0.9 while this one cell is seen, and 0.1 without it."""
    return lambda hidden: np.where(hidden.reshape(len(hidden), -1)[:, cell], 0.1, 0.9)


def ignores(hidden: f.Hidden) -> NDArray[np.floating]:
    return np.full(len(hidden), 0.6)


@pytest.mark.parametrize("cell", range(CELLS))
def test_a_map_of_the_needed_cell_kills_the_word_at_once(cell: int) -> None:
    found = f.curves(peak_at(cell), needs(cell), rng())
    step = f.SHARES[1]
    assert (found.whole, found.checked) == (0.9, 0.1)
    assert found.deletion == pytest.approx(0.1 + 0.8 * step / 2)
    assert found.insertion == pytest.approx(0.9 - 0.8 * step / 2)
    assert found.effect == pytest.approx(0.9 - found.deletion)
    assert found.fall == pytest.approx(0.8)
    worst = f.curves(-peak_at(cell), needs(cell), rng())
    step = f.SHARES[-1] - f.SHARES[-2]
    assert worst.deletion == pytest.approx(0.9 - 0.8 * step / 2)
    assert worst.insertion == pytest.approx(0.1 + 0.8 * step / 2)
    assert worst.fall == 0


def test_the_check_fails_a_map_that_is_only_bright() -> None:
    effects = [f.curves(peak_at(cell), needs(5), rng()).effect for cell in range(CELLS)]
    assert int(np.argmax(effects)) == 5
    assert effects[5] > 1.5 * np.mean(effects)


def test_a_model_that_ignores_the_picture_loses_nothing() -> None:
    found = f.curves(peak_at(3), ignores, rng())
    assert astuple(found) == pytest.approx((0.6, 0.6, 0.6, 0.6))
    assert (found.whole, found.checked) == (0.6, 0.6)
    assert found.effect == pytest.approx(0)
    assert found.fall == 0


def test_the_curves_go_from_the_whole_photo_to_none_of_it() -> None:
    seen: list[f.Hidden] = []

    def score(hidden: f.Hidden) -> NDArray[np.floating]:
        seen.append(hidden)
        return ignores(hidden)

    f.curves(peak_at(7), score, rng())
    (masks,) = seen
    deleted, inserted = np.split(masks.reshape(2 * len(f.SHARES), -1), 2)
    assert deleted.sum(axis=1).tolist() == [0, 1, 2, 5, 10, 14, 19, 24]
    assert deleted[1:, 7].all()
    assert (inserted == ~deleted).all()


def test_equal_cells_go_in_chances_order_and_what_is_not_measured_last() -> None:
    even = np.zeros((ROWS, COLUMNS), np.float32)
    first, second = (f.order(even, np.random.default_rng(seed)) for seed in (1, 2))
    assert sorted(first) == sorted(second) == list(range(CELLS))
    assert first.tolist() != second.tolist() != list(range(CELLS))
    cells = np.array([[np.nan, 1, 3], [2, np.nan, -5]], np.float32)
    assert f.order(cells, rng())[:4].tolist() == [2, 3, 1, 5]
    nothing = np.full((2, 3), np.nan, np.float32)
    assert sorted(f.order(nothing, rng())) == list(range(6))


def test_pointing_is_a_hit_a_miss_or_chance() -> None:
    on_thing = np.zeros((ROWS, COLUMNS), np.bool_)
    on_thing[:2, :3] = True
    assert f.pointing(peak_at(1), on_thing) == 1
    assert f.pointing(peak_at(5), on_thing) == 0
    for nothing in (0.0, 0.3, np.nan):
        assert f.pointing(np.full((ROWS, COLUMNS), nothing, np.float32), on_thing) == 0.25
    half_measured = np.where(on_thing, np.nan, peak_at(1)).astype(np.float32)
    assert f.pointing(half_measured, on_thing) == 0
    assert f.pointing(np.ones((1, 1), np.float32), np.ones((1, 1), np.bool_)) == 1


def test_iou_is_of_as_many_cells_as_the_thing_has() -> None:
    cover = np.zeros((ROWS, COLUMNS), np.float32)
    cover[0, :4] = 1
    cells = np.arange(CELLS, 0, -1, dtype=np.float32).reshape(ROWS, COLUMNS)
    assert f.mask_iou(cells, cover, rng()) == 1
    assert f.mask_iou(-cells, cover, rng()) == 0
    assert f.mask_iou(np.roll(cells, 2), cover, rng()) == pytest.approx(2 / 6)
    assert f.mask_iou(cells * 1000 - 5, cover, rng()) == 1
    part = np.zeros((ROWS, COLUMNS), np.float32)
    part[0, 0] = 0.25  # a thing within a cell
    assert f.mask_iou(cells, part, rng()) == 0.25
    assert f.mask_iou(np.ones((1, 1), np.float32), np.ones((1, 1), np.float32), rng()) == 1


def test_brightness_is_on_one_scale_for_the_answer() -> None:
    maps = np.zeros((4, 1, 2), np.float32)
    maps[0], maps[1], maps[2], maps[3] = [[4, 0]], [[0, 2]], [[-1, -3]], np.nan
    spans = [(0, 1), (1, 2), (2, 3), (3, 4), (0, 2)]
    assert f.brightness(maps, spans) == [1, 0.5, 0, 0, 0.5]
    assert f.brightness(-np.abs(maps), spans) == [0] * 5
    assert f.brightness(maps, []) == []


def test_cover_is_the_share_of_each_cell() -> None:
    mask = np.zeros((8, 12), np.bool_)  # two pixels a cell, each way
    mask[:2, :2] = True
    mask[2, 4] = True
    expected = np.zeros((ROWS, COLUMNS))
    expected[0, 0], expected[1, 2] = 1, 0.25
    assert f.cover(mask, GRID) == pytest.approx(expected)
    coarse = np.array([[True, False]])  # a pixel lies in many cells
    assert f.cover(coarse, GRID) == pytest.approx(np.repeat([[1, 1, 1, 0, 0, 0]], ROWS, axis=0))


@pytest.mark.parametrize(
    "box",
    [Box(0, 0, 60, 40), Box(20, 10, 50, 40), Box(-10, -60, 70, 100), Box(7, 3, 8.5, 39)],
)
def test_cover_follows_crops_and_letterboxes(box: Box) -> None:
    grid = PatchGrid(ROWS, COLUMNS, box, 60, 40)
    covered = f.cover(np.ones((40, 60), np.bool_), grid)
    for cell in range(grid.cells):
        each = grid.cell_box(cell)
        wide = max(0.0, min(60, each.right) - max(0, each.left)) / each.width
        high = max(0.0, min(40, each.bottom) - max(0, each.top)) / each.height
        assert covered.flat[cell] == pytest.approx(wide * high, abs=1e-5)


def test_the_centre_is_the_photos_not_the_grids() -> None:
    grid = PatchGrid(ROWS, COLUMNS, Box(0, 0, 60, 200), 60, 40)  # a letterbox below
    cells = f.centre_map(grid)
    assert cells.argmax() in (2, 3)  # row 0 ends at 50, so all of the photo lies in it
    assert f.centre_map(GRID)[1:3, 2:4] == pytest.approx(f.centre_map(GRID).max())


def test_random_maps_differ_by_their_seed_alone() -> None:
    one, same = (f.random_map(GRID, rng()) for _ in range(2))
    assert (one == same).all()
    assert (one != f.random_map(GRID, np.random.default_rng(4))).any()
    assert one.shape == (ROWS, COLUMNS)
