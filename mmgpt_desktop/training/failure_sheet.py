"""A picture of what a bundle gets wrong about the sample photos, for its model card.

The questions, and the words that a right answer has, stand in `sample_questions.toml`.
"""

from __future__ import annotations

import re
import textwrap
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from mmgpt_desktop.engine.bundle_engine import BundleEngine
from mmgpt_desktop.resources import resource_path
from mmgpt_desktop.training.evaluation.answering import Respondent

_QUESTIONS = Path(__file__).with_name("sample_questions.toml")
SHEET = resource_path("docs", "failures.png")
_THUMBNAIL, _ROW, _WIDTH, _MARGIN = 150, 166, 980, 16
_PAPER, _INK, _FAINT = "#ffffff", "#1b1b1b", "#6b6b6b"


@dataclass(frozen=True)
class GradedAnswer:
    """One question about one sample photo; `expected` are the words of a right answer."""

    image: str
    question: str
    expected: tuple[str, ...]
    answer: str
    certainty: float

    @property
    def right(self) -> bool:
        said = set(re.findall(r"\w+", self.answer.lower()))
        return bool(said & set(self.expected))


def failures(bundle: Path, out: Path = SHEET) -> str:
    """Draw them, and tell of all answers."""
    graded = examine(bundle)
    draw_failures(graded, out)
    lines = [
        f"{'right' if each.right else 'WRONG'}  {each.image}: {each.question} {each.answer}"
        for each in graded
    ]
    return "\n".join([*lines, f"{sum(each.right for each in graded)} of {len(graded)} are right."])


def examine(bundle: Path) -> list[GradedAnswer]:
    """Ask every question of the table."""
    engine = BundleEngine(bundle)
    engine.load()
    respondent = Respondent(engine, resource_path("samples"))
    verdicts = []
    table = tomllib.loads(_QUESTIONS.read_text(encoding="utf-8"))
    for image, questions in table.items():
        photo = respondent.photo(image)
        for question, expected in questions.items():
            steps, outcome = respondent.ask(photo, question)
            text = "".join(step.text for step in steps).strip()
            verdicts.append(
                GradedAnswer(image, question, tuple(expected), text, outcome.certainty or 0.0)
            )
    return verdicts


def draw_failures(verdicts: Sequence[GradedAnswer], path: Path) -> None:
    """One row for each photo with wrong answers: the photo, and what was said of it."""
    wrong: dict[str, list[GradedAnswer]] = {}
    for verdict in verdicts:
        if not verdict.right:
            wrong.setdefault(verdict.image, []).append(verdict)
    sheet = Image.new("RGB", (_WIDTH, max(1, len(wrong)) * _ROW + _MARGIN), _PAPER)
    for place, (image, rows) in enumerate(wrong.items()):
        _draw_row(sheet, _MARGIN + place * _ROW, image, rows)
    sheet.save(path, optimize=True)


def _draw_row(sheet: Image.Image, top: int, image: str, rows: Sequence[GradedAnswer]) -> None:
    with Image.open(resource_path("samples", image)) as photo:
        thumbnail = photo.convert("RGB")
    thumbnail.thumbnail((_THUMBNAIL * 1.4, _THUMBNAIL))
    sheet.paste(thumbnail, (_MARGIN, top))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=15)
    left, line = 2 * _MARGIN + int(_THUMBNAIL * 1.4), top
    for verdict in rows[:5]:
        said = textwrap.shorten(verdict.answer, 70, placeholder=" ...")
        pen.text((left, line), verdict.question, _FAINT, font)
        sure = f"{said}   ({100 * verdict.certainty:.0f} % certain)"
        pen.text((left + 260, line), sure, _INK, font)
        line += 29
