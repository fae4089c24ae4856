"""A report as pictures: one with legend and caption, and a film of all words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw

from mmgpt_desktop.attention.heatmap import legend, overlay, render, size_within
from mmgpt_desktop.attention.words import Word
from mmgpt_desktop.imaging.encoded import encoded
from mmgpt_desktop.messages import CellMaps, Photo
from mmgpt_desktop.methods import Method
from mmgpt_desktop.report import number_texts
from mmgpt_desktop.report.lettering import Letters, Paragraph, TextRun, can_write, paragraph
from mmgpt_desktop.report.report import Report
from mmgpt_desktop.report.wording import Wording
from mmgpt_desktop.verdicts import VERDICTS

PICTURE_EDGE = 1024
FILM_EDGE = 480
_NARROWEST = 480  # so that the caption can be read under any photo
_LONGEST_QUESTION = 400
_MUTED, _MARK = "#555555", "#ffd75e"
_LETTER_MS, _SHORTEST_MS, _WHOLE_MS = 70, 400, 2500


class Painter:
    """The photo under heatmaps, `edge` pixels on its longer side; shrinks the photo once."""

    def __init__(self, report: Report, edge: int) -> None:
        photo = report.photo
        self._size = size_within(photo.size, edge)
        self.photo = Image.fromarray(photo.pixels).resize(self._size)
        self._below = Photo(np.asarray(self.photo), photo.image_id, photo.name)
        self._report = report

    def paint(self, maps: CellMaps, word: Word | None) -> Image.Image:
        """The map of a word, or with None of the whole answer."""
        report = self._report
        rgba = render(
            report.cells(maps, word),
            maps.grid,
            report.style,
            self._size,
            scale=report.range(maps, word),
        )
        return Image.fromarray(overlay(self._below, rgba))


def picture(report: Report, word: Word | None = None) -> bytes:
    """PNG: the first map of a word or of the whole answer, what it is and what it means."""
    return encoded(_framed(report, Painter(report, PICTURE_EDGE), word), "PNG")


def film(report: Report, on_frame: Callable[[float], None] = lambda _done: None) -> bytes:
    """GIF without end: the words in turn, then the whole answer.

    `on_frame` gets the fraction that is drawn; what it raises ends the work.
    """
    painter, frames, times = Painter(report, FILM_EDGE), list[Image.Image](), list[int]()
    scenes: list[Word | None] = [*report.words, None]
    for scene in scenes:
        on_frame(len(frames) / len(scenes))
        frames.append(_framed(report, painter, scene))
        letters = len(scene.text) if scene else 0
        times.append(max(_SHORTEST_MS, _LETTER_MS * letters) if scene else _WHOLE_MS)
    width, height = frames[0].width, max(frame.height for frame in frames)
    even = [_coloured(frame, width, height) for frame in frames]
    options = {"save_all": True, "append_images": even[1:], "loop": 0, "disposal": 1}
    return encoded(even[0], "GIF", duration=times, **options)


def _coloured(frame: Image.Image, width: int, height: int) -> Image.Image:
    """GIF has 256 colours a frame; each takes its own, few and bright ones too."""
    canvas = Image.new("RGB", (width, height), "white")
    canvas.paste(frame)
    palette = canvas.quantize(256, Image.Quantize.MAXCOVERAGE)
    return canvas.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)


def _framed(report: Report, painter: Painter, word: Word | None) -> Image.Image:
    maps = report.maps[0]
    painted = painter.paint(maps, word)
    width = max(painted.width, _NARROWEST)
    wide = Image.new("RGB", (width, painted.height), "white")
    wide.paste(painted, ((width - painted.width) // 2, 0))
    low, high = number_texts.ends(maps.method, report.range(maps, word), drawable_wording(report))
    above = with_legend(wide, report.style.colour_map, low, high)
    return _captioned(above, _caption(report, word, width))


def _caption(report: Report, word: Word | None, width: int) -> list[Paragraph]:
    size = max(14, width // 44)
    room, small = width - 2 * size, round(size * 0.8)
    question = report.question
    if len(question) > _LONGEST_QUESTION:
        question = question[:_LONGEST_QUESTION] + "…"
    answer = [TextRun(each.text, mark=_MARK if each == word else "") for each in report.words]
    method, say = report.maps[0].method, drawable_wording(report)
    of = say("the whole answer")
    if word:
        percent = number_texts.percent(word.probability)
        sure = say("{percent} sure", percent=percent)
        of = number_texts.listed(f"“{word.text.strip()}”", sure, say=say)
    told = [
        f"{say(method.about.name)} · {of}",
        *(_checked(report, word, say) if word else []),
        f"{report.model.name} · {report.fusion.name} · MMGPT Desktop",
    ]
    return [
        paragraph([TextRun(question, _MUTED)], size, room),
        paragraph(answer, round(size * 1.2), room),
        *(paragraph([TextRun(each, _MUTED)], small, room) for each in told),
    ]


def drawable_wording(report: Report) -> Wording:
    """English where no font here has the language's characters."""
    written = "".join(report.wording(method.about.name) for method in Method)
    return report.wording if can_write(written) else Wording()


def _checked(report: Report, word: Word, say: Wording) -> list[str]:
    check = report.check(report.maps[0].method, word)
    if check is None:
        return []
    bars = ((what, number_texts.percent(share)) for what, share in number_texts.bars(check, say))
    parts = number_texts.listed(
        *(f"{what}{number_texts.SPACE}{share}" for what, share in bars), say=say
    )
    return [say(VERDICTS[check.verdict]), say("How sure: {parts}.", parts=parts)]


def _captioned(above: Image.Image, caption: Sequence[Paragraph]) -> Image.Image:
    gap = 8
    height = sum(each.height + gap for each in caption)
    canvas = Image.new("RGB", (above.width, above.height + height + gap), "white")
    canvas.paste(above)
    draw, top = ImageDraw.Draw(canvas), above.height
    for each in caption:
        each.draw(draw, max(14, above.width // 44), top)
        top += each.height + gap
    return canvas


def with_legend(picture: Image.Image, colour_map: str, low: str, high: str) -> Image.Image:
    """An RGB picture with a strip below it that says what the colours mean."""
    width, height = picture.size
    size = max(10, min(width, height) // 28)
    canvas = Image.new("RGB", (width, height + 3 * size), "white")
    canvas.paste(picture)
    bar = Image.fromarray(legend(colour_map)[np.newaxis]).resize((max(1, width // 3), size))
    canvas.paste(bar, ((width - bar.width) // 2, height + size))
    draw, letters = ImageDraw.Draw(canvas), Letters(low + high, max(10, width // 44))
    top, gap = height + 1.5 * size - letters.height / 2, size / 2
    left = (width - bar.width) // 2
    letters.draw(draw, (left - gap - letters.getlength(low), top), low, "black")
    letters.draw(draw, (left + bar.width + gap, top), high, "black")
    return canvas
