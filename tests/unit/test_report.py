"""An answer's report as pictures, film, page and data."""

from __future__ import annotations

import base64
import io
import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFont, ImageSequence

from mmgpt_desktop.attention.answer_maps import MapChoice
from mmgpt_desktop.attention.heatmap import MapStyle, legend
from mmgpt_desktop.attention.maps import LEAST_NEED
from mmgpt_desktop.conversation import Turn, WordCheck
from mmgpt_desktop.errors import AppError, Cancelled
from mmgpt_desktop.messages import (
    AttentionMap,
    CellMaps,
    Check,
    Message,
    PatchGrid,
    RuntimeInfo,
    RuntimeName,
    Timings,
    Verdict,
)
from mmgpt_desktop.methods import Method
from mmgpt_desktop.note import plain
from mmgpt_desktop.report import lettering
from mmgpt_desktop.report import number_texts as texts
from mmgpt_desktop.report.data_files import as_json, as_npz
from mmgpt_desktop.report.html_page import page
from mmgpt_desktop.report.lettering import TextRun, font_for, paragraph
from mmgpt_desktop.report.pictures import FILM_EDGE, PICTURE_EDGE, film, picture, with_legend
from mmgpt_desktop.report.report import Report
from mmgpt_desktop.report.report_files import Kind, save
from mmgpt_desktop.report.wording import Wording
from mmgpt_desktop.resources import resource_path
from mmgpt_desktop.verdicts import LINES, VERDICTS
from mmgpt_desktop.writing import write
from tests.fakes import make_photo, whole_grid
from tests.not_none import not_none
from tests.records import done, fusion_info, model_info, request_about, steps_of

ROWS = COLUMNS = 4
ANSWER = ("A", " red", " ba", "ll", ".", "")
HOSTILE = "</title><script>alert('1')</script><img src=x onerror=\"a()\">&amp;\u202e\x00\ud800 猫"
FUSION = fusion_info(chosen=((0, 1),))
EVERY_HEAD = tuple((layer, head) for layer in range(2) for head in range(3))
MATTERED = Check(Method.HEADS, 1, 2, 0.8, 0.1, (0.7, 0.8), 0.6)
LANGUAGE = Check(Method.HEADS, 0, 1, 0.8, 0.8, (0.79,), 0.8)


def grid(width: int, height: int) -> PatchGrid:
    return whole_grid(ROWS, COLUMNS, width, height)


def make_report(
    answer: Sequence[str] = ANSWER,
    *,
    question: str = "What is it?",
    size: tuple[int, int] = (64, 48),
    name: str = "fake.png",
    checks: tuple[Check, ...] = (),
    note: str = "",
) -> Report:
    """Token `n` looks at cell `n` with every head."""
    photo = make_photo(*size, name=name)
    attention = []
    for index in range(len(answer)):
        weights = np.zeros((2, 3, ROWS * COLUMNS), np.float16)
        weights[:, :, index % (ROWS * COLUMNS)] = 0.5
        attention.append(AttentionMap(weights, grid(*size), 0.25, 0.125))
    steps = steps_of(answer, attention, first_id=10)
    model = replace(model_info(FUSION, name=f"model {question}"), description=question)
    notes, runtime = (plain(note),) if note else (), RuntimeInfo(RuntimeName.ONNX_CPU, "CPU")
    outcome = done(timings=Timings(1, 2, 3, 4), runtime=runtime, notes=notes, certainty=0.5)
    request = request_about(photo, question=question)
    heads = FUSION.head_choice.heads
    found = tuple(WordCheck(check, 0, heads) for check in checks)
    turn = Turn(request, steps, outcome, model=model, checks=found)
    return Report(turn, (MapChoice(Method.HEADS, heads),))


def with_maps(report: Report, *maps: CellMaps) -> Report:
    """The same report of these alone."""
    choices = tuple(MapChoice(each.method) for each in maps)
    return replace(report, turn=replace(report.turn, maps=maps), choices=choices)


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, and the text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def test_a_picture_has_the_photo_the_legend_and_a_caption() -> None:
    report = make_report()
    image = opened(picture(report)).convert("RGB")
    photo_height = round(PICTURE_EDGE * 48 / 64)
    assert image.width == PICTURE_EDGE
    below = np.asarray(image)[photo_height:]
    assert {tuple(c) for c in legend(report.style.colour_map)[::255]} <= {
        tuple(c) for c in below.reshape(-1, 3)
    }
    dark = (below.max(axis=-1) < 90).any(axis=1)
    assert dark.sum() > 30  # lines of text


def test_a_words_picture_is_bright_where_it_looked_and_marks_it() -> None:
    report = replace(make_report(), style=MapStyle("viridis", smooth=False, opacity=1.0))
    word = report.words[1]
    image = np.asarray(opened(picture(report, word)).convert("RGB"))
    brightest, darkest = legend("viridis")[-1], legend("viridis")[0]
    cell = PICTURE_EDGE // COLUMNS
    assert (image[cell // 4, cell + cell // 4] == brightest).all()
    assert (image[cell // 4, cell // 4] == darkest).all()
    assert (image == (0xFF, 0xD7, 0x5E)).all(axis=-1).sum() > 500
    whole = np.asarray(opened(picture(report)).convert("RGB"))
    assert (whole == (0xFF, 0xD7, 0x5E)).all(axis=-1).sum() == 0


def test_what_one_font_lacks_another_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the Chinese font of a system has no Latin letters."""
    latin = lettering.font_for("abc", 20)
    other = ImageFont.load_default(21)  # stands for one that has the rest
    assert isinstance(other, ImageFont.FreeTypeFont)
    monkeypatch.setattr(lettering, "fonts", lambda _size: (latin, other))
    monkeypatch.setattr(
        lettering,
        "lacking",
        lambda font, drawn: {c for c in drawn if c == "\u2202" or c.isascii() != (font is latin)},
    )
    letters = lettering.Letters("a模型b", 20)
    assert list(letters.pieces("a模型b")) == [(latin, "a"), (other, "模型"), (latin, "b")]
    assert letters.getlength("a模b") == pytest.approx(
        latin.getlength("a") + other.getlength("模") + latin.getlength("b")
    )
    assert lettering.can_write("a模型b")
    assert not lettering.can_write("a\u2202")


@pytest.mark.parametrize("size", [(1, 1), (300, 2), (2, 300)])
def test_photos_of_any_shape_become_pictures(size: tuple[int, int]) -> None:
    image = opened(picture(make_report(size=size)))
    assert image.width >= 480


def test_the_checks_stand_in_the_caption() -> None:
    with_check, without = make_report(checks=(MATTERED,)), make_report()
    word = with_check.words[1]
    one, other = opened(picture(with_check, word)), opened(picture(without, word))
    assert one.height > other.height
    assert opened(picture(with_check, with_check.words[0])).height == other.height


@pytest.mark.parametrize(
    "cells",
    [np.zeros((4, 4)), np.full((4, 4), np.nan), np.full((4, 4), 0.3), np.full((4, 4), np.inf)],
)
def test_maps_without_a_range_are_saved_without_complaint(cells: NDArray[Any]) -> None:
    report = make_report()
    weights = np.stack([cells] * len(ANSWER)).astype(np.float32)
    report = with_maps(report, CellMaps(Method.OCCLUSION, weights, grid(64, 48)))
    image = np.asarray(opened(picture(report)).convert("RGB"))
    known = np.isfinite(cells).all()
    assert (image[10, 10] == 90).all() != known  # the bare photo where nothing was measured
    assert ("not measured" in page(report)) != known
    json.loads(as_json(report, "a.npz"))
    as_npz(report)


def test_the_film_shows_each_word_and_then_the_whole_answer() -> None:
    report = make_report(checks=(MATTERED,))
    assert [word.text for word in report.words] == ["A", " red", " ball."]
    done: list[float] = []
    image = opened(film(report, done.append))
    assert (image.format, image.info["loop"]) == ("GIF", 0)
    frames = [
        (frame.size, frame.info["duration"], frame.convert("RGB").tobytes())
        for frame in ImageSequence.Iterator(image)
    ]
    assert len(frames) == len({data for _, _, data in frames}) == 4
    assert len({size for size, _, _ in frames}) == 1
    assert frames[0][0][0] == FILM_EDGE
    assert [time for _, time, _ in frames] == [400, 400, 420, 2500]
    assert done == [0, 0.25, 0.5, 0.75]


def test_a_film_of_one_word_moves_too() -> None:
    assert getattr(opened(film(make_report(("Red",)))), "n_frames", 1) == 2


@pytest.mark.parametrize("make", [film, page])
def test_what_progress_raises_ends_the_work(make: Callable[..., Any]) -> None:
    def stop(done: float) -> None:
        if done > 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        make(make_report(), stop)


def test_the_page_needs_nothing_from_elsewhere() -> None:
    source = page(make_report(checks=(MATTERED, LANGUAGE)))
    shown = Page(source)
    assert shown.open == []
    assert {tag for tag, _ in shown.elements}.isdisjoint(
        {"script", "link", "iframe", "object", "embed", "base", "form", "audio", "video", "svg"}
    )
    policy = next(meta["content"] for meta in shown.all("meta") if "http-equiv" in meta)
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    for _, attributes in shown.elements:
        assert not any(name.startswith("on") for name in attributes)
        assert {"srcset", "action", "data", "poster", "background"}.isdisjoint(attributes)
    assert not re.search(r"https?:|//\w|@import|url\(", re.sub(r'src="data:[^"]*"', "", source))
    for link in shown.all("a"):
        assert str(link["href"]).startswith("#")
    targets = {attributes.get("id") for _, attributes in shown.elements}
    assert {str(link["href"])[1:] for link in shown.all("a")} <= targets


def test_the_pages_pictures_are_whole() -> None:
    shown = Page(page(make_report()))
    images = shown.all("img")
    assert len(images) == 2 + 3
    for image in images:
        head, _, data = str(image["src"]).partition(",")
        assert head == "data:image/jpeg;base64"
        drawn = opened(base64.b64decode(data, validate=True))
        assert (str(drawn.width), str(drawn.height)) == (image["width"], image["height"])
        assert image["alt"]


def test_hostile_text_stays_text() -> None:
    answer = ("<b>A</b>", f" {HOSTILE}", ' "quoted"')
    report = make_report(answer, question=HOSTILE, name=HOSTILE, note=HOSTILE)
    request = report.turn.request
    earlier = (Message("user", HOSTILE), Message("assistant", HOSTILE), *request.messages)
    turn = replace(report.turn, request=replace(request, messages=earlier))
    source = page(replace(report, turn=turn))
    shown, plain = Page(source), Page(page(make_report(("a", " b", " c"))))
    tags = [tag for tag, _ in shown.elements]
    added = [tag for tag, _ in plain.elements]
    assert set(tags) == set(added)
    assert [tag for tag in tags if tag in ("img", "title", "meta")] == [
        tag for tag in added if tag in ("img", "title", "meta")
    ]
    assert "<script" not in source.lower()
    assert "onerror" in shown.text
    assert "<b>A</b>" in shown.text
    assert not {"\u202e", "\x00", "\ud800"} & set(source)
    source.encode()


@pytest.mark.parametrize(
    "text",
    [
        "--><!-- ]]>",
        "</style></figcaption></main></html>",
        "' onmouseover='x()' \" autofocus onfocus=\"x()",
        "javascript:alert(1)",
        "<!DOCTYPE html><meta http-equiv=refresh content=0;url=//x.example>",
        "&lt;script&gt; &#60;b&#62; &amp;amp;",
        "{question} {0} {method} %s",
        "https://x.example/a.png url(//x.example) @import",
        "a\nb\tc\u2028d\ufeff\u0000e",
        "=cmd|'/c calc'!A1",
        "\U0001f431" * 200,
        "",
    ],
)
def test_whatever_is_written_the_page_stays_whole(text: str) -> None:
    """In names, questions, answers, notes and translations: the same elements, all closed."""

    def elements(page_text: str) -> list[tuple[str, list[str]]]:
        shown = Page(page_text)
        assert shown.open == []
        return [(tag, sorted(attributes)) for tag, attributes in shown.elements]

    def made(text: str) -> Report:
        answer = (f"{text}x", f" {text.split()[0] if text.split() else ''}y", " z")
        checks = (MATTERED, LANGUAGE)
        return make_report(
            answer, question=f"{text}?", name=f"{text}.png", note=text or "n", checks=checks
        )

    plain = elements(page(made("plain")))
    source = page(made(text))
    kinds = {(tag, tuple(attributes)) for tag, attributes in plain}
    assert {(tag, tuple(attributes)) for tag, attributes in elements(source)} <= kinds
    for attributes in Page(source).all("a"):
        assert str(attributes["href"]).startswith("#word-")
    for attributes in Page(source).all("img"):
        assert str(attributes["src"]).startswith("data:image/jpeg;base64,")
    assert len(Page(source).all("meta")) == 3
    odd = Wording(lambda english: text.replace("{", "").replace("}", "") + english)
    assert elements(page(replace(made("plain"), wording=odd))) == plain


def test_the_page_says_what_was_asked_seen_and_measured() -> None:
    shown = Page(page(make_report(checks=(MATTERED, LANGUAGE))))
    text = " ".join(shown.text.split())
    for wanted in (
        "What is it?",
        VERDICTS[Verdict.MATTERED],
        VERDICTS[Verdict.LANGUAGE],
        "bright places hidden 10 %",
        "random places hidden 75 %",
        "2 of 3 words were tested",
        LINES,
        "looked least",
        "50 % sure. Colours: how much of its look, from 0.0 % to 50.0 %.",
        "a third of its chance",
        "graph, 4 × 4 cells",  # noqa: RUF001
        "layer 1 head 2. Chosen for tests.",
        "greedy",
    ):
        assert wanted in text, wanted
    kinds = [link["class"] for link in shown.all("a")]
    assert kinds == ["word language", "word mattered", "word"]


@pytest.mark.parametrize("verdict", Verdict)
def test_the_lines_under_words_are_those_of_the_window(verdict: Verdict) -> None:
    style = resource_path("style", "report.css").read_text(encoding="utf-8")
    lined = verdict in (Verdict.MATTERED, Verdict.PARTLY)
    found = re.search(rf"\.{verdict}\b[^{{}}]*{{[^}}]*underline", style)
    assert (found is not None) is lined
    dashed = re.search(rf"\.{verdict} [^{{}}]*{{[^}}]*style: dashed", style)
    assert (dashed is not None) is (verdict is Verdict.PARTLY), "not told by colour alone"


def test_figures_are_the_same_everywhere_and_stay_on_a_line() -> None:
    report = make_report(checks=(MATTERED,))
    source = page(report)
    assert not re.search(r"\d\.\d\d\b(?![^<]*})", Page(source).text), "0.89 beside 89 %"
    assert not re.search(r"\d %", Page(source).text), "a figure and its sign on two lines"
    figures = re.findall(r'<span class="figure">([^<]*)</span>', source)
    assert figures[:2] == ["80\u00a0%", "10\u00a0%"]
    assert re.search(r"\.figure {[^}]*white-space: nowrap", source)


def test_figures_in_a_picture_stay_on_a_line() -> None:
    run = TextRun("so sure: 89\u00a0% of it")
    laid = paragraph([run], 20, font_for("x", 20).getlength("so sure: 89"))
    assert "89 %" in [piece.text for piece in laid.placed]


def test_a_report_says_no_figure_with_powers_of_ten() -> None:
    report = make_report()
    weights = np.full((len(ANSWER), ROWS, COLUMNS), 9.5e-07, np.float32)
    weights[:, 0, 0] = 0.03149
    maps = CellMaps(Method.RELEVANCY, weights, grid(64, 48))
    text = " ".join(Page(page(with_maps(report, maps))).text.split())
    assert "from <0.001 to 0.031." in text
    assert "mattered most" in text
    assert "e-" not in re.sub(r"[a-z]e-[a-z]", "", text)


def test_figures_are_behind_details() -> None:
    source = page(make_report(checks=(MATTERED, LANGUAGE)))
    card = source[source.index('id="word-2"') :]
    card = card[: card.index("</figure>")]
    seen, figures = re.split("<details>", card)
    assert VERDICTS[Verdict.MATTERED] in seen
    assert "%" not in re.sub(r"<[^>]*>", "", seen)
    assert "<summary>Details</summary>" in figures
    assert "whole photo hidden" in figures or "middle hidden" in figures


def scribble(english: str) -> str:
    """As long as the English, but with its places to fill alone."""
    return re.sub(r"(?<!{)\b[A-Za-z']+\b(?!})", "字", english)


def test_the_page_speaks_the_wordings_language() -> None:
    report = make_report(("一", " 只", " 猫"), question="猫?", name="1.png", note="note")
    weights = np.ones((3, ROWS, COLUMNS), np.float32)
    weights[0] = np.nan
    maps = tuple(CellMaps(each, weights, grid(64, 48)) for each in Method)
    wording = Wording(scribble, lambda note: "注")
    for style in (MapStyle(), MapStyle(smooth=False, contours=True, same_scale=True)):
        for heads in (EVERY_HEAD, FUSION.head_choice.heads):
            checks = tuple(WordCheck(each, 0, heads) for each in (MATTERED, LANGUAGE))
            choices = tuple(MapChoice(each, heads) for each in Method)
            turn = replace(report.turn, checks=checks, maps=maps)
            made = Report(turn, choices, style, wording)
            shown = Page(page(made))
            text = " ".join([shown.text, *(str(i["alt"]) for i in shown.all("img"))])
            for ours in ("MMGPT Desktop", "onnx-cpu, CPU", "inferno", "graph", "model", "1.png"):
                text = text.replace(ours, "")
            assert re.findall("[A-Za-z]{2,}", text) == []
            assert shown.all("html")[0]["lang"] == "字"


def test_sentences_and_lists_are_set_as_the_language_sets_them() -> None:
    joints = {
        "{one} {two}": "{one}{two}",
        "{one}, {two}": "{one}、{two}",
        "{one}. {two}": "{one}。{two}",
    }
    wording = Wording(lambda english: joints.get(english, english))
    report = replace(make_report(checks=(MATTERED,)), wording=wording)
    shown = Page(page(report)).text
    assert "Choose a word to go to its map.Line under a word" in shown
    assert " sure。Colours" in shown
    assert "inferno、" in shown


def test_a_picture_is_in_english_where_its_language_cant_be_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report = make_report(checks=(MATTERED,))
    exotic = replace(report, wording=Wording(lambda text: "\U00013000" + text))
    monkeypatch.setattr("mmgpt_desktop.report.lettering.FONTS", ())
    assert picture(exotic, report.words[1]) == picture(report, report.words[1])
    french = replace(report, wording=Wording(lambda text: "Voici " + text))
    assert picture(french, report.words[1]) != picture(report, report.words[1])


def test_what_was_not_measured_is_not_shown() -> None:
    shown = Page(page(make_report()))
    assert "No word of this answer was tested." in shown.text
    assert "without" not in shown.text


def test_a_check_belongs_to_its_method() -> None:
    report = make_report(checks=(replace(MATTERED, method=Method.TAM),))
    assert report.check(Method.HEADS, report.words[1]) is None


def test_no_language_is_blamed_when_other_places_cost_as_much() -> None:
    assert LANGUAGE.verdict is Verdict.LANGUAGE
    assert replace(LANGUAGE, centre=0.2).verdict is Verdict.ANYWHERE


@pytest.mark.parametrize(
    ("method", "number", "said"),
    [
        (Method.HEADS, 0.0004, "<0.1\u00a0%"),
        (Method.MEAN, 0.125, "12.5\u00a0%"),
        (Method.RELATIVE, 3.14, "×3.1"),  # noqa: RUF001
        (Method.OCCLUSION, 1.386, "1.4"),
        (Method.OCCLUSION, -0.5, "-0.5"),
        (Method.TAM, 0.1234, "0.12"),
    ],
)
def test_values_are_told_in_their_unit(method: Method, number: float, said: str) -> None:
    assert texts.value(method, number) == said


def test_the_data_can_be_read_back(tmp_path: Path) -> None:
    report = make_report(checks=(MATTERED,), question=HOSTILE)
    save(report, Kind.JSON, tmp_path / "a.json")
    data = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert data["question"] == HOSTILE
    assert (data["answer"], data["arrays"]) == ("A red ball.", "a.npz")
    assert [word["text"] for word in data["words"]] == ["A", " red", " ball."]
    assert data["checks"][0]["verdict"] == "mattered"
    assert data["maps"][0]["grid"]["box"] == {"left": 0, "top": 0, "right": 64, "bottom": 48}
    with np.load(tmp_path / data["arrays"], allow_pickle=False) as arrays:
        assert arrays["attention"].dtype == np.float16
        assert arrays["attention"].shape == (6, 2, 3, 16)
        assert (arrays[data["maps"][0]["array"]] == report.maps[0].weights).all()
        assert arrays["token_ids"].tolist() == [10, 11, 12, 13, 14, 15]
        assert arrays["elsewhere"].tolist() == [0.25] * 6


def test_numbers_never_replace_another_file(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"precious")
    for name in ("a.json", "a.npz"):
        with pytest.raises(AppError, match="another file"):
            save(make_report(), Kind.JSON, tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["taken", "gone/a.png", "x" * 300, "nul\0.png"])
def test_a_file_that_cant_be_written_is_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(AppError, match="can't be written"):
        write(tmp_path / name, b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_there_must_be_a_picture_an_answer_and_a_map() -> None:
    report = make_report()
    with pytest.raises(AppError, match="without a picture"):
        Report(replace(report.turn, request=replace(report.turn.request, images=())))
    with pytest.raises(AppError, match="empty"):
        Report(replace(report.turn, steps=()))
    with pytest.raises(AppError, match="no map"):
        Report(report.turn, (MapChoice(Method.OCCLUSION),))


def test_occlusion_adds_up_over_a_words_tokens() -> None:
    report = make_report()
    ones = np.ones((len(ANSWER), ROWS, COLUMNS), np.float32)
    lost = CellMaps(Method.OCCLUSION, ones, grid(64, 48))
    assert (report.cells(lost, report.words[2]) == 4).all()
    assert (report.cells(lost, None) == len(ANSWER)).all(), "as in the window"
    assert (report.cells(replace(lost, method=Method.TAM), report.words[2]) == 1).all()


def test_a_word_that_needed_nothing_stays_dark() -> None:
    report = make_report()
    noise = np.random.default_rng(1).normal(0, 0.01, (len(ANSWER), ROWS, COLUMNS))
    maps = CellMaps(Method.OCCLUSION, noise.astype(np.float32), grid(64, 48))
    assert report.range(maps, report.words[0]) == (0, LEAST_NEED)
    ends = report.range(replace(maps, method=Method.TAM), report.words[0])
    assert not_none(ends) == pytest.approx((noise[0].min(), noise[0].max()))


def test_one_scale_for_all_words_if_wanted() -> None:
    report = make_report()
    weights = np.arange(len(ANSWER) * 16, dtype=np.float32).reshape(-1, ROWS, COLUMNS)
    maps = CellMaps(Method.TAM, weights, grid(64, 48))
    assert report.range(maps, report.words[0]) == (0, 15)
    same = replace(with_maps(report, maps), style=MapStyle(same_scale=True))
    assert same.range(maps, same.words[0]) == same.range(maps, same.words[2]) == (0, 71)
    assert "All words share one scale" in page(same)


@pytest.mark.parametrize("seconds", [0, 4_354_819_200])
def test_all_kinds_are_saved_whatever_the_clock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    report, then = make_report(), time.gmtime(seconds)
    for name in ("localtime", "gmtime"):
        monkeypatch.setattr(time, name, lambda *_: then)
    for kind in Kind:
        save(report, kind, tmp_path / f"answer.{kind}")
    with np.load(tmp_path / "answer.npz") as arrays:
        assert len(arrays["token_ids"]) == len(report.turn.steps)


def test_lines_break_where_they_must() -> None:
    laid = paragraph([TextRun("one two three"), TextRun("x" * 100)], 16, 120)
    assert all(piece.x + laid.font.getlength(piece.text) <= 120 for piece in laid.placed)
    assert "".join(piece.text for piece in laid.placed) == "onetwothree" + "x" * 100
    assert laid.height > 5 * 16
    assert paragraph([TextRun("  \n ")], 16, 120).height == 0
    assert paragraph([TextRun("wide")], 16, 1).height > 3 * 16


def test_words_without_spaces_are_drawn_without_them() -> None:
    def between(*texts: str) -> float:
        first, second = paragraph([TextRun(text) for text in texts], 16, 900).placed
        return second.x - paragraph([TextRun(texts[0])], 16, 900).font.getlength(first.text)

    assert between("猫", "坐") == pytest.approx(0)
    assert between("cat", " sits") == pytest.approx(between("cat ", "sits"))
    assert between("cat", " sits") > 2
    lines = {piece.y for piece in paragraph([TextRun("猫")] * 40, 16, 120).placed}
    assert len(lines) > 2


def test_a_font_is_found_or_the_built_in_one_serves() -> None:
    built_in = font_for("What is it?", 20).getname()
    assert font_for("“It” · is…", 20).getname() == built_in
    assert font_for("\U0010fffd", 20).getname() == built_in


def test_a_legends_letters_are_no_larger_than_the_caption() -> None:
    words = ("least", "most")
    high, wide = (
        np.asarray(with_legend(Image.new("RGB", size, "white"), "viridis", *words).convert("L"))
        for size in ((880, 1760), (880, 440))
    )
    rows = [np.flatnonzero((shown < 128)[:, :290].any(axis=1)) for shown in (high, wide)]
    assert np.ptp(rows[0]) == np.ptp(rows[1]) < 880 / 44


@pytest.mark.parametrize("size", [(1, 1), (300, 200), (4096, 10), (10, 4096)])
def test_a_legend_goes_below_pictures_of_any_size(size: tuple[int, int]) -> None:
    shown = with_legend(Image.new("RGB", size), "viridis", "least", "most")
    assert shown.width == size[0]
    assert shown.height > size[1]
    assert not np.asarray(shown)[: size[1]].any()


def test_a_word_without_end_is_measured_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    measured, getlength = list[int](), lettering.Letters.getlength

    def counted(letters: lettering.Letters, text: str) -> float:
        measured.append(len(text))
        return getlength(letters, text)

    monkeypatch.setattr(lettering.Letters, "getlength", counted)
    for letter in ("x", "\u0301"):
        measured.clear()
        placed = paragraph([TextRun(letter * 12_000)], 16, 600).placed
        assert "".join(piece.text for piece in placed) == letter * 12_000
        assert sum(measured) < 100 * 12_000
