"""`mmgpt-desktop explain`: an answer and its maps as pictures, a film, a page and data."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from mmgpt_desktop.attention.answer_maps import MapChoice
from mmgpt_desktop.attention.heatmap import COLOUR_MAPS, MapStyle
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.commands.ask import Asker, add_answering_options, load_asker, print_text
from mmgpt_desktop.engine.base import EngineBase
from mmgpt_desktop.engine.find_maps import find_maps
from mmgpt_desktop.engine.pytorch import missing_torch
from mmgpt_desktop.errors import AppError, NotAvailable
from mmgpt_desktop.imaging.images import load_photo
from mmgpt_desktop.messages import Check, Explanation, GenerationRequest
from mmgpt_desktop.methods import Method
from mmgpt_desktop.paths import path_said
from mmgpt_desktop.report.pictures import picture
from mmgpt_desktop.report.report import Report, attention_of
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
    photo = load_photo(options.photo)
    for note in photo.notes:
        print(note, file=sys.stderr)
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
    steps, outcome = asker.ask(request, print_text)
    if steps:
        print(flush=True)
    if outcome.error:
        raise outcome.error
    for note in asker.notes(steps, outcome):
        print(note, file=sys.stderr)
    if not steps:
        raise AppError("The answer is empty, so there is nothing to save.", "Ask in other words.")
    explanation = Explanation(request, tuple(step.token_id for step in steps))
    methods = dict.fromkeys(options.method or [Method.HEADS])
    heads, attention = asker.fusion.head_choice.heads, attention_of(steps)
    if not attention and any(method.from_attention for method in methods):
        raise AppError("The model gave no attention for this answer.", "Use another method.")
    maps = tuple(
        find_maps(asker.engine, explanation, MapChoice(method, heads), attention)
        for method in methods
    )
    style = MapStyle(
        options.colours,
        not options.cells,
        contours=options.contours,
        same_scale=options.same_scale,
    )
    report = Report(request, tuple(steps), outcome, asker.model, maps, heads, style=style)
    return report if options.no_check else replace(report, checks=_checks(asker.engine, report))


def _checks(engine: EngineBase, report: Report) -> tuple[Check, ...]:
    """Of each word, by the first of the maps."""
    maps, explanation = report.maps[0], report.explanation
    return tuple(
        engine.check(
            explanation,
            slice(word.start, word.stop),
            report.cells(maps, word),
            maps.method,
            CancelToken(),
        )
        for word in report.words
    )


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
