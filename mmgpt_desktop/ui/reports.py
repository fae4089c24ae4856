"""From an answer in the window to a report of it."""

from __future__ import annotations

from collections.abc import Callable

from mmgpt_desktop.attention.methods import FROM_ATTENTION, from_attention
from mmgpt_desktop.messages import Method, ModelInfo
from mmgpt_desktop.report.record import Report, Style, attention_of
from mmgpt_desktop.ui.drawing import Look
from mmgpt_desktop.ui.session import Turn
from mmgpt_desktop.ui.texts import wording


def report_maker(turn: Turn, model: ModelInfo, look: Look, style: Style) -> Callable[[], Report]:
    """Captures a finished turn now; the maps are made when it is called, in any thread.

    What it returns raises AppError where there is nothing to show.
    """
    request, steps, outcome = turn.request, tuple(turn.steps), turn.outcome
    found, neutral = dict(turn.findings.maps), turn.findings.neutral
    looks = (look, Look(Method.OCCLUSION))
    checks = tuple(check for (each, _), check in turn.findings.checks.items() if each in looks)
    heads = look.heads or model.fusion_info(turn.fusion).head_choice.heads
    assert request is not None
    assert outcome is not None
    language = wording()

    def make() -> Report:
        attention = attention_of(steps)
        known = neutral is not None or look.method is not Method.RELATIVE
        if look.method in FROM_ATTENTION and attention and known:
            found[look.method] = from_attention(look.method, attention, look.heads, neutral)
        maps = tuple(
            found[method]
            for method in dict.fromkeys(each.method for each in looks)
            if method in found and found[method].done >= 1
        )
        return Report(request, steps, outcome, model, maps, heads, checks, style, language)

    return make
