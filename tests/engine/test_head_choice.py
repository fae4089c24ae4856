"""Heads chosen on composed scenes, for a planted model of which one head looks at the thing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmgpt_desktop.engine.head_choice import (
    KEPT,
    SCENES,
    Ask,
    HeadReport,
    cells_in,
    load_choice,
    save_choice,
    score_heads,
    shares_in,
)
from mmgpt_desktop.engine.scenes import COLOURS, PLACES, SHAPES, SIDE, compose
from mmgpt_desktop.errors import AppError, Cancelled
from mmgpt_desktop.messages import AttentionMap, Box, HeadChoice, PatchGrid, Photo
from mmgpt_desktop.note import Note

LAYERS, HEADS, CELLS = 2, 3, 12
LOOKS = (1, 2)
BAR = SIDE // 6  # of a letterbox above and below


def planted(*, looks: bool = True, tokens: int = 2, bars: bool = False) -> Ask:
    """One head looks at cells of the asked colour, another at the corner, others all around."""
    grid = PatchGrid(CELLS, CELLS, Box(0, -BAR if bars else 0, SIDE, SIDE + BAR * bars), SIDE, SIDE)

    def ask(photo: Photo, question: str) -> Sequence[AttentionMap]:
        colour = COLOURS[question.removeprefix("Where is the ").split()[0]]
        near = (np.abs(photo.pixels.astype(int) - colour).max(axis=-1) < 10).astype(np.float32)
        weights = np.full((LAYERS, HEADS, CELLS, CELLS), 0.005, np.float16)
        weights[0, 0] = 0
        weights[0, 0, 0, 0] = 0.9
        weights[0, 1] = np.nan
        if looks:
            padded = np.pad(near, ((BAR * bars, BAR * bars), (0, 0)))
            cells = Image.fromarray(padded).resize((CELLS, CELLS), Image.Resampling.BOX)
            weights[LOOKS] = np.asarray(cells) * 0.3
        return [AttentionMap(weights.reshape(LAYERS, HEADS, -1), grid)] * tokens

    return ask


def scores(inside: Sequence[Sequence[float]], chance: float) -> HeadReport:
    return HeadReport(np.array(inside, np.float32), chance, 7)


@pytest.mark.parametrize("bars", [False, True])
def test_the_head_that_looks_is_found(bars: bool) -> None:
    report = score_heads(planted(bars=bars))
    assert report.scenes == SCENES
    assert report.inside.shape == (LAYERS, HEADS)
    assert report.inside[LOOKS] > 0.75  # cells at the edge reach beyond the box
    assert report.inside[1, 0] == pytest.approx(report.chance, abs=1e-3)
    assert 0.01 < report.chance < 0.1
    choice = report.choice()
    assert choice.heads[0] == LOOKS
    assert "36 test pictures" in str(choice.how)
    assert f"all places alike would give it {100 * report.chance:.0f} %" in str(choice.how)


def test_without_such_a_head_none_is_chosen() -> None:
    blind = scores([[0.02, 0.04], [0.05, 0.03]], 0.05)
    assert blind.choice().heads == ()
    assert str(blind.choice().how).startswith("None of its heads (the parts that look) found")
    assert (1, 2) not in score_heads(planted(looks=False)).choice().heads[:1]


def test_the_few_best_are_kept_best_first() -> None:
    choice = scores([[0.1, 0.9, 0.4], [0.3, 0.5, 0.02]], 0.05).choice()
    assert choice.heads == ((0, 1), (1, 1), (0, 2))
    assert len(choice.heads) == KEPT
    assert "90 %, 50 %, 40 % of their look; all places alike would give it 5 %" in str(choice.how)


def test_scenes_without_attention_are_left_out() -> None:
    ask = planted()
    report = score_heads(lambda photo, q: ask(photo, q) if "red" in q else [])
    assert 0 < report.scenes < SCENES
    with pytest.raises(AppError, match="no attention for the composed pictures"):
        score_heads(lambda _photo, _question: [])


def test_it_can_be_ended() -> None:
    done: list[int] = []

    def stop(scene: int) -> None:
        done.append(scene)
        if scene == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        score_heads(planted(), on_scene=stop)
    assert done == [0, 1, 2]


def test_a_scene_shows_what_it_says_where_it_says() -> None:
    names, places = set[str](), list[object]()
    for number in range(SCENES):
        scene = compose(number)
        colour, shape = scene.name.split()
        names.update((colour, shape))
        near = np.abs(scene.photo.pixels.astype(int) - COLOURS[colour]).max(axis=-1) < 3
        y, x = np.nonzero(near)
        found = np.array([x.min(), y.min(), x.max() + 1, y.max() + 1])
        box = scene.box
        assert near.sum() > 0.2 * box.width * box.height, scene.name
        assert found == pytest.approx([box.left, box.top, box.right, box.bottom], abs=6)
        side = SIDE / PLACES
        places.append((int(box.top // side), int(box.left // side)))
    assert names == {*SHAPES, *COLOURS}
    assert len(set(places[:9])) == 9
    assert len({compose(number).photo.pixels.tobytes() for number in range(SCENES)}) == SCENES
    assert (compose(3).photo.pixels == compose(3).photo.pixels).all()


def test_a_box_covers_cells_in_part() -> None:
    grid = PatchGrid(1, 4, Box(-2, 0, 6, 2), 4, 2)
    assert cells_in(Box(1, 0, 3, 1), grid).tolist() == [0, 0.25, 0.25, 0]
    weights = np.array([[[1, 1, 0, 2], [0, 0, 0, 0]]], np.float16)
    shares = shares_in([AttentionMap(weights, grid)], cells_in(Box(0, 0, 4, 2), grid))
    assert shares.tolist() == [[0.25, 0]]


def test_a_choice_is_kept_for_a_model_of_its_size(tmp_path: Path) -> None:
    path = tmp_path / "heads" / "model.json"
    choice = HeadChoice(((1, 2),), Note("Chosen for {what}.", {"what": "tests"}))
    assert load_choice(path, 2, 3) is None
    save_choice(path, choice)
    assert load_choice(path, 2, 3) == choice
    assert load_choice(path, 1, 3) is None
    assert [each.name for each in path.parent.iterdir()] == ["model.json"]


@pytest.mark.parametrize("damaged", ["", "[]", '{"heads": [[0]], "how": ""}', "[" * 5000, "\x00"])
def test_a_damaged_record_is_none(tmp_path: Path, damaged: str) -> None:
    path = tmp_path / "model.json"
    path.write_text(damaged, encoding="utf-8")
    assert load_choice(path, 2, 3) is None
