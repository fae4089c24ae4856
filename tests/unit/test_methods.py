"""From attention to maps: planted looks must be found, whatever else glows."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from mmgpt_desktop.attention.answer_maps import AnswerMaps, MapChoice
from mmgpt_desktop.attention.maps import over_tokens, shares
from mmgpt_desktop.attention.raw import chosen_heads
from mmgpt_desktop.attention.relative import relative
from mmgpt_desktop.attention.sinks import sinks, without_sinks
from mmgpt_desktop.messages import AttentionMap, CellMaps
from mmgpt_desktop.methods import Method, Needs, method_texts
from tests.fakes import whole_grid

ROWS, COLUMNS = 3, 4
GRID = whole_grid(ROWS, COLUMNS, 40, 30)
CELLS = ROWS * COLUMNS
FROM_ATTENTION = [method for method in Method if method.from_attention]
LOOKED = (1, 7, 11, 4, 2, 7)
"""The cell that each token of the planted answer looks at; one comes twice."""
SINK = 5
HEAD = (1, 0)
"""The head that looks; the others see the sink alone."""


def planted() -> list[AttentionMap]:
    """Half of the attention goes to no cell, and of the rest most goes to the sink."""
    maps = []
    for cell in LOOKED:
        weights = np.full((2, 2, CELLS), 0.002, np.float16)
        weights[:, :, SINK] += 0.35
        weights[*HEAD, cell] += 0.12
        maps.append(AttentionMap(weights, GRID))
    return maps


def neutral() -> AttentionMap:
    weights = np.full((2, 2, CELLS), 0.002, np.float16)
    weights[:, :, SINK] += 0.35
    return AttentionMap(weights, GRID)


def maps_of(
    method: Method,
    attention: list[AttentionMap],
    heads: list[tuple[int, int]],
    neutral: AttentionMap | None = None,
) -> CellMaps:
    found = neutral if method.about.needs is Needs.NEUTRAL else None
    return AnswerMaps(MapChoice(method, tuple(heads)), tuple(attention), found).maps


def as_attention(maps: NDArray[np.float32]) -> list[AttentionMap]:
    """One head that looks so."""
    return [AttentionMap(each.reshape(1, 1, -1).astype(np.float16), GRID) for each in maps]


def strongest(maps: NDArray[np.float32]) -> tuple[int, ...]:
    return tuple(int(cells.argmax()) for cells in maps)


def test_raw_attention_is_one_heads_or_several_heads_mean() -> None:
    assert chosen_heads(planted(), [HEAD]).shape == (len(LOOKED), ROWS, COLUMNS)
    one, other = chosen_heads(planted(), [HEAD]), chosen_heads(planted(), [(0, 1)])
    both = chosen_heads(planted(), [HEAD, (0, 1)])
    assert both == pytest.approx((one + other) / 2, abs=1e-6)
    assert chosen_heads(planted(), ())[0].flat[LOOKED[0]] == pytest.approx(
        0.002 + 0.12 / 4, rel=0.02
    )


def test_a_sink_draws_the_raw_map_and_is_taken_out() -> None:
    maps = chosen_heads(planted(), [HEAD])
    assert strongest(maps) == (SINK,) * len(LOOKED)
    assert np.flatnonzero(sinks(maps)).tolist() == [SINK]
    assert strongest(without_sinks(planted(), [HEAD])) == LOOKED


def test_a_place_that_one_word_looks_at_more_than_usual_stays() -> None:
    maps = np.full((8, ROWS, COLUMNS), 0.01, np.float32)
    maps[:, 0, 0] = 0.2
    maps[3, 0, 0] = 0.6
    cleaned = without_sinks(as_attention(maps), ())
    assert cleaned[3].argmax() == 0
    assert cleaned[4, 0, 0] == 0


def test_a_short_answer_tells_nothing_of_sinks() -> None:
    maps = chosen_heads(planted()[:3], [HEAD])
    assert not sinks(maps).any()
    assert without_sinks(planted()[:3], [HEAD]) == pytest.approx(shares(maps))


def test_relative_to_a_neutral_question_the_sink_is_nothing_special() -> None:
    found = relative(planted(), [HEAD], neutral())
    assert strongest(found) == LOOKED
    same = relative(planted()[:1], [HEAD], planted()[0])
    assert same == pytest.approx(np.ones_like(same))


def test_what_went_to_no_cell_changes_no_share() -> None:
    maps = chosen_heads(planted(), [HEAD])
    assert shares(maps / np.float32(7)) == pytest.approx(shares(maps), abs=1e-6)
    assert shares(maps).sum(axis=(1, 2)) == pytest.approx(np.ones(len(LOOKED)))


@pytest.mark.parametrize("method", FROM_ATTENTION)
def test_every_method_keeps_its_shape_and_is_read_only(method: Method) -> None:
    found = maps_of(method, planted(), [HEAD], neutral())
    assert (found.method, found.done, found.grid) == (method, 1.0, GRID)
    assert found.weights.shape == (len(LOOKED), ROWS, COLUMNS)
    assert found.weights.dtype == np.float32
    assert not found.weights.flags.writeable


def test_only_the_mean_reads_heads_that_were_not_chosen() -> None:
    chosen = maps_of(Method.HEADS, planted(), [HEAD]).weights
    assert chosen == pytest.approx(chosen_heads(planted(), [HEAD]))
    assert maps_of(Method.MEAN, planted(), [HEAD]).weights == pytest.approx(
        chosen_heads(planted(), ())
    )


def test_repeated_words_keep_their_own_maps() -> None:
    attention = planted()
    attention[5].weights[*HEAD, 9] += 0.5
    found = maps_of(Method.NO_SINKS, attention, [HEAD]).weights
    assert LOOKED[1] == LOOKED[5]
    assert (found[1].argmax(), found[5].argmax()) == (LOOKED[1], 9)


def test_a_phrase_is_the_mean_of_what_its_tokens_measured() -> None:
    maps = np.array([[[1, np.nan, np.nan]], [[3, 5, np.nan]], [[9, 9, 9]]], np.float32)
    cells = over_tokens(maps, 0, 2)
    assert cells[0, :2].tolist() == [2, 5]
    assert np.isnan(cells[0, 2])
    assert over_tokens(maps, 2, 3).tolist() == [[9, 9, 9]]


@pytest.mark.parametrize("method", FROM_ATTENTION)
@pytest.mark.parametrize("value", [0.0, 0.25])
def test_even_maps_stay_even(method: Method, value: float) -> None:
    even = [AttentionMap(np.full((2, 2, CELLS), value, np.float16), GRID)] * 5
    found = maps_of(method, even, [HEAD], even[0]).weights
    assert np.ptp(found, axis=(1, 2)) == pytest.approx(np.zeros(5), abs=1e-6)


@pytest.mark.parametrize("method", FROM_ATTENTION)
def test_a_single_cell_is_a_map(method: Method) -> None:
    grid = whole_grid(1, 1, 9, 9)
    alone = [AttentionMap(np.full((2, 2, 1), 0.5, np.float16), grid)] * 5
    found = maps_of(method, alone, [HEAD], alone[0]).weights
    assert found.shape == (5, 1, 1)
    assert (found > 0).all()


def cleaned_maps(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    return without_sinks(as_attention(maps), ())


@pytest.mark.parametrize("clean", [shares, cleaned_maps])
def test_what_is_not_measured_stays_so_and_spoils_nothing(clean: object) -> None:
    assert callable(clean)
    maps = chosen_heads(planted(), [HEAD])
    maps[0, 0, 0] = np.nan
    found = clean(maps)
    assert np.isnan(found[0, 0, 0])
    assert np.isfinite(found).sum() == maps.size - 1
    assert int(np.nanargmax(cleaned_maps(maps)[0])) == LOOKED[0]


def test_a_map_without_any_number_stays_without() -> None:
    nothing = np.full((5, ROWS, COLUMNS), np.nan, np.float32)
    looks = as_attention(nothing)
    for found in (shares(nothing), without_sinks(looks, ()), relative(looks, (), looks[0])):
        assert np.isnan(found).all()


@pytest.mark.parametrize("method", Method)
def test_a_row_names_its_mathematics_and_says_all_that_people_read(method: Method) -> None:
    about = method.about
    assert callable(method.formula)
    assert Method(str(method)) is method
    assert {about.name, about.meaning, about.unit, *about.ends} <= method_texts()
    assert all((about.name, about.meaning, *about.ends))
    assert about.making.format(name=about.name) == about.making.replace("{name}", about.name)


def test_names_are_told_apart() -> None:
    assert len({method.about.name for method in Method}) == len(Method)


def test_the_table_brings_no_mathematics_with_it() -> None:
    """It is there before the window is."""
    code = "import sys, mmgpt_desktop.methods; print(*{'numpy', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
