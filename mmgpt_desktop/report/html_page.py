"""A report as one HTML page that needs nothing else: no script, no network, no other file.

The template escapes all text, and the page's own policy forbids a browser to fetch or run
anything.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from PIL import Image

from mmgpt_desktop.attention.heatmap import colour_stops
from mmgpt_desktop.attention.words import Word
from mmgpt_desktop.imaging.encoded import encoded
from mmgpt_desktop.messages import CellMaps, Check
from mmgpt_desktop.report import number_texts
from mmgpt_desktop.report.facts import facts
from mmgpt_desktop.report.pictures import Painter
from mmgpt_desktop.report.report import Report
from mmgpt_desktop.resources import resource_path
from mmgpt_desktop.text import printable
from mmgpt_desktop.verdicts import LINES, VERDICTS

if TYPE_CHECKING:
    from jinja2 import Template

PHOTO_EDGE, WORD_EDGE = 720, 320
_QUALITY = 85

OnMap = Callable[[float], None]


def page(report: Report, on_map: OnMap = lambda _done: None) -> str:
    """`on_map` gets the fraction that is drawn; what it raises ends the work."""
    return _template().render(
        report=report,
        say=report.wording,
        texts=number_texts,
        key=_key(report),
        gradient=_gradient(report.style.colour_map),
        large=Painter(report, PHOTO_EDGE),
        small=Painter(report, WORD_EDGE),
        words=[_Card(report, report.maps[0], word) for word in report.words],
        cards_by_method=_cards(report, on_map),
        facts=facts(report),
        VERDICTS=VERDICTS,
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    import jinja2  # the window opens without it

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource_path("style")),
        autoescape=True,
        finalize=_printable,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(address=_address, width=_width)
    return environment.get_template("report.html")


@dataclass(frozen=True)
class _Card:
    """What the page says of one word's map."""

    report: Report
    maps: CellMaps
    word: Word

    @property
    def bare(self) -> str:
        return self.word.text.strip()

    @property
    def space(self) -> str:
        """What stands before the word in the answer."""
        return self.word.text[: self.word.text.index(self.bare)]

    @property
    def check(self) -> Check | None:
        return self.report.check(self.maps.method, self.word)

    @property
    def kind(self) -> str:
        return f"word {self.check.verdict}" if self.check else "word"

    @property
    def name(self) -> str:
        say = self.report.wording
        return say("{method} of “{word}”", method=say(self.maps.method.about.name), word=self.bare)

    @property
    def sure(self) -> str:
        percent = number_texts.percent(self.word.probability)
        return self.report.wording("{percent} sure", percent=percent)

    @property
    def said(self) -> str:
        say = self.report.wording
        if self.check is None:
            return self.sure
        return say("{one}. {two}", one=self.sure, two=say(VERDICTS[self.check.verdict]))

    @property
    def figures(self) -> str:
        say, reach = self.report.wording, self.report.range(self.maps, self.word)
        scale = number_texts.scale(self.maps.method, reach, say)
        return say("{one}. {two}", one=self.sure, two=scale)


def _cards(report: Report, on_map: OnMap) -> Iterator[Iterator[_Card]]:
    """Those of each method, while the page is written."""
    total = len(report.maps) * len(report.words)

    def of_method(place: int, maps: CellMaps) -> Iterator[_Card]:
        for done, word in enumerate(report.words, place * len(report.words)):
            on_map(done / total)
            yield _Card(report, maps, word)

    return (of_method(place, maps) for place, maps in enumerate(report.maps))


def _key(report: Report) -> str:
    """What the window says below its answer, too."""
    say = report.wording
    checked = sum(report.check(report.maps[0].method, word) is not None for word in report.words)
    choose = say("Choose a word to go to its map.")
    if not checked:
        return number_texts.joined(choose, say("No word of this answer was tested."), say=say)
    tested = say(
        "{checked} of {words} words were tested.", checked=checked, words=len(report.words)
    )
    return number_texts.joined(choose, say(LINES), tested, say=say)


def _gradient(colour_map: str) -> str:
    stops = ", ".join(f"{colour} {100 * place:.1f}%" for place, colour in colour_stops(colour_map))
    return f"linear-gradient(to right, {stops})"


def _printable(value: object) -> object:
    """What marks of direction and control characters would do to the page is seen instead."""
    return printable(value) if type(value) is str else value


def _address(image: Image.Image) -> str:
    """A picture as an address that holds it."""
    data = base64.b64encode(encoded(image, "JPEG", quality=_QUALITY))
    return f"data:image/jpeg;base64,{data.decode()}"


def _width(share: float) -> str:
    return f"{100 * min(1.0, max(0.0, share)):.1f}%"
