from __future__ import annotations

import numpy as np
import pytest

from mmgpt_desktop.attention.answer_maps import AnswerMaps, MapChoice
from mmgpt_desktop.attention.heatmap import MapStyle
from mmgpt_desktop.attention.maps import LEAST_NEED
from mmgpt_desktop.messages import CellMaps
from mmgpt_desktop.methods import Method
from mmgpt_desktop.ui.heatmap.heatmap_view import HeadSelection, HeatmapView
from mmgpt_desktop.ui.widgets.drawing import draw_heatmap
from mmgpt_desktop.ui.widgets.theme import Theme
from tests.fakes import whole_grid
from tests.gui_fakes import CONCAT, attention_map, make_photo
from tests.records import FUSION

PLAIN = MapStyle("viridis", smooth=False)


def found(method: Method, *values: float) -> AnswerMaps:
    """A token for each value, with that value in cell 0 of two by two."""
    weights = np.zeros((len(values), 2, 2), np.float32)
    weights[:, 0, 0] = values
    maps = CellMaps(method, weights, whole_grid(2, 2, 20, 20))
    return AnswerMaps(MapChoice(method), (), maps)


def test_a_heatmap_has_the_photos_shape_and_its_range() -> None:
    photo = make_photo(200, 100)
    maps = AnswerMaps(MapChoice(heads=((0, 0),)), (attention_map(photo, 5),))
    heatmap = draw_heatmap(maps, (0, 1), PLAIN, 400)
    assert (heatmap.image.width(), heatmap.image.height()) == (400, 200)
    assert (heatmap.low, heatmap.high, heatmap.peak) == (0.0, 0.5, 5)
    assert heatmap.shares is not None


def test_what_hiding_costs_adds_up_over_a_words_tokens() -> None:
    maps = found(Method.OCCLUSION, 1.0, 0.5, 4.0)
    assert maps.cells(0, 2)[0, 0] == pytest.approx(1.5)
    assert found(Method.TAM, 1.0, 0.5, 4.0).cells(0, 2)[0, 0] == pytest.approx(0.75)
    assert draw_heatmap(maps, (0, 2), PLAIN, 400).shares is None


def test_one_scale_for_all_words() -> None:
    maps, words = found(Method.TAM, 1.0, 4.0), [(0, 1), (1, 2)]
    alone = draw_heatmap(maps, (0, 1), PLAIN, 400, words)
    assert (alone.low, alone.high) == (0.0, 1.0)
    style = MapStyle("viridis", smooth=False, same_scale=True)
    among = draw_heatmap(maps, (0, 1), style, 400, words)
    assert (among.low, among.high) == (0.0, 4.0)
    assert among.image.pixelColor(10, 10) != alone.image.pixelColor(10, 10)


def test_a_word_that_needed_nothing_glows_nowhere() -> None:
    maps = found(Method.OCCLUSION, 0.004)
    heatmap = draw_heatmap(maps, (0, 1), PLAIN, 400)
    assert (heatmap.low, heatmap.high) == (0.0, LEAST_NEED)
    dark, bright = (heatmap.image.pixelColor(*place) for place in ((390, 390), (10, 10)))
    assert abs(dark.green() - bright.green()) < 20
    needed = draw_heatmap(found(Method.OCCLUSION, 3.0), (0, 1), PLAIN, 400)
    assert (needed.low, needed.high) == (0.0, 3.0)


def test_what_was_not_measured_is_not_painted() -> None:
    maps = found(Method.OCCLUSION, float("nan"))
    image = draw_heatmap(maps, (0, 1), PLAIN, 400).image
    assert image.pixelColor(10, 10).alpha() == 0
    assert image.pixelColor(390, 390).alpha() == 255


def test_a_look_names_the_heads_that_it_reads(qapp: object, qtbot: object) -> None:
    view = HeatmapView(Theme(qapp, "light"))  # type: ignore[arg-type]
    assert view.map_choice(FUSION) == MapChoice(Method.HEADS, FUSION.head_choice.heads)
    view.set_fusion(FUSION)
    view.heads = HeadSelection(chosen=False)
    assert view.map_choice(FUSION) == MapChoice(Method.MEAN)
    view.heads = HeadSelection(False, 1, 2)
    view.method = Method.NO_SINKS
    assert view.map_choice(FUSION) == MapChoice(Method.NO_SINKS, ((1, 2),))
    assert view.map_choice(CONCAT) == MapChoice(Method.NO_SINKS, CONCAT.head_choice.heads)
    view.method = Method.OCCLUSION
    assert view.map_choice(FUSION) == MapChoice(Method.OCCLUSION)
    view.deleteLater()
