"""The souvenir card, and which words get a map on it."""

from __future__ import annotations

import io
import os
import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import segno
from numpy.typing import NDArray
from PIL import Image

from mmgpt_desktop.attention.answer_maps import MapChoice
from mmgpt_desktop.attention.words import Word
from mmgpt_desktop.conversation import Turn, WordCheck
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.event import card as cards
from mmgpt_desktop.event.card import DPI, LONG, SHORT, as_file, card, date_text, key_words
from mmgpt_desktop.event.profile import Brand
from mmgpt_desktop.honesty import Hedge
from mmgpt_desktop.messages import (
    CellMaps,
    Check,
    Photo,
    TokenStep,
)
from mmgpt_desktop.methods import Method
from mmgpt_desktop.report.lettering import TextRun, font_for, paragraph
from mmgpt_desktop.report.pictures import Painter
from mmgpt_desktop.report.report import Report
from mmgpt_desktop.report.wording import Wording
from tests.fakes import make_photo, whole_grid
from tests.records import done, fusion_info, model_info, request_about

FUSION = fusion_info(1, 1, 4, ((0, 0),))
PLAIN = Brand(None, None, None)
NIGHT = datetime(2026, 11, 24, 21, 30)
TITLE = "Long Night of Science"
ANSWER = "A ginger cat with green eyes sleeps."
HOSTILE = "</b>\u202e{0} %n \x00\x1b[31m (Tj) ET /JS \ud800 猫 😀 ٱلْعَرَبِيَّة"
RARE = "\U00013000"  # a hieroglyph, in none of the fonts that are tried
NEEDED, UNNEEDED = 0.1, 0.8


def make_report(
    answer: str = ANSWER,
    question: str = "What is it?",
    size: tuple[int, int] = (40, 30),
    *,
    hidden: dict[str, float] | None = None,
    probabilities: dict[str, float] | None = None,
    method: Method = Method.HEADS,
    unsure: bool = False,
    hedge: Hedge | None = None,
    wording: Wording | None = None,
) -> Report:
    """`hidden` says for some words what is left of their probability of 0.8."""
    photo = make_photo(*size)
    texts = re.findall(r"\s*\S+", answer) or [answer]
    steps = tuple(
        TokenStep(1, place, place, text, (probabilities or {}).get(text.strip(), 0.5))
        for place, text in enumerate(texts)
    )
    grid = whole_grid(4, 4, *size)
    weights = np.eye(len(texts), 16, dtype=np.float32).reshape(-1, 4, 4)
    checks = tuple(
        WordCheck(Check(method, place, place + 1, 0.8, hidden[text.strip()], (0.8,), 0.8), place)
        for place, text in enumerate(texts)
        if hidden and text.strip() in hidden
    )
    model = model_info(FUSION, name="mmgpt-mini", doubt=1.0 if unsure else 0.0)
    request, maps = request_about(photo, question=question), (CellMaps(method, weights, grid),)
    turn = Turn(request, steps, model=model, maps=maps, checks=checks)
    turn.end(done(certainty=0.5, hedge=hedge), model.doubt)
    return Report(turn, (MapChoice(method),), wording=wording or Wording())


def made(report: Report, brand: Brand = PLAIN, title: str = TITLE) -> Image.Image:
    return card(report, brand, title, NIGHT)


def pixels(sheet: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(sheet)


def words(report: Report) -> list[str]:
    return [word.bare for word in key_words(report)]


def test_key_words_are_those_that_needed_their_place_in_the_answers_order() -> None:
    hidden = {"cat": NEEDED, "sleeps.": NEEDED, "ginger": UNNEEDED, "with": NEEDED}
    report = make_report(hidden=hidden, probabilities={"green": 0.2, "eyes": 0.9})
    assert words(report) == ["cat", "green", "eyes", "sleeps"]


def test_without_checks_key_words_are_those_that_say_most() -> None:
    sure = {"A": 0.01, "with": 0.01, "ginger": 0.9, "cat": 0.8}
    assert words(make_report(probabilities=sure)) == ["cat", "green", "eyes", "sleeps"]


def test_words_that_needed_no_place_fill_up_to_two() -> None:
    every = dict.fromkeys(ANSWER.split(), UNNEEDED)
    assert len(words(make_report(hidden=every))) == 2
    assert words(make_report(hidden={**every, "eyes": NEEDED, "cat": NEEDED})) == ["cat", "eyes"]


def test_small_words_of_chinese_get_no_map() -> None:
    report = make_report("一只 猫 的 沙发 。")
    assert words(report) == ["猫", "沙发"]


def test_a_word_that_comes_twice_gets_one_map() -> None:
    assert words(make_report("Red, red and RED on blue.")) == ["Red", "blue"]


def test_what_calls_the_picture_a_picture_gets_no_map() -> None:
    assert words(make_report("A photo of a picture of a cat.")) == ["cat"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("Yes.", ["Yes"]), ("It is.", ["It", "is"]), ("…!?", []), ("猫。", ["猫"]), ("3", ["3"])],
)
def test_short_answers_have_the_words_that_there_are(answer: str, expected: list[str]) -> None:
    assert words(make_report(answer)) == expected


@pytest.mark.parametrize(
    ("size", "sheet"),
    [
        ((400, 300), (SHORT, LONG)),
        ((300, 400), (LONG, SHORT)),
        ((300, 300), (SHORT, LONG)),
        ((1, 1), (SHORT, LONG)),
        ((3000, 1), (SHORT, LONG)),
        ((1, 3000), (LONG, SHORT)),
        ((1000, 100), (SHORT, LONG)),
        ((9, 16), (LONG, SHORT)),
    ],
)
def test_the_card_stands_or_lies_by_the_photo_and_its_margins_stay_empty(
    size: tuple[int, int], sheet: tuple[int, int]
) -> None:
    for report in (make_report(size=size), make_report(ANSWER * 20, ANSWER * 9, size)):
        drawn = made(report, Brand(None, "#0a7d5a", "https://museum.example/"))
        assert drawn.size == sheet
        picture, column = cards.areas(report.photo)
        got = pixels(drawn)
        assert (got[(picture.height - 1) // 2, (picture.width - 1) // 2] == 90).all()
        below = got[column.top :, : column.right + 1] if sheet[0] == SHORT else got
        paper = [got[column.bottom :, column.left :], got[column.top :, column.right :]]
        assert all((part == 255).all() for part in paper)
        assert (below[-1, column.left] == 255).all()
        inside = got[column.top : column.bottom, column.left : column.right]
        assert (inside < 128).any()


def test_the_photo_is_whole_and_the_stripe_has_the_brands_colour() -> None:
    red = np.full((30, 60, 3), (200, 0, 0), np.uint8)
    red[:, :30] = (0, 0, 200)
    report = make_report(size=(60, 30))
    request = replace(report.turn.request, images=(Photo(red, "x", "x"),))
    both = Report(replace(report.turn, request=request))
    got = pixels(made(both, Brand(None, "#12ab34", None)))
    assert (got[300, 10] == (0, 0, 200)).all()
    assert (got[300, SHORT - 10] == (200, 0, 0)).all()
    assert (got[SHORT // 2 + 5, ::100] == (0x12, 0xAB, 0x34)).all()


def test_each_key_word_gets_its_map_and_a_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[Word | None] = []
    paint = Painter.paint

    def note(self: Painter, maps: CellMaps, word: Word | None) -> Image.Image:
        painted.append(word)
        return paint(self, maps, word)

    monkeypatch.setattr(Painter, "paint", note)
    report = make_report()
    chosen = key_words(report)
    marked = pixels(made(report))
    assert painted == list(chosen)
    yellow = (marked == (0xFF, 0xF0, 0xB8)).all(-1)
    assert yellow.sum() > 5_000
    made(make_report("…"))
    assert painted[len(chosen) :] == [None]  # the whole answer's


def drawn_texts(monkeypatch: pytest.MonkeyPatch, report: Report, brand: Brand = PLAIN) -> str:
    said: list[str] = []
    lay, line = paragraph, cards.draw_line

    def note_paragraph(runs: Sequence[TextRun], size: int, width: float) -> object:
        said.append(" ".join(run.text.strip() for run in runs))
        return lay(runs, size, width)

    def note_line(draw: object, place: object, text: str, *others: object) -> None:
        said.append(text)
        line(draw, place, text, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(cards, "paragraph", note_paragraph)
    monkeypatch.setattr(cards, "draw_line", note_line)
    made(report, brand)
    return "\n".join(said)


def test_all_that_belongs_on_it_is_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    brand = Brand(None, None, "https://museum.example/mmgpt")
    said = drawn_texts(monkeypatch, make_report(), brand).splitlines()
    for text in (
        "What is it?",
        ANSWER,
        "ginger",
        TITLE,
        "24 November 2026",
        "museum.example/mmgpt",
    ):
        assert text in said
    assert "Where mmgpt-mini looked as it wrote. It can be wrong." in said
    assert not any("not sure" in text for text in said)


def test_doubt_and_needs_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said = drawn_texts(monkeypatch, make_report(unsure=True, method=Method.OCCLUSION))
    assert f"I'm not sure, perhaps: {ANSWER}" in said
    assert "What mmgpt-mini needed to write it." in said


def test_a_count_of_many_is_said_to_be_more_than_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    said = drawn_texts(monkeypatch, make_report("12", hedge=Hedge.MANY))
    assert "More than a few, perhaps: 12" in said


def test_it_speaks_the_reports_language_where_a_font_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = Wording(lambda text: {"November": "Nebelung"}.get(text, text))
    assert "24 Nebelung 2026" in drawn_texts(monkeypatch, make_report(wording=other))
    unwritable = Wording(lambda text: RARE + text)
    assert "24 November 2026" in drawn_texts(monkeypatch, make_report(wording=unwritable))


def test_dates_are_the_languages() -> None:
    assert date_text(NIGHT, Wording()) == "24 November 2026"
    chinese = {"November": "11月", "{day} {month} {year}": "{year}年{month}{day}日"}
    say = Wording(lambda text: chinese.get(text, text))
    assert date_text(NIGHT, say) == "2026年11月24日"


@pytest.mark.parametrize(
    "text", ["word " * 3000, "x" * 20_000, "猫" * 20_000, HOSTILE * 50, "\n\t "]
)
def test_any_text_fits_its_place(text: str) -> None:
    runs = [TextRun(each) for each in text.split()]
    laid = cards.fitted(runs, cards.ANSWER_SIZES, 600, 200)
    assert laid.height <= 200
    for piece in laid.placed:
        assert piece.x + laid.font.getlength(piece.text) <= 600
    made(make_report("Yes." + text, text), PLAIN, text)


def test_a_long_answer_is_cut_visibly() -> None:
    laid = cards.fitted([TextRun("word")] * 500, (20,), 300, 100)
    assert laid.placed[-1].text.endswith("…")
    assert not cards.fitted([TextRun("word")], (20,), 300, 100).placed[-1].text.endswith("…")


def test_a_text_with_signs_that_no_font_has_keeps_its_others() -> None:
    whole = font_for("é猫" + RARE, 20)
    assert bytes(whole.getmask("é")) != bytes(whole.getmask("\U0010fffe"))


def test_texts_are_drawn_and_never_written_into_the_files() -> None:
    report = make_report("Red. " + HOSTILE, "secret " + HOSTILE)
    sheet = made(report, PLAIN, "secret " + HOSTILE)
    png, pdf = as_file(sheet, "png"), as_file(sheet, "pdf")
    with Image.open(io.BytesIO(png)) as opened:
        opened.load()
        assert set(opened.info) == {"dpi"}
    assert b"secret" not in png + pdf
    without_pixels = re.sub(rb"stream\b.*?endstream", b"", pdf, flags=re.DOTALL)
    names = rb"/(JS|JavaScript|URI|OpenAction|AA|Launch|Annots|Font)\b"
    assert b"/Image" in without_pixels
    assert not re.search(names, without_pixels)


def test_files_have_the_size_of_a_postcard() -> None:
    sheet = made(make_report())
    with Image.open(io.BytesIO(as_file(sheet, "png"))) as opened:
        assert opened.size == (SHORT, LONG)
        assert opened.info["dpi"] == pytest.approx((DPI, DPI), abs=0.1)
    box = re.search(rb"/MediaBox \[([\d. ]+)\]", as_file(sheet, "pdf"))
    assert box is not None
    *_, width, height = (float(each) / 72 * 25.4 for each in box[1].split())
    assert [width, height] == pytest.approx([105, 148], abs=0.1)


def png_of_size(width: int, height: int) -> bytes:
    """A header that promises much, and nothing after it."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))


@pytest.mark.parametrize(
    "logo",
    [
        b"",
        b"\x00" * 1000,
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n",
        png_of_size(100_000, 100_000),
        png_of_size(30, 30),
        "folder",
        "pipe",
        "missing",
    ],
)
def test_a_hostile_logo_is_left_out(logo: bytes | str, tmp_path: Path) -> None:
    path = tmp_path / "logo.png"
    if logo == "folder":
        path.mkdir()
    elif logo == "pipe":
        os.mkfifo(path)
    elif isinstance(logo, bytes):
        path.write_bytes(logo)
    report = make_report()
    assert as_file(made(report, Brand(path, None, None)), "png") == as_file(made(report), "png")


@pytest.mark.parametrize("size", [(1, 1), (3000, 10), (10, 3000), (300, 100)])
def test_a_logo_of_any_shape_fits_and_its_ground_is_paper(
    size: tuple[int, int], tmp_path: Path
) -> None:
    path = tmp_path / "logo.png"
    logo = Image.new("RGBA", size, (255, 0, 0, 0))
    logo.paste((0, 120, 0, 255), (0, 0, max(1, size[0] // 2), size[1]))
    logo.save(path)
    drawn = made(make_report(), Brand(path, None, None))
    got = pixels(drawn).astype(int)
    green = (got[..., 1] - got[..., 0] > 40) & (got[..., 1] - got[..., 2] > 40)
    rows, columns = np.nonzero(green[LONG - 250 :])
    assert rows.size
    assert columns.max() < SHORT / 2
    red = (got[..., 0] - got[..., 1] > 60) & (got[..., 0] - got[..., 2] > 60)
    assert not red[LONG - 250 :].any()


def test_the_link_is_a_code_that_a_phone_can_read_on_paper() -> None:
    link = "https://museum.example/mmgpt"
    code = cards.code_picture(link, 120)
    assert code is not None
    dark = np.array(segno.make_qr(link, error="m").matrix, bool)
    scale = code.width // len(dark)
    assert scale >= 4
    assert ((pixels(code)[::scale, ::scale, 0] == 0) == dark).all()
    assert cards.code_picture("https://museum.example/" + "x" * 170, 120) is None
    assert cards.code_picture("", 120) is None


def test_cards_are_kept_under_names_of_their_own(tmp_path: Path) -> None:
    sheet = made(make_report())
    paths = {cards.keep(sheet, tmp_path, NIGHT, "png") for _ in range(3)}
    assert {path.name[:21] for path in paths} == {"card-20261124-213000-"}
    assert set(tmp_path.iterdir()) == paths  # and nothing unfinished
    with pytest.raises(AppError, match="can't be written"):
        cards.keep(sheet, tmp_path / "gone", NIGHT, "png")
