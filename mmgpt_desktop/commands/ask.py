"""`mmgpt-desktop ask`: one question, or a file of them, without a window."""

from __future__ import annotations

import argparse
import codecs
import contextlib
import io
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image

from mmgpt_desktop.attention.heatmap import MapStyle, overlay, render
from mmgpt_desktop.attention.raw import cell_weights
from mmgpt_desktop.attention.words import count_words
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.commands.option_types import number, positive
from mmgpt_desktop.embedded import default_model
from mmgpt_desktop.engine.base import EngineBase
from mmgpt_desktop.engine.open_engine import open_engine
from mmgpt_desktop.errors import AppError, ImageError, PromptError
from mmgpt_desktop.honesty import NOT_ASKED, why_hedged
from mmgpt_desktop.imaging.encoded import encoded
from mmgpt_desktop.imaging.images import load_photo
from mmgpt_desktop.messages import (
    FusionInfo,
    GenerationOutcome,
    GenerationRequest,
    HeadChoice,
    Message,
    ModelInfo,
    Photo,
    Sampling,
    TokenStep,
)
from mmgpt_desktop.methods import Method
from mmgpt_desktop.paths import path_said
from mmgpt_desktop.report.pictures import with_legend
from mmgpt_desktop.text import printable, reason_of, safe_name
from mmgpt_desktop.writing import write

_SAMPLING = ("temperature", "top_p", "top_k", "repetition_penalty", "seed", "max_new_tokens")
HEATMAP_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}

Steps = list[TokenStep]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photo", nargs="?", help="a picture file")
    parser.add_argument("question", nargs="?", help="what to ask about it")
    parser.add_argument("--no-image", action="store_true", help="ask without a photo")
    parser.add_argument("--batch", type=path_said, metavar="IN.jsonl", help=_BATCH_HELP)
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    parser.add_argument(
        "--heatmap", type=path_said, metavar="OUT.png", help="write where the whole answer looked"
    )
    add_answering_options(parser)


def add_answering_options(parser: argparse.ArgumentParser) -> None:
    """What `load_asker` reads."""
    parser.add_argument("--fusion", metavar="NAME", help="one of the model's (its default)")
    parser.add_argument(
        "--fine",
        dest="tiled",
        action="store_true",
        help="read the photo in tiles, if the model can: slower",
    )
    parser.add_argument(
        "--anyway",
        action="store_true",
        help="have the model guess what it has no answer to, such as what a sign says",
    )
    group = parser.add_argument_group("sampling", "Greedy by default; the model sets the rest.")
    group.add_argument("--temperature", type=number(float, 0, 100), metavar="T", help="0 is greedy")
    group.add_argument("--top-p", type=number(float, 0, 1), metavar="P")
    group.add_argument("--top-k", type=number(int, 0), metavar="K")
    group.add_argument("--repetition-penalty", type=number(float, 0.1, 10), metavar="R")
    group.add_argument("--seed", type=number(int, 0))
    group.add_argument("--max-tokens", type=positive, metavar="N", dest="max_new_tokens")


_BATCH_HELP = (
    "answer lines of {image, question}: one JSON object a line on stdout, with the input's "
    "keys kept; paths are relative to the file; a null image asks without a photo; "
    "a line that can't be answered gets an `error`"
)


def run(options: argparse.Namespace) -> int:
    if options.batch is not None:
        return _run_batch(options)
    photo_path, question = _arguments(options)
    if options.heatmap is not None:
        _check_heatmap_path(options.heatmap, photo_path)
    photo = load_told(photo_path) if photo_path else None
    asker = load_asker(options)
    steps, outcome = asker.ask(asker.request(photo, question), aloud=not options.json)
    if options.heatmap is not None and photo:
        write_heatmap(options.heatmap, photo, steps, asker.fusion.head_choice)
    if options.json:
        print(json.dumps(asker.as_object(steps, outcome)))
    return 0


@dataclass(frozen=True, eq=False)
class Asker:
    """A loaded engine, and how all questions are put to it."""

    engine: EngineBase
    model: ModelInfo
    fusion: FusionInfo
    sampling: Sampling
    tiled: bool = False
    anyway: bool = False

    @classmethod
    def load(
        cls,
        engine: EngineBase,
        fusion: str | None,
        *,
        tiled: bool = False,
        anyway: bool = False,
        **sampling: Any,
    ) -> Asker:
        """With the model's own `sampling`, but for what was asked for."""
        model = engine.load()
        asked = {name: value for name, value in sampling.items() if value is not None}
        drawn = replace(model.sampling, **asked)
        return cls(engine, model, model.fusion_info(fusion), drawn, tiled, anyway)

    def request(self, photo: Photo | None, question: str) -> GenerationRequest:
        images, messages = (photo,) if photo else (), (Message("user", question),)
        return GenerationRequest(
            1,
            images,
            messages,
            self.sampling,
            fusion=self.fusion.name,
            tiled=self.tiled,
            anyway=self.anyway,
        )

    def ask(
        self, request: GenerationRequest, cancel: CancelToken | None = None, *, aloud: bool = False
    ) -> tuple[Steps, GenerationOutcome]:
        """Print the answer, too, with `aloud`, and what there is to say of it. Raises AppError."""
        steps: Steps = []

        def keep(step: TokenStep) -> None:
            steps.append(step)
            if aloud:
                print_text(step)

        outcome = self.engine.generate(request, cancel or CancelToken(), keep)
        if aloud and steps:
            print(flush=True)
        if outcome.error:
            raise outcome.error
        for line in self._notes(steps, outcome) if aloud else ():
            print(line, file=sys.stderr)
        return steps, outcome

    def _notes(self, steps: Steps, outcome: GenerationOutcome) -> list[str]:
        notes = [*map(str, outcome.notes or filter(None, [self.engine.runtime.note]))]
        if outcome.reply is not None:
            notes += [outcome.reply.text, NOT_ASKED]
        elif outcome.hedge is not None:
            notes.append(why_hedged(outcome.hedge))
        elif self.model.doubt.about(count_words(steps), outcome.certainty):
            notes.append(f"The model is not sure of this answer ({outcome.certainty or 0:.0%}).")
        return notes

    def as_object(self, steps: Steps, outcome: GenerationOutcome) -> dict[str, Any]:
        """What `--json` prints."""
        runtime, timings = self.engine.runtime, outcome.timings
        answered = {
            "answer": "".join(step.text for step in steps),
            "certainty": outcome.certainty,
            "tokens": [{"text": step.text, "probability": step.probability} for step in steps],
            "fusion": self.fusion.name,
            "runtime": str(runtime.runtime),
            "provider": runtime.provider,
            "grid": self._grid(steps),
            "seconds": {
                "load": round(timings.load, 4),
                "first_token": round(timings.first_token, 4),
                "total": round(timings.total, 4),
            },
        }
        said = {
            "note": str(runtime.note),
            "reply": outcome.reply.text if outcome.reply is not None else "",
            "hedge": str(outcome.hedge or ""),
        }
        return answered | {name: text for name, text in said.items() if text}

    def _grid(self, steps: Steps) -> dict[str, int]:
        """Of the photo as it was read, or of the model's photos in general."""
        read = next((step.attention for step in steps if step.attention is not None), None)
        grid = self.fusion if read is None else read.grid
        return {"rows": grid.rows, "columns": grid.columns}


def write_heatmap(path: Path, photo: Photo, steps: Steps, heads: HeadChoice) -> None:
    """The whole answer's heatmap over the photo."""
    maps = [step.attention for step in steps if step.attention is not None]
    if not maps:
        raise AppError("The answer is empty, so there is no heatmap.", "Ask in other words.")
    cells = cell_weights(maps, heads.heads)
    rgba = render(cells, maps[0].grid, style := MapStyle())
    below = Image.fromarray(overlay(photo, rgba))
    shown = with_legend(below, style.colour_map, *Method.HEADS.about.ends)
    write(path, encoded(shown, HEATMAP_FORMATS[path.suffix.lower()]))


def _run_batch(options: argparse.Namespace) -> int:
    if options.photo or options.no_image or options.heatmap:
        raise AppError("--batch takes its photos and questions from the file, and no --heatmap.")
    path: Path = options.batch
    try:
        stream = path.open("rb")
    except (OSError, ValueError) as error:
        title = "The file {name} can't be read ({reason})."
        raise AppError(title, name=_shown(path), reason=reason_of(error)) from error
    with stream:
        asker = load_asker(options)
        load = lru_cache(maxsize=2)(load_photo)
        for number, line in enumerate(_lines(stream), start=1):
            if line.strip():
                answered = _answer_line(asker, line, number, path.parent, load)
                print(json.dumps(answered), flush=True)
    return 0


def _lines(stream: io.BufferedReader) -> Iterable[bytes]:
    """In UTF-8; PowerShell writes files in UTF-16."""
    if stream.peek(2)[:2] not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return stream
    return (line.encode() for line in io.TextIOWrapper(stream, "utf-16", errors="replace"))


def _answer_line(
    asker: Asker, line: bytes, number: int, folder: Path, load: Callable[[Path], Photo]
) -> dict[str, Any]:
    try:
        given = json.loads(line)
    except (ValueError, RecursionError):
        return {"line": number, "error": "This line is not JSON."}
    if not isinstance(given, dict):
        return {"line": number, "error": "This line is not a JSON object."}
    try:
        image, question = _asked(given)
        photo = load(folder / image) if image is not None else None
        steps, outcome = asker.ask(asker.request(photo, question))
    except AppError as error:
        return given | {"error": str(error)}
    return given | asker.as_object(steps, outcome)


def _asked(given: dict[str, Any]) -> tuple[str | None, str]:
    if not isinstance(given.get("question"), str):
        raise PromptError("This line has no question.")
    if "image" not in given or not isinstance(given["image"], str | None):
        raise ImageError("This line names no image.")
    return given["image"], given["question"]


def _arguments(options: argparse.Namespace) -> tuple[Path | None, str]:
    given = [text for text in (options.photo, options.question) if text is not None]
    if options.no_image and len(given) == 1:
        return None, given[0]
    if not options.no_image and len(given) == 2:
        return path_said(given[0]), given[1]
    raise AppError(
        "Give a photo and a question, or --no-image and a question, or --batch and a file.",
        'For example: mmgpt-desktop ask photo.jpg "What is happening here?"',
    )


def _check_heatmap_path(path: Path, photo: Path | None) -> None:
    """Before the answer, not after it."""
    if photo is None:
        raise AppError("There is no heatmap without a photo.", "Leave out --heatmap.")
    if path.suffix.lower() not in HEATMAP_FORMATS:
        title = "A heatmap can't be written as {name}."
        raise AppError(title, "Choose a name that ends in .png.", name=_shown(path))
    with contextlib.suppress(OSError):  # such as a path that is too long
        if path.parent.is_dir():
            return
    title = "There is no folder {name} for the heatmap."
    raise AppError(title, "Make it first.", name=_shown(path.parent))


def load_asker(options: argparse.Namespace) -> Asker:
    engine = open_engine(options.model or default_model(), options.runtime)
    asked = {name: getattr(options, name) for name in _SAMPLING}
    how = {"tiled": options.tiled, "anyway": options.anyway}
    return Asker.load(engine, options.fusion, **how, **asked)


def load_told(path: Path) -> Photo:
    """A photo; what there is to say of it goes to stderr."""
    photo = load_photo(path)
    for note in photo.notes:
        print(note, file=sys.stderr)
    return photo


def print_text(step: TokenStep) -> None:
    """Signs that a terminal would obey are shown instead."""
    print(printable(step.text), end="", flush=True)


def _shown(path: Path) -> str:
    return safe_name(str(path))
