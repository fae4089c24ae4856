"""An answer as it is saved and taken home."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from mmgpt_desktop.attention.answer_maps import MapChoice
from mmgpt_desktop.attention.heatmap import MapStyle
from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.messages import ModelInfo
from mmgpt_desktop.methods import Method
from mmgpt_desktop.report.report import Report
from mmgpt_desktop.ui.heatmap.heatmaps import Heatmaps
from mmgpt_desktop.ui.widgets.texts import wording


def report_maker(
    turn: Turn, model: ModelInfo, heatmaps: Heatmaps, style: MapStyle
) -> Callable[[], Report]:
    """Captures all now; the maps are made when it is called. The answer has ended."""
    captured = turn.copy()
    captured.model = model
    choices = tuple(dict.fromkeys((heatmaps.map_choice(turn), MapChoice(Method.OCCLUSION))))
    return partial(Report, captured, choices, style, wording())
