"""How an answer came about, as a report's last table tells it."""

from __future__ import annotations

from collections.abc import Iterator

from mmgpt_desktop import __version__
from mmgpt_desktop.honesty import why_hedged
from mmgpt_desktop.report import number_texts
from mmgpt_desktop.report.report import Report


def facts(report: Report) -> Iterator[tuple[str, str]]:
    """Each fact's name and what it is."""
    say, outcome, photo = report.wording, report.outcome, report.photo
    yield say("Model"), f"{report.model.name}. {report.model.description}"
    grid = report.maps[0].grid
    cells = say("{rows} × {columns} cells", rows=grid.rows, columns=grid.columns)  # noqa: RUF001
    yield say("Fusion"), number_texts.listed(report.fusion.name, cells, say=say)
    if any(maps.method.from_attention for maps in report.maps):
        yield say("Heads"), _heads(report)
    if outcome.runtime is not None:
        runtime = outcome.runtime
        parts = (runtime.runtime, runtime.provider, runtime.precision)
        yield say("Runtime"), ", ".join(filter(None, parts))
    if outcome.hedge is not None:
        yield say("Certainty"), say(why_hedged(outcome.hedge))
    elif outcome.certainty is not None:
        yield say("Certainty"), number_texts.percent(outcome.certainty)
    yield say("Sampling"), _sampling(report)
    for note in outcome.notes:
        yield say("Note"), say.note(note)
    size = say("{width} × {height} pixels", width=photo.width, height=photo.height)  # noqa: RUF001
    yield say("Photo"), number_texts.listed(photo.name, size, say=say)
    yield say("Drawing"), _drawing(report)
    yield say("Written by"), f"MMGPT Desktop {__version__}"


def _heads(report: Report) -> str:
    """Counted from 1, as the window does."""
    say, fusion = report.wording, report.fusion
    every = fusion.image_layers * fusion.heads
    if len(report.heads) == every:
        return say("all {count}", count=every)
    pairs = number_texts.listed(
        *(
            say("layer {layer} head {head}", layer=layer + 1, head=head + 1)
            for layer, head in report.heads
        ),
        say=say,
    )
    chosen = report.heads == fusion.head_choice.heads
    return say("{one}. {two}", one=pairs, two=say.note(fusion.head_choice.how)) if chosen else pairs


def _sampling(report: Report) -> str:
    say, sampling = report.wording, report.turn.request.sampling
    if sampling.beams > 1:
        drawn = say("the likeliest of {count} answers followed", count=sampling.beams)
    elif sampling.temperature <= 0:
        drawn = say("greedy")
    else:
        drawn = say(
            "temperature {temperature}, top-p {top_p}, top-k {top_k}, seed {seed}",
            temperature=f"{sampling.temperature:g}",
            top_p=f"{sampling.top_p:g}",
            top_k=sampling.top_k,
            seed=sampling.seed,
        )
    limits = say(
        "repetition penalty {penalty}, at most {count} tokens",
        penalty=f"{sampling.repetition_penalty:g}",
        count=sampling.max_new_tokens,
    )
    return number_texts.listed(drawn, limits, say=say)


def _drawing(report: Report) -> str:
    say, style = report.wording, report.style
    ways = [style.colour_map, say("smooth") if style.smooth else say("each cell even")]
    if style.contours:
        ways.append(say("contours"))
    ways.append(say("opacity {percent}", percent=number_texts.percent(style.opacity)))
    return number_texts.listed(*ways, say=say)
