"""A picture of what a bundle gets wrong about the sample photos, for its model card.

The questions, and the words that a right answer has, stand in `sample_questions.toml`.
"""

from __future__ import annotations

import itertools
import re
import textwrap
import tomllib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from mmgpt_desktop.engine.bundle_engine import BundleEngine
from mmgpt_desktop.resources import resource_path
from mmgpt_desktop.training.evaluation.answering import Answered, Respondent
from mmgpt_desktop.training.evaluation.tasks import PhotoQuestion

_QUESTIONS = Path(__file__).with_name("sample_questions.toml")
SHEET = resource_path("docs", "failures.webp")
_THUMBNAIL, _ROW, _WIDTH, _MARGIN = 150, 166, 980, 16
_PAPER, _INK, _FAINT = "#ffffff", "#1b1b1b", "#6b6b6b"


Graded = tuple[PhotoQuestion, Answered]


def failures(bundle: Path, out: Path = SHEET) -> str:
    """Draw them, and tell of all answers."""
    graded = examine(bundle)
    draw_failures(graded, out)
    lines = [
        f"{'right' if is_right(each) else 'WRONG'}  {each[0].image}: {each[0].asked} {each[1].text}"
        for each in graded
    ]
    return "\n".join([*lines, f"{sum(map(is_right, graded))} of {len(graded)} are right."])


def examine(bundle: Path) -> list[Graded]:
    """Ask every question of the table; `answers` are the words that a right answer has."""
    table = tomllib.loads(_QUESTIONS.read_text(encoding="utf-8"))
    questions = [
        PhotoQuestion(image, "sample", "", question, tuple(expected))
        for image, asked in table.items()
        for question, expected in asked.items()
    ]
    engine = BundleEngine(bundle)
    engine.load()
    respondent = Respondent(engine, resource_path("samples"))
    return list(respondent.answer_all(questions, "sample photos").items())


def is_right(graded: Graded) -> bool:
    question, answered = graded
    return bool(set(re.findall(r"\w+", answered.text.lower())).intersection(question.answers))


def draw_failures(graded: Sequence[Graded], path: Path) -> None:
    """One row for each photo with wrong answers: the photo, and what was said of it."""
    wrong: dict[str, list[Graded]] = defaultdict(list)
    for each in itertools.filterfalse(is_right, graded):
        wrong[each[0].image].append(each)
    sheet = Image.new("RGB", (_WIDTH, max(1, len(wrong)) * _ROW + _MARGIN), _PAPER)
    for place, (image, rows) in enumerate(wrong.items()):
        _draw_row(sheet, _MARGIN + place * _ROW, image, rows)
    sheet.save(path, optimize=True)


def _draw_row(sheet: Image.Image, top: int, image: str, rows: Sequence[Graded]) -> None:
    with Image.open(resource_path("samples", image)) as photo:
        thumbnail = photo.convert("RGB")
    thumbnail.thumbnail((_THUMBNAIL * 1.4, _THUMBNAIL))
    sheet.paste(thumbnail, (_MARGIN, top))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=15)
    left, line = 2 * _MARGIN + int(_THUMBNAIL * 1.4), top
    for question, answered in rows[:5]:
        said = textwrap.shorten(answered.text, 70, placeholder=" ...")
        pen.text((left, line), question.asked, _FAINT, font)
        sure = f"{said}   ({100 * (answered.certainty or 0):.0f} % certain)"
        pen.text((left + 260, line), sure, _INK, font)
        line += 29
