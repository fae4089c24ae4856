"""Text in pictures: a font that has its characters, and lines that fit."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import ImageDraw, ImageFont

from mmgpt_desktop.text import printable

# Tried by their usual file names where the built-in one, which has little but ASCII, falls short.
_FONTS = (
    "DejaVuSans.ttf",
    "NotoSansCJK-Regular.ttc",
    "wqy-microhei.ttc",
    "msyh.ttc",
    "PingFang.ttc",
    "Arial Unicode.ttf",
    "arial.ttf",
)
_NO_GLYPH = "\U0010fffe"
_LINE = 1.4

Font = ImageFont.FreeTypeFont


@dataclass(frozen=True)
class Run:
    """Words in one colour; a marked run has a background."""

    text: str
    colour: str = "black"
    mark: str = ""


@dataclass(frozen=True)
class Placed:
    """A piece of a run on a line, in pixels from the paragraph's corner."""

    x: float
    y: float
    text: str
    run: Run


@dataclass(frozen=True, eq=False)
class Paragraph:
    """Runs laid out in lines of `width` pixels."""

    font: Font
    placed: tuple[Placed, ...]
    height: int

    def draw(self, canvas: ImageDraw.ImageDraw, left: float, top: float) -> None:
        for piece in self.placed:
            place = (left + piece.x, top + piece.y)
            if piece.run.mark:
                box = canvas.textbbox(place, piece.text, self.font)
                canvas.rectangle([box[0] - 2, box[1] - 2, box[2] + 2, box[3] + 2], piece.run.mark)
            canvas.text(place, piece.text, piece.run.colour, self.font)


def paragraph(runs: Sequence[Run], size: int, width: float) -> Paragraph:
    """Break runs at spaces, and words that are wider than a line anywhere."""
    font = font_for("".join(run.text for run in runs), size)
    space, step = font.getlength(" "), round(size * _LINE)
    placed: list[Placed] = []
    x = y = 0.0
    for run in runs:
        for piece in _pieces(printable(run.text), font, width):
            wide = font.getlength(piece)
            if x and x + wide > width:
                x, y = 0.0, y + step
            placed.append(Placed(x, y, piece, run))
            x += wide + space
    return Paragraph(font, tuple(placed), round(y) + step if placed else 0)


def _pieces(text: str, font: Font, width: float) -> Iterator[str]:
    for word in text.split():
        rest = word
        while font.getlength(rest) > width and len(rest) > 1:
            fits = max(1, sum(font.getlength(rest[:end]) <= width for end in range(1, len(rest))))
            yield rest[:fits]
            rest = rest[fits:]
        yield rest


def can_write(text: str) -> bool:
    """Whether a font here has all of the characters."""
    return _has_all(font_for(text, 14), _drawn(text))


@lru_cache(maxsize=64)
def font_for(text: str, size: int) -> Font:
    """The built-in font, or the first one here that has all of the characters, if any has."""
    built_in = ImageFont.load_default(size)
    assert isinstance(built_in, ImageFont.FreeTypeFont)
    wanted = _drawn(text)
    if all(c.isascii() for c in wanted) or _has_all(built_in, wanted):
        return built_in
    for name in _FONTS:
        try:
            font = ImageFont.truetype(name, size)
        except OSError:
            continue
        if _has_all(font, wanted):
            return font
    return built_in


def _drawn(text: str) -> set[str]:
    return {c for c in text if unicodedata.category(c)[0] not in "CMZ"}


def _has_all(font: Font, characters: set[str]) -> bool:
    missing = _glyph(font, _NO_GLYPH)
    return all(_glyph(font, each) != missing for each in characters)


def _glyph(font: Font, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)
