"""From an answer to its maps, by any method: what commands and the evaluation use."""

from __future__ import annotations

from mmgpt_desktop.attention.answer_maps import AnswerMaps, MapChoice
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.base import EngineBase
from mmgpt_desktop.messages import AttentionMap, CellMaps, Explanation, Found


def find_maps(
    engine: EngineBase,
    explanation: Explanation,
    choice: MapChoice,
    attention: tuple[AttentionMap, ...],
    cancel: CancelToken | None = None,
) -> CellMaps:
    """A map for each token of an answer; `attention` came with it, one a token for a method that
    is made of it.

    Raises as `EngineBase.explain`. The window does the same in two steps: the
    engine finds out once what the method needs (`EngineBase.explain`), and maps are made of
    that (`AnswerMaps`) anew whenever other heads are chosen.
    """
    found: list[Found] = []
    engine.explain(explanation, choice.method, cancel or CancelToken(), found.append)
    return AnswerMaps(choice, attention, found[-1] if found else None).maps
