"""A report as one HTML page that needs nothing else: no script, no network, no other file.

All text from outside goes through `_text`, and the page's own policy forbids a browser to
fetch or run anything.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Iterator

from PIL import Image

from mmgpt_desktop.attention.heatmap import legend
from mmgpt_desktop.attention.reduce import Word
from mmgpt_desktop.messages import CellMaps, Check, Method
from mmgpt_desktop.report import number_texts
from mmgpt_desktop.report.facts import facts
from mmgpt_desktop.report.pictures import Painter
from mmgpt_desktop.report.report import Report
from mmgpt_desktop.resources import resource_path
from mmgpt_desktop.sentences import LINES, MEANINGS, NAMES, VERDICTS
from mmgpt_desktop.text import printable

PHOTO_EDGE, WORD_EDGE = 720, 320
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STOPS = 9
_QUALITY = 85

OnMap = Callable[[float], None]


def page(report: Report, on_map: OnMap = lambda _done: None) -> str:
    """`on_map` gets the fraction that is drawn; what it raises ends the work."""
    say = report.wording
    title = f"{report.question[:80]} – MMGPT Desktop"  # noqa: RUF001
    style = resource_path("style", "report.css").read_text(encoding="utf-8")
    body = "\n".join([*_answer(report), *_methods(report, on_map), *_making(report)])
    return f"""<!DOCTYPE html>
<html lang="{_text(say("en"))}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_text(title)}</title>
<style>
{style}.bar {{ background: {_gradient(report.style.colour_map)}; }}
</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def _answer(report: Report) -> Iterator[str]:
    painter, maps = Painter(report, PHOTO_EDGE), report.maps[0]
    yield "<header>"
    for message in report.request.messages[:-1]:
        yield f'<p class="earlier" dir="auto">{_text(message.text)}</p>'
    yield f'<h1 dir="auto">{_text(report.question)}</h1>'
    words = "".join(_word(report, number, word) for number, word in enumerate(report.words, 1))
    yield f'<p class="answer" dir="auto">{words}</p>'
    yield f'<p class="muted">{_text(_key(report))}</p>'
    yield "</header>"
    yield '<div class="pair">'
    say = report.wording
    name = say("The photo, {name}", name=report.photo.name)
    yield f"<figure>{_image(painter.photo, name)}<figcaption>{_text(name)}</figcaption></figure>"
    whole = say("{method}: the whole answer", method=say(NAMES[maps.method]))
    yield f"<figure>{_image(painter.paint(maps, None), whole)}"
    yield f"<figcaption>{_text(whole)}{_scale(report, maps, None)}</figcaption></figure>"
    yield "</div>"


def _word(report: Report, number: int, word: Word) -> str:
    """A word of the answer as a link to its map; the space before it stays."""
    bare = word.text.strip()
    lead = word.text[: word.text.index(bare)]
    check, say = report.check(report.maps[0].method, word), report.wording
    said = _probability(report, word)
    if check:
        said = say("{one}. {two}", one=said, two=say(VERDICTS[check.verdict]))
    kind = f"word {check.verdict}" if check else "word"
    link = f'<a class="{kind}" href="#word-{number}" title="{_text(said)}">{_text(bare)}</a>'
    return _text(lead) + link


def _probability(report: Report, word: Word) -> str:
    return report.wording("{percent} sure", percent=number_texts.percent(word.probability))


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


def _methods(report: Report, on_map: OnMap) -> Iterator[str]:
    painter, total = Painter(report, WORD_EDGE), len(report.maps) * len(report.words)
    drawn, say = 0, report.wording
    for place, maps in enumerate(report.maps):
        scale = say("Each map has its own scale.")
        if report.style.same_scale:
            scale = say("All words share one scale.")
        yield f"<section>\n<h2>{_text(say(NAMES[maps.method]))}</h2>"
        yield f"<p>{_text(number_texts.joined(say(MEANINGS[maps.method]), scale, say=say))}</p>"
        yield '<div class="cards">'
        for number, word in enumerate(report.words, 1):
            on_map(drawn / total)
            drawn += 1
            target = f' id="word-{number}"' if place == 0 else ""
            yield f'<figure class="card"{target}>{_card(report, painter, maps, word)}</figure>'
        yield "</div>\n</section>"


def _card(report: Report, painter: Painter, maps: CellMaps, word: Word) -> str:
    bare, say = word.text.strip(), report.wording
    check = report.check(maps.method, word)
    name = say("{method} of “{word}”", method=say(NAMES[maps.method]), word=bare)
    verdict = f"<em>{_text(say(VERDICTS[check.verdict]))}</em>" if check else ""
    scale = number_texts.scale(maps.method, report.range(maps, word), say)
    figures = say("{one}. {two}", one=_probability(report, word), two=scale)
    return (
        f'{_image(painter.paint(maps, word), name)}<figcaption><strong dir="auto">{_text(bare)}'
        f"</strong>{_scale(report, maps, word)}{verdict}"
        f"<details><summary>{_text(say('Details'))}</summary>"
        f'<span class="muted">{_text(figures)}</span>'
        f"{_check(report, check) if check else ''}</details></figcaption>"
    )


def _scale(report: Report, maps: CellMaps, word: Word | None) -> str:
    low, high = number_texts.ends(maps.method, report.range(maps, word), report.wording)
    return (
        f' <span class="scale"><span>{_text(low)}</span><span class="bar"></span> '
        f"<span>{_text(high)}</span></span>"
    )


def _check(report: Report, check: Check) -> str:
    rows = "".join(
        f'<span class="row"><span>{_text(what)}</span> <span class="track">'
        f'<span class="share" style="width:{100 * min(1.0, max(0.0, share)):.1f}%"></span></span>'
        f' <span class="figure">{_text(number_texts.percent(share))}</span></span> '
        for what, share in number_texts.bars(check, report.wording)
    )
    return f' <span class="check">{rows}</span>'


def _making(report: Report) -> Iterator[str]:
    say = report.wording
    yield f"<section>\n<h2>{_text(say('How this was made'))}</h2>"
    if report.checks:
        said = say(
            "To test a word, the brightest fifth of its map is hidden in the photo, and the model "
            "is asked how sure it is now. The same is done with as many places drawn by lot "
            "(several times; the mean counts), with the middle, and with the whole photo."
        )
        rule = say(
            "The sentence follows from that. The bright places mattered where hiding them costs "
            "the word a third of its chance more than hiding places drawn by lot, and mattered a "
            "little from a sixth on; but no more than hiding the whole photo costs. Else the word "
            "needs the picture where hiding all of it costs a sixth, and comes from language where "
            "that costs less."
        )
        yield f"<p>{_text(said)}</p>\n<p>{_text(rule)}</p>"
    if any(maps.method is Method.OCCLUSION for maps in report.maps):
        said = say(
            "For “{name}”, squares of the photo are blurred one at a time: first large ones, then "
            "smaller ones where much was lost. What each costs the word (in logarithms of its "
            "probability) adds up; below 0 the word became likelier.",
            name=say(NAMES[Method.OCCLUSION]),
        )
        yield f"<p>{_text(said)}</p>"
    yield f"<details><summary>{_text(say('Details'))}</summary>\n<dl>"
    for name, fact in facts(report):
        yield f"<dt>{_text(name)}</dt><dd>{_text(fact)}</dd>"
    yield "</dl>\n</details>\n</section>"


def _gradient(colour_map: str) -> str:
    colours = legend(colour_map)
    places = [round(stop * (len(colours) - 1) / (_STOPS - 1)) for stop in range(_STOPS)]
    stops = ", ".join("#" + bytes(colours[place]).hex() for place in places)
    return f"linear-gradient(to right, {stops})"


def _image(image: Image.Image, alt: str) -> str:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=_QUALITY)
    data = base64.b64encode(stream.getvalue()).decode()
    size = f'width="{image.width}" height="{image.height}"'
    return f'<img {size} alt="{_text(alt)}" src="data:image/jpeg;base64,{data}">'


def _text(text: str) -> str:
    """Safe inside an element and inside a quoted attribute."""
    return html.escape(printable(text), quote=True)
