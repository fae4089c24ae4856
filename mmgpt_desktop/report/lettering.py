"""Text in pictures: fonts that have its characters, and lines that fit."""

from __future__ import annotations

import contextlib
import itertools
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import ImageDraw, ImageFont

from mmgpt_desktop.text import printable

# Tried by their usual file names where the built-in one, which has little but ASCII, falls short.
FONTS = (
    "DejaVuSans.ttf",
    "NotoSansCJK-Regular.ttc",
    "wqy-microhei.ttc",
    "msyh.ttc",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "DroidSansFallbackFull.ttf",
    "Arial Unicode.ttf",
    "arial.ttf",
)
_NO_GLYPH = "\U0010fffe"
_LINE = 1.4
_LONGEST = 400  # characters of a line: accents upon accents have no width

Font = ImageFont.FreeTypeFont


class Letters:
    """The font for a text, and others for the characters that it lacks.

    A font of Chinese characters may have no others, and a text has both.
    """

    def __init__(self, text: str, size: int) -> None:
        self._font = font_for(text, size)
        self._others: dict[str, Font] = {}
        self.lacking = 0  # characters that no font has
        for each in lacking(self._font, _drawn(text)):
            other = next((font for font in fonts(size) if not lacking(font, {each})), None)
            if other is not None:
                self._others[each] = other
            else:
                self.lacking += 1

    @property
    def height(self) -> int:
        return sum(self._font.getmetrics())

    def getlength(self, text: str) -> float:
        return sum(font.getlength(piece) for font, piece in self.pieces(text))

    def span(self, canvas: ImageDraw.ImageDraw, top: float) -> tuple[float, float]:
        """From the top of a tall letter to the end of a tail."""
        _, high, _, low = canvas.textbbox((0, top), "bp", self._font)
        return high, low

    def draw(
        self, canvas: ImageDraw.ImageDraw, place: tuple[float, float], text: str, colour: str
    ) -> None:
        """With its left upper corner there, and all on one line."""
        left, base = place[0], place[1] + self._font.getmetrics()[0]
        for font, piece in self.pieces(text):
            canvas.text((left, base), piece, colour, font, anchor="ls")
            left += font.getlength(piece)

    def pieces(self, text: str) -> Iterator[tuple[Font, str]]:
        """Neighbours of one font together."""
        for font, letters in itertools.groupby(text, lambda c: self._others.get(c, self._font)):
            yield font, "".join(letters)


@dataclass(frozen=True)
class TextRun:
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
    run: TextRun


@dataclass(frozen=True, eq=False)
class Paragraph:
    """Runs laid out in lines of `width` pixels."""

    font: Letters
    placed: tuple[Placed, ...]
    height: int

    def draw(self, canvas: ImageDraw.ImageDraw, left: float, top: float) -> None:
        for piece in self.placed:
            place = (left + piece.x, top + piece.y)
            if piece.run.mark:
                # Of one height, whatever the letters: that of a tall one and one with a tail.
                high, low = self.font.span(canvas, place[1])
                end = place[0] + self.font.getlength(piece.text)
                canvas.rectangle((place[0] - 2, high - 2, end + 2, low + 2), piece.run.mark)
            self.font.draw(canvas, place, piece.text, piece.run.colour)


def paragraph(runs: Sequence[TextRun], size: int, width: float) -> Paragraph:
    """Break runs at spaces and between each other, and what is wider than a line anywhere."""
    font = Letters("".join(run.text for run in runs), size)
    space, step = font.getlength(" "), round(size * _LINE)
    placed: list[Placed] = []
    x = y = gap = 0.0
    for run in runs:
        for piece in _pieces(printable(run.text), font, width):
            if piece.isspace():
                gap = space if x else 0.0
                continue
            wide = font.getlength(piece)
            if x and x + gap + wide > width:
                x, y, gap = 0.0, y + step, 0.0
            placed.append(Placed(x + gap, y, piece, run))
            x, gap = x + gap + wide, 0.0
    return Paragraph(font, tuple(placed), round(y) + step if placed else 0)


def _pieces(text: str, font: Letters, width: float) -> Iterator[str]:
    """Spaces, and between them what fits into a line; a space that doesn't break is none."""
    for rest in re.findall(r"[^\S\u00a0]+|[\S\u00a0]+", text):
        while len(rest) > 1 and not rest.isspace():
            begun = rest[:_LONGEST]  # a word without end is never measured whole
            if begun == rest and font.getlength(rest) <= width:
                break
            fits = _fitting(begun, font, width)
            yield _joined(rest[:fits])
            rest = rest[fits:]
        yield _joined(rest)


def _joined(text: str) -> str:
    """Not every font has the space that doesn't break."""
    return text.replace("\u00a0", " ")


def _fitting(text: str, font: Letters, width: float) -> int:
    """How many of the first characters fit into a line; one at least."""
    too_long = bisect_right(range(len(text)), width, key=lambda end: font.getlength(text[:end]))
    return max(1, too_long - 1)


def can_write(text: str) -> bool:
    """Whether the fonts here have all of the characters."""
    return not Letters(text, 14).lacking


def font_for(text: str, size: int) -> Font:
    """The first font that has all of the characters, or else the one that lacks the fewest.

    Nothing here remembers a text: what one visitor of an event wrote is gone with the card.
    """
    wanted = _drawn(text)
    best = fonts(size)[0]
    if not all(c.isascii() for c in wanted):
        best = min(fonts(size), key=lambda font: len(lacking(font, wanted)))
    return best


@lru_cache(maxsize=64)
def fonts(size: int) -> tuple[Font, ...]:
    built_in = ImageFont.load_default(size)
    assert isinstance(built_in, ImageFont.FreeTypeFont)
    found = [built_in]
    for name in FONTS:
        with contextlib.suppress(OSError):
            found.append(ImageFont.truetype(name, size))
    return tuple(found)


def _drawn(text: str) -> set[str]:
    return {c for c in text if unicodedata.category(c)[0] not in "CMZ"}


def lacking(font: Font, characters: set[str]) -> set[str]:
    missing = _glyph(font, _NO_GLYPH)
    return {each for each in characters if _glyph(font, each) == missing}


def _glyph(font: Font, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)
