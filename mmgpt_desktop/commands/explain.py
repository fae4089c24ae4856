"""`mmgpt-desktop explain`: an answer and its maps as pictures, a film, a page and data."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmgpt_desktop.attention.answer_maps import MapChoice, attention_maps
from mmgpt_desktop.attention.heatmap import COLOUR_MAPS, MapStyle
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.commands.ask import Asker, add_answering_options, load_asker, load_told
from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.engine.base import EngineBase
from mmgpt_desktop.engine.pytorch import missing_torch
from mmgpt_desktop.errors import AppError, NotAvailable
from mmgpt_desktop.messages import GenerationRequest
from mmgpt_desktop.methods import Method
from mmgpt_desktop.paths import path_said
from mmgpt_desktop.report.pictures import picture
from mmgpt_desktop.report.report import Report
from mmgpt_desktop.report.report_files import Kind, save
from mmgpt_desktop.text import reason_of, safe_name
from mmgpt_desktop.writing import write

NAMES = {
    Kind.PNG: "answer.png",
    Kind.GIF: "film.gif",
    Kind.HTML: "report.html",
    Kind.JSON: "data.json",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photo", type=path_said, help="a picture file")
    parser.add_argument("question", help="what to ask about it")
    parser.add_argument(
        "--out", type=path_said, required=True, metavar="FOLDER", help="made if it is missing"
    )
    kinds = parser.add_argument_group("what to write", "All of it, when none is named.")
    kinds.add_argument("--png", action="store_true", help="answer.png, and word-NN.png for each")
    kinds.add_argument("--gif", action="store_true", help="film.gif: word by word")
    kinds.add_argument("--html", action="store_true", help="report.html: a page that stands alone")
    kinds.add_argument("--json", action="store_true", help="data.json, and its numbers: data.npz")
    parser.add_argument(
        "--method",
        type=Method,
        choices=list(Method),
        action="append",
        metavar="{" + ",".join(Method) + "}",
        help="may be given more than once; the first is drawn in pictures and the film (heads)",
    )
    parser.add_argument("--colours", choices=COLOUR_MAPS, default=COLOUR_MAPS[0])
    parser.add_argument("--cells", action="store_true", help="each cell even, not smooth")
    parser.add_argument("--contours", action="store_true", help="lines of equal value, no colour")
    parser.add_argument("--same-scale", action="store_true", help="one scale for all words")
    parser.add_argument(
        "--no-check", action="store_true", help="don't measure what hiding the brightest cells does"
    )
    add_answering_options(parser)


def run(options: argparse.Namespace) -> int:
    folder = _made(options.out)
    photo = load_told(options.photo)
    asker = load_asker(options)
    for method in options.method or ():
        _require(asker, method)
    report = _answered(asker, asker.request(photo, options.question), options)
    kinds = [kind for kind in Kind if getattr(options, kind)] or list(Kind)
    for kind in kinds:
        save(report, kind, folder / NAMES[kind])
    if Kind.PNG in kinds:
        for number, word in enumerate(report.words, 1):
            write(folder / f"word-{number:02}.png", picture(report, word))
    print(f"Written to {safe_name(str(folder))}.", file=sys.stderr)
    return 0


def _require(asker: Asker, method: Method) -> None:
    """Before the answer, not after it."""
    if method in asker.fusion.lacks:
        title = "The method {method} can't be had with this model and the fusion {fusion}."
        values = {"method": str(method), "fusion": asker.fusion.name}
        hint = "Choose another --method or --fusion."
        raise missing_torch() or NotAvailable(title, hint, **values)


def _answered(asker: Asker, request: GenerationRequest, options: argparse.Namespace) -> Report:
    """Print the answer, and gather what a report needs of it."""
    steps, outcome = asker.ask(request, aloud=True)
    if outcome.reply is not None:
        title = "The model was not asked, so there is nothing to save."
        raise AppError(title, "Ask something else, or add --anyway.")
    if not steps:
        raise AppError("The answer is empty, so there is nothing to save.", "Ask in other words.")
    turn = Turn(request, tuple(steps), model=asker.model)
    turn.end(outcome, asker.model.doubt)
    heads, attention = asker.fusion.head_choice.heads, attention_maps(turn.steps)
    choices = dict.fromkeys(MapChoice(each, heads) for each in options.method or [Method.HEADS])
    if not attention and any(choice.method.from_attention for choice in choices):
        raise AppError("The model gave no attention for this answer.", "Use another method.")
    explanation = turn.explanation
    assert explanation is not None
    turn.maps = tuple(asker.engine.find_maps(explanation, choice, attention) for choice in choices)
    style = MapStyle(
        options.colours,
        not options.cells,
        contours=options.contours,
        same_scale=options.same_scale,
    )
    report = Report(turn, tuple(dict.fromkeys(choices)), style)
    if not options.no_check:
        _check(asker.engine, report)
    if (runtime := asker.engine.runtime) != outcome.runtime:  # it broke after the answer
        print(runtime.note, file=sys.stderr)
    return report


def _check(engine: EngineBase, report: Report) -> None:
    """Check each word by the first of the maps."""
    turn, maps, choice = report.turn, report.maps[0], report.choices[0]
    assert turn.explanation is not None
    for index, word in enumerate(turn.words):
        if word in report.words:
            cells, span = report.cells(maps, word), slice(*word.span)
            check = engine.check(turn.explanation, span, cells, maps.method, CancelToken())
            turn.add_check(choice, index, check)


def _made(folder: Path) -> Path:
    """Before the answer, not after it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        title = "The folder {name} can't be made ({reason})."
        name = safe_name(str(folder))
        reason = reason_of(error)
        raise AppError(title, "Choose another place.", name=name, reason=reason) from error
    return folder
