from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.typing import NDArray

from mmgpt_desktop.attention.heatmap import COLOUR_MAPS, MapStyle, legend, overlay, render
from mmgpt_desktop.messages import Box, PatchGrid
from mmgpt_desktop.settings import Settings
from tests.fakes import make_photo, whole_grid


def grid(box: Box, width: int, height: int, rows: int = 4, columns: int = 4) -> PatchGrid:
    return PatchGrid(rows, columns, box, width, height)


def lit(cell: int, rows: int = 4, columns: int = 4) -> NDArray[np.float32]:
    cells = np.zeros(rows * columns, np.float32)
    cells[cell] = 1
    return cells.reshape(rows, columns)


def bright(rgba: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray((rgba[..., :3] == legend("viridis")[-1]).all(axis=-1))


@pytest.mark.parametrize("cell", range(16))
@pytest.mark.parametrize(
    "box",
    [
        Box(0, 0, 80, 40),  # squashed: the whole photo
        Box(0, -20, 80, 60),  # letterboxed: the photo is a strip of the grid
        Box(-40, 0, 120, 40),
        Box(20, 0, 60, 40),  # cropped: the grid is a part of the photo
    ],
)
def test_a_cell_is_painted_exactly_on_its_place(box: Box, cell: int) -> None:
    place = grid(box, 80, 40)
    expected = np.zeros((40, 80), bool)
    about = place.cell_box(cell)
    left, right = max(0, round(about.left)), max(0, round(about.right))
    top, bottom = max(0, round(about.top)), max(0, round(about.bottom))
    expected[top:bottom, left:right] = True
    rgba = render(lit(cell), place, MapStyle("viridis", False, 1.0))
    assert ((bright(rgba) & (rgba[..., 3] > 0)) == expected).all()


def test_outside_a_crop_it_is_transparent() -> None:
    rgba = render(lit(0), grid(Box(20, 10, 60, 30), 80, 40), MapStyle("viridis", True, 0.5))
    assert rgba.shape == (40, 80, 4)
    assert set(np.unique(rgba[..., 3])) == {0, 128}
    assert (rgba[10:30, 20:60, 3] == 128).all()
    assert (rgba[..., 3] == 128).sum() == 20 * 40


def test_smooth_peaks_in_the_middle_of_its_cell() -> None:
    rgba = render(lit(5), grid(Box(0, 0, 84, 84), 84, 84), MapStyle("viridis", True, 1.0))
    rows, columns = np.nonzero(bright(rgba))
    assert abs(rows.mean() - 31) < 1
    assert abs(columns.mean() - 31) < 1


@pytest.mark.parametrize("smooth", [False, True])
def test_size_is_a_matter_of_the_screen_not_of_the_place(smooth: bool) -> None:
    place = grid(Box(0, -20, 80, 60), 80, 40)
    small = render(lit(6), place, MapStyle("viridis", smooth, 1.0), (20, 10))
    large = render(lit(6), place, MapStyle("viridis", smooth, 1.0), (160, 80))
    assert small.shape == (10, 20, 4)
    assert large.shape == (80, 160, 4)
    middle = place.cell_box(6)
    x, y = (middle.left + middle.right) / 2, (middle.top + middle.bottom) / 2
    assert bright(large)[int(y * 2), int(x * 2)]


@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize(
    "cells",
    [
        np.zeros((4, 4)),
        np.full((4, 4), 0.3),
        np.full((4, 4), np.nan),
        np.full((4, 4), np.inf),
        np.where(np.eye(4) > 0, np.nan, 1.0),
        np.where(np.eye(4) > 0, np.inf, np.arange(4.0)),
        np.full((4, 4), 1e-45, np.float32),
    ],
)
def test_maps_without_a_range_draw_without_complaint(
    cells: NDArray[np.float64], smooth: bool
) -> None:
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        rgba = render(
            cells.astype(np.float32), grid(Box(0, 0, 8, 8), 8, 8), MapStyle("magma", smooth, 1.0)
        )
    painted = np.kron(np.isfinite(cells.astype(np.float32)), np.ones((2, 2))) > 0
    assert ((rgba[..., 3] == 255) == painted).all()


@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 5), (5, 1)])
def test_single_cells_and_rows_draw(rows: int, columns: int, smooth: bool) -> None:
    place = grid(Box(0, 0, 1, 1), 1, 1, rows, columns)
    rgba = render(lit(0, rows, columns), place, MapStyle("inferno", smooth, 1.0))
    assert rgba.shape == (1, 1, 4)


def test_a_scale_is_kept_across_maps() -> None:
    place, half = grid(Box(0, 0, 8, 8), 8, 8), lit(0) / np.float32(2)
    alone = render(half, place, MapStyle("viridis", False, 1.0))
    among = render(half, place, MapStyle("viridis", False, 1.0), scale=(0.0, 1.0))
    assert (alone[0, 0, :3] == legend("viridis")[-1]).all()
    assert (among[0, 0, :3] == legend("viridis")[128]).all()


def test_contours_are_lines_around_what_is_bright() -> None:
    place = grid(Box(0, 0, 84, 84), 84, 84)
    lines = render(lit(5), place, MapStyle("viridis", True, 1.0, contours=True))[..., 3] > 0
    assert 0.02 < lines.mean() < 0.6
    assert not lines[31, 31]  # the top
    assert not lines[80, 80]
    assert lines[31, 31:].any()
    flat = render(np.ones((4, 4), np.float32), place, MapStyle("viridis", True, 1.0, contours=True))
    assert flat[..., 3].max() == 0


def test_contours_draw_no_noise_over_the_whole_photo() -> None:
    place = whole_grid(16, 16, 256, 256)
    noise = np.random.default_rng(3).random((16, 16), np.float32)
    peak = 0.1 * noise
    peak[3:6, 3:6] += 1
    for smooth in (True, False):
        lines = render(peak, place, MapStyle("viridis", smooth, 1.0, contours=True))[..., 3] > 0
        far = lines.copy()
        far[:112, :112] = False
        assert lines.any()
        assert not far.any(), "only the peak has lines"
        noisy = render(noise, place, MapStyle("viridis", smooth, 1.0, contours=True))[..., 3] > 0
        assert 0 < noisy.mean() < 0.35
    below = render(
        peak - 1.2, place, MapStyle("viridis", True, 1.0, contours=True), scale=(0.0, 0.2)
    )
    assert below[..., 3].max() == 0, "nothing is needed"


def test_opacity_is_kept_in_bounds() -> None:
    place = grid(Box(0, 0, 8, 8), 8, 8)
    assert render(lit(0), place, MapStyle("viridis", False, -1.0))[..., 3].max() == 0
    assert render(lit(0), place, MapStyle("viridis", False, 9.0))[..., 3].min() == 255


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_legends_rise_in_lightness(name: str) -> None:
    colours = legend(name)
    assert colours.shape == (256, 3)
    lightness = colours.astype(float) @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(lightness[::16]) > 0).all()


def test_overlay_mixes_by_opacity() -> None:
    photo = make_photo(8, 6, value=100)
    rgba = np.zeros((6, 8, 4), np.uint8)
    assert (overlay(photo, rgba) == photo.pixels).all()
    rgba[..., 3] = 255
    assert (overlay(photo, rgba) == 0).all()


def test_the_window_and_the_commands_draw_alike() -> None:
    assert Settings().colour_map == COLOUR_MAPS[0]
