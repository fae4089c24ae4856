"""The souvenir: an answer with the maps of its key words, as one card to print or to keep.

A card is an A6 sheet at 300 dots an inch: upright below a wide photo, lying beside a tall one.
What visitors and models wrote is drawn, and never read as anything else.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from mmgpt_desktop.attention.heatmap import size_within
from mmgpt_desktop.attention.words import SMALL_WORDS, Word
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.event.profile import Brand, CardKind
from mmgpt_desktop.event.qr import modules
from mmgpt_desktop.honesty import before_doubted
from mmgpt_desktop.imaging.encoded import encoded
from mmgpt_desktop.imaging.images import load_photo
from mmgpt_desktop.messages import Photo, Verdict
from mmgpt_desktop.methods import Unit
from mmgpt_desktop.report.lettering import Letters, Paragraph, TextRun, paragraph
from mmgpt_desktop.report.pictures import Painter, drawable_wording
from mmgpt_desktop.report.report import Report
from mmgpt_desktop.report.wording import Wording
from mmgpt_desktop.text import printable
from mmgpt_desktop.writing import write

DPI = 300
SHORT, LONG = 1240, 1748  # A6, 105 x 148 mm
_PHOTO_LEAST, _PHOTO_MOST = 430, 930  # of the long side
_MARGIN, _GAP, _STRIPE = 56, 30, 12
_FOOT, _LABEL, _SMALL = 146, 32, 27
_MAP_HEIGHT, _MAP_GAP = 200, 22
_LEAST_MODULE = 4  # a third of a millimetre: phones read no smaller ones
_PANORAMA = 2.4  # maps of wider photos take two rows
_COLOUR, _INK, _MUTED, _RULE, _MARK = "#3d4fd0", "#1b1f27", "#596273", "#d8dce3", "#fff0b8"
_QUESTION_SIZES = (42, 38, 34, 30)
ANSWER_SIZES = (64, 56, 48, 42, 36, 32, 28)
_TITLE_SIZES = (40, 36, 32, 28)
_LONGEST = 800  # characters; more than the sheet holds
_FEWEST_WORDS, _MOST_WORDS = 2, 4
_RANK = {Verdict.MATTERED: 0, Verdict.PARTLY: 1, None: 2, Verdict.ANYWHERE: 3, Verdict.LANGUAGE: 3}
_UNNEEDED = 3

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Area:
    """A rectangle on the sheet, in pixels."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def bottom(self) -> int:
        return self.top + self.height


def card(report: Report, brand: Brand, title: str, when: datetime) -> Image.Image:
    """RGB. The key words get a map each; where there are none the whole answer gets one.

    It speaks the report's language. A logo that can't be read is left out.
    """
    words = key_words(report)
    photo, column = areas(report.photo)
    sheet = Image.new("RGB", (SHORT, LONG) if _lies(report.photo) else (LONG, SHORT), "white")
    say = drawable_wording(report)
    _draw_photo(sheet, report.photo, photo, brand.colour or _COLOUR)
    foot = Area(column.left, column.bottom - _FOOT, column.width, _FOOT)
    _draw_foot(sheet, foot, brand, title, date_text(when, say))
    above = Area(column.left, column.top, column.width, column.height - _FOOT - _GAP)
    top = _draw_maps(sheet, above, report, words, say)
    room = Area(column.left, column.top, column.width, top - _GAP - column.top)
    _draw_text(sheet, room, report, words, say)
    return sheet


def as_file(sheet: Image.Image, kind: CardKind) -> bytes:
    """A PDF has one page in the card's true size."""
    if kind == "pdf":
        return encoded(sheet, "PDF", resolution=DPI, quality=95, subsampling=0)
    return encoded(sheet, "PNG", dpi=(DPI, DPI))


def keep(sheet: Image.Image, folder: Path, when: datetime, kind: CardKind) -> Path:
    """Write it under a name that nobody has yet; a whole file or none. Raises AppError."""
    stem = f"card-{when:%Y%m%d-%H%M%S}"
    while (path := folder / f"{stem}-{secrets.token_hex(3)}.{kind}").exists():
        pass
    write(path, as_file(sheet, kind))
    return path


def date_text(when: datetime, say: Wording) -> str:
    """Not by the C library, whose month names may be of a third language."""
    months = (
        say("January"),
        say("February"),
        say("March"),
        say("April"),
        say("May"),
        say("June"),
        say("July"),
        say("August"),
        say("September"),
        say("October"),
        say("November"),
        say("December"),
    )
    month = months[when.month - 1]
    return say("{day} {month} {year}", day=when.day, month=month, year=when.year)


def key_words(report: Report) -> tuple[Word, ...]:
    """At most `_MOST_WORDS`, in the answer's order; none where the answer has no letters.

    Content words whose check says that they needed what they looked at come first, then those
    that were not checked; of two alike the one that says more (the model held it for less
    likely). Words that needed no place fill up to `_FEWEST_WORDS` only.
    """
    spoken = [word for word in report.words if any(map(str.isalnum, word.text))]
    content = [word for word in spoken if word.bare.lower() not in SMALL_WORDS]
    ranked = sorted(content or spoken, key=lambda word: (_rank(report, word), word.probability))
    chosen: dict[str, Word] = {}
    for word in ranked:
        enough = _MOST_WORDS if _rank(report, word) < _UNNEEDED else _FEWEST_WORDS
        if len(chosen) < enough:
            chosen.setdefault(word.bare.lower(), word)
    return tuple(sorted(chosen.values(), key=lambda word: word.start))


def _rank(report: Report, word: Word) -> int:
    check = report.check(report.maps[0].method, word)
    return _RANK[check.verdict if check else None]


def _lies(photo: Photo) -> bool:
    return photo.width >= photo.height


def areas(photo: Photo) -> tuple[Area, Area]:
    """Where the photo goes, to the sheet's edges, and where all the rest."""
    if _lies(photo):
        depth = _depth(photo.height / photo.width)
        top = depth + _STRIPE + _GAP
        rest = Area(_MARGIN, top, SHORT - 2 * _MARGIN, LONG - top - _MARGIN)
        return Area(0, 0, SHORT, depth), rest
    depth = _depth(photo.width / photo.height)
    left = depth + _STRIPE + _MARGIN
    rest = Area(left, _MARGIN, LONG - left - _MARGIN, SHORT - 2 * _MARGIN)
    return Area(0, 0, depth, SHORT), rest


def _depth(ratio: float) -> int:
    return min(_PHOTO_MOST, max(_PHOTO_LEAST, round(SHORT * ratio)))


def _draw_photo(sheet: Image.Image, photo: Photo, area: Area, colour: str) -> None:
    """Whole, and where its shape leaves room on a blurred copy; then a stripe in `colour`."""
    image = Image.fromarray(photo.pixels)
    width, height = size_within(photo.size, area.width, area.height)
    if (width, height) != (area.width, area.height):
        small = ImageOps.fit(image, (max(1, area.width // 8), max(1, area.height // 8)))
        soft = small.filter(ImageFilter.GaussianBlur(6)).resize((area.width, area.height))
        sheet.paste(Image.blend(soft, Image.new("RGB", soft.size, "white"), 0.45), (0, 0))
    place = (area.width - width) // 2, (area.height - height) // 2
    sheet.paste(image.resize((width, height), Image.Resampling.LANCZOS), place)
    if _lies(photo):
        stripe = [0, area.height, sheet.width - 1, area.height + _STRIPE - 1]
    else:
        stripe = [area.width, 0, area.width + _STRIPE - 1, sheet.height - 1]
    ImageDraw.Draw(sheet).rectangle(stripe, colour)


def _draw_foot(sheet: Image.Image, area: Area, brand: Brand, title: str, date: str) -> None:
    """Logo, title, date and link; the link also as a code, since paper can't be clicked."""
    draw = ImageDraw.Draw(sheet)
    draw.rectangle([area.left, area.top, area.right - 1, area.top + 1], _RULE)
    top = area.top + _SMALL
    height, left, right = area.bottom - top, area.left, area.right
    if (logo := _logo(brand, area.width // 4, height)) is not None:
        sheet.paste(logo, (left, top + (height - logo.height) // 2))
        left += logo.width + _SMALL
    if (code := code_picture(brand.link or "", height)) is not None:
        right -= code.width
        sheet.paste(code, (right, top + (height - code.height) // 2))
        right -= _SMALL
    lines = [(title, _TITLE_SIZES, _INK), (date, (_SMALL,), _MUTED)]
    lines += [(_spoken(brand.link), (_SMALL,), _MUTED)] if brand.link else []
    y = top + (height - sum(round(sizes[0] * 1.35) for _, sizes, _ in lines)) / 2
    for text, sizes, colour in lines:
        draw_line(draw, (left, y), text, sizes, colour, right - left)
        y += round(sizes[0] * 1.35)


def _spoken(link: str) -> str:
    """As people say an address."""
    return link.partition("://")[2].rstrip("/")


def _logo(brand: Brand, width: int, height: int) -> Image.Image | None:
    """Transparent parts become paper."""
    if brand.logo is None:
        return None
    try:
        photo = load_photo(brand.logo)
    except AppError as error:
        _log.warning("the card has no logo: %s", error)
        return None
    size = size_within(photo.size, min(width, photo.width), min(height, photo.height))
    return Image.fromarray(photo.pixels).resize(size, Image.Resampling.LANCZOS)


def code_picture(link: str, edge: int) -> Image.Image | None:
    """Without the empty border, since paper is around it; None for a link that is too long."""
    if not link:
        return None
    dark = modules(link)
    scale = edge // len(dark)
    if scale < _LEAST_MODULE:
        return None
    return Image.fromarray(~dark.repeat(scale, 0).repeat(scale, 1)).convert("RGB")


def _draw_maps(
    sheet: Image.Image, area: Area, report: Report, words: Sequence[Word], say: Wording
) -> int:
    """At the bottom of the area, a word below each; returns where they begin."""
    scenes: Sequence[Word | None] = words or [None]
    photo, maps = report.photo, report.maps[0]
    across = 2 if photo.width > _PANORAMA * photo.height else max(2, len(scenes))
    cell = (area.width - (across - 1) * _MAP_GAP) // across
    width, height = size_within(photo.size, cell, _MAP_HEIGHT)
    painter, step = Painter(report, max(width, height)), round(height + 1.7 * _LABEL)
    top = area.bottom - step * -(-len(scenes) // across)
    draw = ImageDraw.Draw(sheet)
    for place, word in enumerate(scenes):
        row, column = divmod(place, across)
        # Narrow maps stay together, unless their words need more room.
        left = area.left + column * (min(cell, max(width, 7 * _LABEL)) + _MAP_GAP)
        sheet.paste(painter.paint(maps, word), (left, top + row * step))
        label = word.bare if word else say("the whole answer")
        draw_line(draw, (left, top + row * step + height + 6), label, (_LABEL,), _INK, cell)
    heading = paragraph([TextRun(_heading(report, say), _MUTED)], _SMALL, area.width)
    top -= heading.height + 8
    heading.draw(draw, area.left, top)
    return top


def _heading(report: Report, say: Wording) -> str:
    model = report.model.name
    if report.maps[0].method.about.unit is Unit.COST:
        return say("What {model} needed to write it. It can be wrong.", model=model)
    return say("Where {model} looked as it wrote. It can be wrong.", model=model)


def _draw_text(
    sheet: Image.Image, area: Area, report: Report, words: Sequence[Word], say: Wording
) -> None:
    """Question and answer, as large as they fit, in the middle of the area's height."""
    width = area.width
    asked = [TextRun(f"{each} ", _MUTED) for each in report.question[:_LONGEST].split()]
    runs = [TextRun(each.text, _INK, _MARK if each in words else "") for each in report.words]
    if report.turn.unsure:
        runs.insert(0, TextRun(say(before_doubted(report.turn.hedge)) + " ", _MUTED))
    question = fitted(asked, _QUESTION_SIZES, width, area.height // 3)
    answer = fitted(runs, ANSWER_SIZES, width, area.height - question.height - _GAP // 2)
    y = area.top + (area.height - question.height - _GAP // 2 - answer.height) // 2
    draw = ImageDraw.Draw(sheet)
    question.draw(draw, area.left, y)
    answer.draw(draw, area.left, y + question.height + _GAP // 2)


def fitted(runs: Sequence[TextRun], sizes: Sequence[int], width: int, height: int) -> Paragraph:
    """In the largest size that fits; in the smallest one cut with an ellipsis if none does."""
    runs = _cut(runs, _LONGEST)
    length = sum(len(run.text) for run in runs)
    for size in sizes:
        if (laid := paragraph(runs, size, width)).height <= height:
            return laid
    while laid.height > height and length > 1:
        length = min(length * 19 // 20, length * height // laid.height + 20)
        laid = paragraph(_cut(runs, length), sizes[-1], width)
    return laid


def _cut(runs: Sequence[TextRun], length: int) -> list[TextRun]:
    kept = list[TextRun]()
    for run in runs:
        if len(run.text) > length:
            return [*kept, TextRun(run.text[:length].rstrip() + "…", run.colour, run.mark)]
        kept.append(run)
        length -= len(run.text)
    return kept


def draw_line(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    sizes: Sequence[int],
    colour: str,
    width: float,
) -> None:
    """One line in the largest size that fits; cut with an ellipsis if none does."""
    shown, end = " ".join(printable(text[:_LONGEST]).split()), ""
    fonts = [Letters(shown, size) for size in sizes]
    font = next((font for font in fonts if font.getlength(shown) <= width), fonts[-1])
    while shown and font.getlength(shown + end) > width:
        shown, end = shown[:-1], "…"
    font.draw(draw, place, shown + end, colour)
