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

from mmgpt_desktop import __version__
from mmgpt_desktop.attention.heatmap import legend
from mmgpt_desktop.attention.methods import FROM_ATTENTION
from mmgpt_desktop.attention.reduce import Word
from mmgpt_desktop.messages import CellMaps, Check
from mmgpt_desktop.report import texts
from mmgpt_desktop.report.pictures import Painter
from mmgpt_desktop.report.record import Report
from mmgpt_desktop.resources import resource_path
from mmgpt_desktop.text import printable

PHOTO_EDGE, WORD_EDGE = 720, 320
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STOPS = 9
_QUALITY = 85

OnMap = Callable[[float], None]


def page(report: Report, on_map: OnMap = lambda _done: None) -> str:
    """`on_map` gets the fraction that is drawn; what it raises ends the work."""
    title = f"{report.question[:80]} – MMGPT Desktop"  # noqa: RUF001
    style = resource_path("style", "report.css").read_text(encoding="utf-8")
    body = "\n".join([*_answer(report), *_methods(report, on_map), *_making(report)])
    return f"""<!DOCTYPE html>
<html lang="en">
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
    name = f"The photo, {report.photo.name}"
    yield f"<figure>{_image(painter.photo, name)}<figcaption>{_text(name)}</figcaption></figure>"
    whole = f"{texts.NAMES[maps.method]}: mean over the whole answer"
    yield f"<figure>{_image(painter.paint(maps, None), whole)}"
    yield f"<figcaption>{_text(whole)}{_scale(report, maps, None)}</figcaption></figure>"
    yield "</div>"


def _word(report: Report, number: int, word: Word) -> str:
    """A word of the answer as a link to its map; the space before it stays."""
    bare = word.text.strip()
    lead = word.text[: word.text.index(bare)]
    check = report.check(report.maps[0].method, word)
    said = f"probability {texts.percent(word.probability, 1)}"
    said += f". {texts.verdict(check)}" if check else ""
    kind = f"word {check.verdict}" if check else "word"
    link = f'<a class="{kind}" href="#word-{number}" title="{_text(said)}">{_text(bare)}</a>'
    return _text(lead) + link


def _key(report: Report) -> str:
    checked = sum(report.check(report.maps[0].method, word) is not None for word in report.words)
    if not checked:
        return "Choose a word to go to its map. No word of this answer was checked."
    return (
        "Choose a word to go to its map. Solid line: what is bright mattered; dashed: partly; "
        "dotted: the word came from language, or needed other places as much; no line: not "
        f"checked. {checked} of {len(report.words)} words were checked."
    )


def _methods(report: Report, on_map: OnMap) -> Iterator[str]:
    painter, total = Painter(report, WORD_EDGE), len(report.maps) * len(report.words)
    drawn = 0
    for place, maps in enumerate(report.maps):
        yield f"<section>\n<h2>{_text(texts.NAMES[maps.method])}</h2>"
        yield f"<p>{_text(texts.SENTENCES[maps.method])} "
        scale = "All words share one scale" if report.style.same_scale else "Each map has its scale"
        yield f"{scale}: {_text(texts.unit(maps.method))}.</p>"
        yield '<div class="cards">'
        for number, word in enumerate(report.words, 1):
            on_map(drawn / total)
            drawn += 1
            target = f' id="word-{number}"' if place == 0 else ""
            yield f'<figure class="card"{target}>{_card(report, painter, maps, word)}</figure>'
        yield "</div>\n</section>"


def _card(report: Report, painter: Painter, maps: CellMaps, word: Word) -> str:
    bare = word.text.strip()
    check = report.check(maps.method, word)
    image = _image(painter.paint(maps, word), f"{texts.NAMES[maps.method]} of “{bare}”")
    return (
        f'{image}<figcaption><strong dir="auto">{_text(bare)}</strong> '
        f'<span class="muted">probability {_text(texts.percent(word.probability, 1))}</span>'
        f"{_scale(report, maps, word)}{_check(check) if check else ''}</figcaption>"
    )


def _scale(report: Report, maps: CellMaps, word: Word | None) -> str:
    low, high = texts.scale(maps.method, report.range(maps, word))
    return (
        f'<span class="scale"><span>{_text(low)}</span><span class="bar"></span> '
        f"<span>{_text(high)}</span></span>"
    )


def _check(check: Check) -> str:
    rows = "".join(
        f'<span class="row"><span>{_text(what)}</span> <span class="track">'
        f'<span class="share" style="width:{100 * min(1.0, max(0.0, share)):.1f}%"></span></span>'
        f" <span>{share:.2f}</span></span> "
        for what, share in texts.bars(check)
    )
    return f'<span class="check">{rows}</span><em>{_text(texts.verdict(check))}</em>'


def _making(report: Report) -> Iterator[str]:
    yield "<section>\n<h2>How this was made</h2>"
    if report.checks:
        yield f"<p>{_text(_CHECKING)}</p>"
    yield "<dl>"
    for name, said in _facts(report):
        yield f"<dt>{_text(name)}</dt><dd>{_text(said)}</dd>"
    yield "</dl>\n</section>"


_CHECKING = (
    "The bars show the word's probability when the same answer is scored again: with the whole "
    "photo, without the fifth of the cells where the map is brightest, without as many cells "
    "drawn at random (the mean of several draws), and without the centre."
)


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    outcome, photo, grid = report.outcome, report.photo, report.maps[0].grid
    yield "Model", f"{report.model.name}. {report.model.description}"
    yield "Fusion", f"{report.fusion.name}, {grid.rows} × {grid.columns} cells"  # noqa: RUF001
    if any(maps.method in FROM_ATTENTION for maps in report.maps):
        yield "Heads", _heads(report)
    if outcome.runtime is not None:
        yield "Runtime", f"{outcome.runtime.runtime}, {outcome.runtime.provider}"
    if outcome.certainty is not None:
        yield "Certainty", texts.percent(outcome.certainty)
    yield "Sampling", _sampling(report)
    for note in outcome.notes:
        yield "Note", note
    yield "Photo", f"{photo.name}, {photo.width} × {photo.height} pixels"  # noqa: RUF001
    style = report.style
    smooth = "smooth" if style.smooth else "each cell even"
    lines = ", contours" if style.contours else ""
    opacity = texts.percent(style.opacity)
    yield "Drawing", f"{style.colour_map}, {smooth}{lines}, opacity {opacity}"
    yield "Written by", f"MMGPT Desktop {__version__}"


def _heads(report: Report) -> str:
    """Counted from 1, as the window does."""
    fusion = report.fusion
    every = fusion.image_layers * fusion.heads
    if not report.heads or len(report.heads) == every:
        return f"all {every}"
    pairs = ", ".join(f"layer {layer + 1} head {head + 1}" for layer, head in report.heads)
    chosen = report.heads == fusion.head_choice.heads
    return f"{pairs}. {fusion.head_choice.how}" if chosen else pairs


def _sampling(report: Report) -> str:
    sampling = report.request.sampling
    if sampling.beams > 1:
        drawn = f"the likeliest of {sampling.beams} answers followed"
    elif sampling.temperature <= 0:
        drawn = "greedy"
    else:
        drawn = (
            f"temperature {sampling.temperature:g}, top-p {sampling.top_p:g}, "
            f"top-k {sampling.top_k}, seed {sampling.seed}"
        )
    penalty = f"repetition penalty {sampling.repetition_penalty:g}"
    return f"{drawn}, {penalty}, at most {sampling.max_new_tokens} tokens"


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
