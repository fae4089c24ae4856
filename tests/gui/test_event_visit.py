"""A visitor's way through the show: a picture, a question, the answer and its places."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from mmgpt_desktop.errors import PromptError
from mmgpt_desktop.event.profile import EventSample
from mmgpt_desktop.languages import unknown_language
from mmgpt_desktop.ui.event.event_app import EventApp
from mmgpt_desktop.ui.event.scale import TARGET, contrast, text_on
from mmgpt_desktop.ui.pictures.camera import Camera
from mmgpt_desktop.ui.widgets.theme import THEMES
from tests.gui.drops import addresses, drop, files
from tests.gui.event_parts import (
    MakeShow,
    ask,
    idle,
    open_sample,
    picture,
    press,
    touch,
    turn_round,
    until,
)
from tests.gui_fakes import FakeEngine
from tests.records import MODEL

CONTRASTS = ("#ffb000", "#000000", "#ffffff", "#7f7f7f", "#3d4fd0", "#e60028", "#00ff88")


def choose_sample(show: EventApp, place: int = 0) -> None:
    """By touch, from the start page on."""
    window = show.window
    touch(window.start_page.samples)
    until(lambda: len(window.chooser.tiles) == len(show.stage.samples))
    touch(window.chooser.tiles[place])
    until(lambda: window.pages.currentWidget() is window.answer_page)


def touch_card(show: EventApp, card: int = 0) -> None:
    touch(show.stage.page.asking.cards[card])
    until(lambda: show.stage.visit.current.turns)
    idle(show)


def test_a_visit_by_touch_from_the_start_to_the_words_place(show: EventApp) -> None:
    page = show.stage.page
    choose_sample(show)
    assert [card.question for card in page.asking.cards] == ["What is one?", "Why one?"]
    assert page.headline.isVisible()
    touch_card(show)
    turn = show.stage.visit.current.turns[0]
    assert turn.answer == "A red ball in the corner."
    assert page.question.text() == "“What is one?”"
    assert page.answer.toPlainText() == turn.answer
    until(lambda: show.stage.heatmaps.chosen == (turn, 5))  # "corner" is the longest
    red = page.answer.spans[1]
    cursor = page.answer.textCursor()
    cursor.setPosition(red.start + 1)
    touch(page.answer.viewport(), page.answer.cursorRect(cursor).center())
    assert show.stage.heatmaps.chosen == (turn, 1)
    until(lambda: "“red”" in page.caption.text())
    until(lambda: "hardly more than others" in page.verdict.text())
    until(lambda: page.picture.view.layer is not None)


def test_the_place_follows_the_words_while_they_are_written(make_show: MakeShow) -> None:
    engine = FakeEngine(gated=True)
    show = make_show(engine)
    choose_sample(show)
    touch(show.stage.page.asking.cards[0])
    captions = []
    for word in ("A", "red", "ball"):
        engine.release()
        until(lambda word=word: f"“{word}”" in show.stage.page.caption.text())  # type: ignore[misc]
        captions.append(show.stage.page.caption.text())
    assert len(set(captions)) == 3
    assert show.stage.page.certainty.isHidden()
    engine.release(10)
    idle(show)


def test_the_certainty_is_said_in_words(make_show: MakeShow) -> None:
    show = make_show(FakeEngine(certainty=0.93))
    choose_sample(show)
    touch_card(show)
    assert show.stage.page.certainty.text() == "Sure, 93 %"


def test_a_question_of_ones_own_is_typed_on_the_screen(show: EventApp) -> None:
    choose_sample(show)
    asking = show.stage.page.asking
    touch(asking.line)
    assert asking.keyboard.isVisible()
    assert not asking.cards[0].isVisible()
    for letter in "is it?":
        touch(asking.keyboard.keys[letter])
    assert asking.line.text() == "Is it?"
    touch(asking.keyboard.erase)
    assert asking.line.text() == "Is it"
    touch(asking.keyboard.ask)
    until(lambda: show.stage.visit.current.turns)
    assert show.stage.visit.current.turns[0].question == "Is it"
    assert asking.line.text() == ""
    assert not asking.keyboard.isVisible()


def test_a_visit_by_keyboard(show: EventApp) -> None:
    window = show.window
    assert QApplication.focusWidget() is window.start_page.offered[0]
    press(window, Qt.Key.Key_Tab)
    press(window, Qt.Key.Key_Space)
    assert QApplication.focusWidget() is window.chooser.tiles[0]
    press(window, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is window.chooser.tiles[1]
    press(window, Qt.Key.Key_Space)
    until(lambda: window.pages.currentWidget() is window.answer_page)
    assert QApplication.focusWidget() is show.stage.page.asking.cards[0]
    press(window, Qt.Key.Key_Space)
    until(lambda: show.stage.visit.current.turns and not show.stage.asker.busy)
    show.stage.page.answer.setFocus()
    press(window, Qt.Key.Key_Left)
    turn = show.stage.visit.current.turns[0]
    assert show.stage.heatmaps.chosen == (turn, 4)


def tab_order(show: EventApp, first: QWidget) -> list[QWidget]:
    """What the Tab key reaches from `first` on, once round."""
    first.setFocus()
    reached = list[QWidget]()
    while (now := QApplication.focusWidget()) is not first or not reached:
        assert now is not None
        reached.append(now)
        press(show.window, Qt.Key.Key_Tab)
    return reached


def test_the_tab_key_goes_where_the_eye_goes(show: EventApp) -> None:
    window, page = show.window, show.stage.page
    for sample in show.stage.samples:
        show.stage.open(sample.photo)
    until(lambda: len(page.thumbnails) == 2)
    page.photo_chosen.emit(0)
    touch_card(show)
    asking, header = page.asking, window.header
    assert tab_order(show, header.language) == [
        *(header.language, header.another, header.done),
        *(page.picture.view, *page.thumbnails, page.answer),
        *(*asking.cards, asking.line, asking.letters, asking.ask),
    ]
    show.stage.choose_sample()
    chooser = window.chooser
    assert tab_order(show, header.language) == [header.language, *chooser.tiles, chooser.back]


def test_there_is_a_way_back_from_looking_for_another_picture(show: EventApp) -> None:
    window, header = show.window, show.window.header
    assert not header.back.isVisible()
    choose_sample(show)
    touch_card(show)
    touch(header.another)
    assert window.pages.currentWidget() is window.start_page
    assert header.done.isVisible()
    touch(header.back)
    assert window.pages.currentWidget() is window.answer_page
    assert show.stage.page.answer.toPlainText() == "A red ball in the corner."
    touch(header.another)
    touch(header.done)
    assert not header.back.isVisible()
    assert show.stage.visit.conversations == []


def test_a_picture_is_kept_for_the_organiser_once(make_show: MakeShow, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    show = make_show(numbers={"pictures": kept})
    choose_sample(show)
    show.stage.page.photo_chosen.emit(0)
    touch(show.window.header.another)
    touch(show.window.header.back)
    choose_sample(show, 0)
    written: list[bool] = []
    show.stage.count(lambda: written.append(True))
    until(lambda: written)
    assert len(list(kept.iterdir())) == 1


@pytest.mark.parametrize("pictures", [False, True])
@pytest.mark.parametrize("texts", [False, True])
def test_visitors_are_told_what_is_kept(
    make_show: MakeShow, tmp_path: Path, pictures: bool, texts: bool
) -> None:
    file, folder = tmp_path / "numbers.csv", tmp_path if pictures else None
    show = make_show(numbers={"file": file, "texts": texts, "pictures": folder}, wait=False)
    said = show.window.start_page.privacy.text()
    kept = said.partition("organiser")[2]
    assert ("pictures" in kept, "questions" in kept) == (pictures, texts)


def test_a_picture_file_is_dropped(show: EventApp, tmp_path: Path) -> None:
    drop(show.window, files(tmp_path / "two.png"))
    until(lambda: show.stage.visit.conversations)
    assert show.window.pages.currentWidget() is show.window.answer_page


def test_the_window_alone_takes_drops(make_show: MakeShow) -> None:
    window = make_show().window
    assert window.acceptDrops()
    takers = [each for each in window.findChildren(QWidget) if each.acceptDrops()]
    assert takers == []  # a file's path is no question


def test_web_addresses_and_broken_files_are_refused_in_a_line(
    show: EventApp, tmp_path: Path
) -> None:
    drop(show.window, addresses("https://example.org/cat.jpg"))
    assert show.window.line.isVisible()
    assert "no picture" in show.window.line.text()
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    show.window.unsay()
    drop(show.window, files(broken))
    until(show.window.line.isVisible)
    assert show.stage.visit.conversations == []


def test_what_the_profile_forbids_is_not_offered(make_show: MakeShow) -> None:
    show = make_show(lock={"drop": False})
    page = show.window.start_page
    assert page.offered == [page.samples]
    assert not show.window.acceptDrops()


def test_the_one_folder_is_shown_and_nothing_outside_of_it(
    make_show: MakeShow, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "deeper").mkdir()
    for name in ("b.png", "a.png", ".hidden.png", "deeper/c.png"):
        picture().save(str(folder / name))
    (folder / "notes.txt").write_text("secret")
    (folder / "link.png").symlink_to(tmp_path / "one.png")
    show = make_show(lock={"files": folder})
    chooser = show.window.chooser
    touch(show.window.start_page.drop)
    until(lambda: len(chooser.tiles) == 2)
    assert [tile.accessibleName() for tile in chooser.tiles] == ["a", "b"]
    touch(chooser.tiles[1])
    until(lambda: show.stage.visit.current.photo is not None)
    assert show.stage.visit.current.photo is not None
    assert show.stage.visit.current.photo.name == "b.png"


DRAWING = b"""<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30">
<rect width="40" height="30" fill="red"/></svg>"""


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_a_file_is_opened_as_everywhere_whatever_it_is_called(
    make_show: MakeShow, tmp_path: Path, name: str
) -> None:
    """Qt would open a drawing by its content, and the files that it names."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / name).write_bytes(DRAWING)
    picture().save(str(folder / "b.png"))
    show = make_show(lock={"files": folder})
    tiles = show.window.chooser.tiles
    touch(show.window.start_page.drop)
    until(lambda: len(show.window.chooser.tiles) == 2)
    tiles = show.window.chooser.tiles
    until(lambda: not tiles[1].picture.isNull())
    assert tiles[0].picture.isNull()
    assert tiles[1].picture.size() == QSize(640, 480)


def test_a_drawing_is_no_logo(make_show: MakeShow, tmp_path: Path) -> None:
    logo = tmp_path / "logo.png"
    logo.write_bytes(DRAWING)
    show = make_show(brand={"logo": logo})
    choose_sample(show)
    assert not show.window.header.logo.isVisible()
    assert show.window.header.title.whole == "A test"


def test_what_is_transparent_in_a_logo_stays_so(make_show: MakeShow, tmp_path: Path) -> None:
    image = QImage(40, 20, QImage.Format.Format_RGBA8888)
    image.fill(Qt.GlobalColor.transparent)
    image.setPixelColor(5, 5, Qt.GlobalColor.red)
    image.save(str(tmp_path / "logo.png"))
    header = make_show(brand={"logo": tmp_path / "logo.png"}).window.header
    until(lambda: not header.logo.pixmap().isNull())
    shown = header.logo.pixmap().toImage()
    assert shown.pixelColor(shown.width() - 1, shown.height() - 1).alpha() == 0


def test_many_pictures_come_in_pages(make_show: MakeShow, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(8):
        picture().save(str(folder / f"{number}.png"))
    show = make_show(lock={"files": folder})
    chooser = show.window.chooser
    touch(show.window.start_page.drop)
    until(lambda: len(chooser.tiles) == 6)
    assert not chooser.before.isVisible()
    touch(chooser.after)
    assert [tile.accessibleName() for tile in chooser.tiles] == ["6", "7"]
    touch(chooser.before)
    assert len(chooser.tiles) == 6


class Synthetic(QObject):
    frame = Signal(QImage)
    failed = Signal(str)
    started = stopped = 0

    def start(self) -> None:
        self.started += 1

    def stop(self) -> None:
        self.stopped += 1


def test_a_picture_is_taken_with_the_camera(make_show: MakeShow) -> None:
    sources: list[Synthetic] = []

    def make(parent: QObject) -> Synthetic:
        sources.append(Synthetic(parent))
        return sources[-1]

    show = make_show(camera=Camera(make))
    page = show.window.camera_page
    touch(show.window.start_page.camera)
    assert sources[0].started == 1
    assert page.light.isVisible()
    assert not page.shoot.isEnabled()
    sources[0].frame.emit(picture("#ff8800"))
    touch(page.shoot)
    assert page.count.text() == "3"
    assert QApplication.focusWidget() is page.view
    for _ in range(3):
        page.second.timeout.emit()
    until(lambda: show.stage.visit.current.photo is not None)
    assert show.stage.visit.current.photo is not None
    assert show.stage.visit.current.photo.pixels[0, 0].tolist() == [255, 136, 0]
    assert not page.camera.running
    assert page.view.image.isNull()


def test_a_camera_that_breaks_leads_back_to_the_start(make_show: MakeShow) -> None:
    sources: list[Synthetic] = []

    def make(parent: QObject) -> Synthetic:
        sources.append(Synthetic(parent))
        return sources[-1]

    show = make_show(camera=Camera(make))
    touch(show.window.start_page.camera)
    sources[0].failed.emit("It broke.")
    assert show.window.line.text() == "It broke."
    assert show.window.pages.currentWidget() is show.window.start_page


def test_a_visitor_has_so_many_pictures_at_a_time(make_show: MakeShow, tmp_path: Path) -> None:
    show = make_show(limits={"photos": 2})
    for colour in ("#110000", "#220000", "#330000"):
        show.stage.visit.take_image(picture(colour), colour)
        until(
            lambda colour=colour: (
                show.stage.visit.current.photo is not None  # type: ignore[misc]
                and show.stage.visit.current.photo.name == colour
            )
        )
    names = [each.photo.name for each in show.stage.visit.conversations if each.photo]
    assert names == ["#220000", "#330000"]
    thumbnails = show.stage.page.thumbnails
    assert [each.isChecked() for each in thumbnails] == [False, True]
    touch(thumbnails[0])
    assert show.stage.visit.current is show.stage.visit.conversations[0]


def test_questions_and_answers_keep_their_limits(make_show: MakeShow) -> None:
    engine = FakeEngine()
    show = make_show(engine, limits={"question_chars": 10, "answer_tokens": 7})
    choose_sample(show)
    ask(show, "x" * 30)
    assert engine.requests[0].messages[-1].text == "x" * 10
    assert engine.requests[0].sampling.max_new_tokens == 7
    assert show.stage.page.asking.line.maxLength() == 10


def test_a_question_that_is_too_long_for_the_model_leads_back(make_show: MakeShow) -> None:
    error = PromptError("The question is too long.")
    show = make_show(FakeEngine(fail_after=0, error=error))
    choose_sample(show)
    touch(show.stage.page.asking.cards[0])
    idle(show)
    assert show.window.pages.currentWidget() is show.window.start_page
    assert show.stage.asker.model is not None


def test_a_question_that_the_model_cant_read_is_said_beside_the_picture(
    make_show: MakeShow,
) -> None:
    error = unknown_language("这是什么？", ("en",), "mini")  # noqa: RUF001
    show = make_show(FakeEngine(fail_after=0, error=error))
    choose_sample(show)
    ask(show, "这是什么？")  # noqa: RUF001
    assert show.window.pages.currentWidget() is show.stage.page
    assert show.window.line.isVisible()
    assert show.window.line.text().startswith("mini 只看得懂英语。")
    assert show.stage.visit.current.turns == []
    assert show.stage.page.asking.cards[0].isVisible()


def test_all_of_a_long_answer_is_in_view_beside_the_letters_on_the_screen(
    make_show: MakeShow,
) -> None:
    words = ["A", *[" horse"] * 40, " sleeps", "."]
    show = make_show(FakeEngine(words, certainty=0.1), limits={"question_chars": 200})
    window, page = show.window, show.stage.page
    choose_sample(show)
    question = "Why " + "does it sleep so long " * 10
    size = page.answer.fontInfo().pixelSize()
    ask(show, question)
    bar = page.answer.verticalScrollBar()
    until(lambda: page.answer.fontInfo().pixelSize() < size and not bar.maximum())
    assert page.question.text().endswith("\u2026")
    assert page.question.accessibleName() == f"\u201c{question.strip()[:200]}\u201d"
    touch(page.asking.letters)
    turn_round(200)
    key = page.asking.keyboard.ask
    assert window.rect().contains(key.rect().translated(key.mapTo(window, QPoint())))
    chosen = show.stage.heatmaps.chosen
    assert chosen is not None
    span = next(each for each in page.answer.spans if each.index == chosen[1])
    cursor = page.answer.textCursor()
    cursor.setPosition(span.start)
    assert page.answer.viewport().rect().intersects(page.answer.cursorRect(cursor))
    show.stage.ask("Why?")
    until(lambda: page.answer.fontInfo().pixelSize() == size)


def test_a_word_without_end_leaves_the_page_as_it_is(make_show: MakeShow) -> None:
    show = make_show(FakeEngine(["A", " " + "m" * 90, "."]), limits={"question_chars": 200})
    page = show.stage.page
    choose_sample(show)
    touch_card(show)
    turn_round(50)
    before = page.asking.width(), page.picture.width()
    ask(show, "w" * 200)
    until(lambda: page.verdict.text() and not show.stage.explainer.busy)
    turn_round(50)
    assert (page.asking.width(), page.picture.width()) == before
    assert cut_off(show.window) == []


def test_long_names_and_questions_of_the_profile_leave_room(
    make_show: MakeShow, tmp_path: Path
) -> None:
    logo = tmp_path / "logo.png"
    picture().scaled(2000, 100).save(str(logo))
    long = tuple(f"{n}. What is the person in the middle of this picture doing?" for n in range(6))
    samples = (EventSample(tmp_path / "one.png", long),)
    show = make_show(title="An open day " * 9, brand={"logo": logo}, samples=samples)
    window, asking = show.window, show.stage.page.asking
    choose_sample(show)
    touch_card(show)
    turn_round(100)
    assert window.header.title.width() > window.header.logo.width()
    for card in asking.cards:
        label = card.findChildren(QLabel)[0]
        assert label.height() >= label.heightForWidth(label.width())
        assert card.accessibleName() in long
        assert label.text().endswith("\u2026")


def test_a_question_before_the_model_is_there_waits_for_it(make_show: MakeShow) -> None:
    engine = FakeEngine(load_gated=True)
    show = make_show(engine, wait=False)
    choose_sample(show)
    touch(show.stage.page.asking.cards[0])
    turn_round()
    assert show.stage.asker.busy
    assert engine.requests == []
    engine.load_gate.release()
    idle(show)
    assert show.stage.visit.current.turns[0].answer


def test_an_answer_is_taken_home(make_show: MakeShow, tmp_path: Path) -> None:
    folder = tmp_path / "cards"
    folder.mkdir()
    show = make_show(souvenir={"folder": folder})
    header, panel = show.window.header, show.stage.souvenir
    choose_sample(show)
    assert not header.souvenir.isVisible()
    touch_card(show)
    touch(header.souvenir)
    until(panel.save_button.isEnabled)
    touch(panel.save_button)
    until(lambda: list(folder.iterdir()))
    touch(panel.back_button)
    assert show.window.pages.currentWidget() is show.window.answer_page
    assert header.souvenir.isVisible()


@pytest.mark.parametrize("page", [True, False])
def test_a_copy_for_the_organiser_is_not_called_taking_it_home(
    make_show: MakeShow, tmp_path: Path, page: bool
) -> None:
    show = make_show(souvenir={"folder": tmp_path, "page": page})
    header, panel = show.window.header, show.stage.souvenir
    choose_sample(show)
    touch_card(show)
    touch(header.souvenir)
    until(panel.save_button.isEnabled)
    assert panel.save_button.text() == "Give the organiser a copy"
    heading = "Take it home" if page else panel.save_button.text()
    assert header.souvenir.text() == heading
    assert panel.headline.text() == "Your card"
    touch(panel.save_button)
    until(lambda: panel.line.text() == "The organiser has a copy now.")


def test_without_a_way_to_take_it_home_none_is_offered(show: EventApp) -> None:
    choose_sample(show)
    touch_card(show)
    assert not show.window.header.souvenir.isVisible()


def test_a_usual_question_is_shown_as_its_card_said_it(make_show: MakeShow) -> None:
    show = make_show(language="zh_CN")
    show.stage.visit.take_image(picture(), "mine")
    until(lambda: show.stage.visit.current.photo is not None)
    card = show.stage.page.asking.cards[0]
    asked, said = card.question, card.accessibleName()
    touch_card(show)
    assert show.stage.visit.current.turns[0].question == asked == "What is this?"
    assert show.stage.page.question.text() == f"“{said}”"
    touch(show.window.header.language)
    assert show.stage.page.question.text() == f"“{asked}”"


def test_a_usual_question_is_asked_in_the_window_s_language_where_the_model_reads_it(
    make_show: MakeShow,
) -> None:
    show = make_show(FakeEngine(model=replace(MODEL, languages=("en", "zh"))), language="zh_CN")
    show.stage.visit.take_image(picture(), "mine")
    until(lambda: show.stage.visit.current.photo is not None)
    card = show.stage.page.asking.cards[0]
    touch_card(show)
    said = show.stage.visit.current.turns[0].question
    assert said == card.accessibleName() != card.question


def test_the_language_changes_for_this_visitor_alone(make_show: MakeShow) -> None:
    show = make_show(FakeEngine(certainty=0.93))
    touch(show.window.header.language)
    assert show.window.start_page.headline.text() != "Show me a picture"
    choose_sample(show)
    page = show.stage.page
    assert page.asking.cards[0].question == "What is one?"
    touch_card(show)
    until(lambda: page.verdict.text() and not show.stage.explainer.busy)
    texts = [page.certainty, page.caption, page.verdict, page.hint]
    chinese = [label.text() for label in texts]
    show.window.say("正在")
    touch(show.window.header.language)
    assert not any("\u4e00" <= letter <= "\u9fff" for label in texts for letter in label.text())
    assert not show.window.line.isVisible()
    touch(show.window.header.language)
    assert [label.text() for label in texts] == chinese
    touch(show.window.header.done)
    assert show.window.start_page.headline.text() == "Show me a picture"


@pytest.mark.parametrize("size", [(1024, 600), (1280, 720), (1920, 1080)])
def test_everything_to_be_touched_is_large_enough(show: EventApp, size: tuple[int, int]) -> None:
    show.window.resize(*size)
    turn_round()
    show.window.header.language.setText("i")  # whatever the font makes of a name
    small: list[str] = []

    def look() -> None:
        turn_round()
        for button in show.window.findChildren(QAbstractButton):
            if button.isVisible() and min(button.width(), button.height()) < TARGET:
                small.append(f"{button.accessibleName() or button.text()} {button.size()}")

    look()
    choose_sample(show)
    look()
    show.stage.page.asking.letters.setChecked(True)
    look()
    ask_again = show.stage.page.asking
    ask_again.letters.setChecked(False)
    show.stage.idle.counting.emit(9)
    look()
    show.stage.idle.counting.emit(0)
    show.window.pad.ask()
    look()
    assert small == []


def cut_off(window: QWidget) -> list[str]:
    """What lies outside of the window, or lacks the height or width for its text."""
    found = []
    for each in window.findChildren(QWidget):
        if not each.isVisible() or not isinstance(each, (QLabel, QAbstractButton, QLineEdit)):
            continue
        need, text = each.sizeHint(), each.text()
        if isinstance(each, QLabel):
            wraps = each.wordWrap()
            need = QSize(0, each.heightForWidth(each.width()) if wraps else need.height())
        place = QRect(each.mapTo(window, QPoint()), each.size())
        room = isinstance(each, QLineEdit) or not text or need.boundedTo(each.size()) == need
        if not (room and window.rect().contains(place)):
            found.append(f"{text!r} at {place.getRect()}, needs {need.toTuple()}")
    return found


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("size", [(960, 540), (1024, 600), (1920, 1080), (3840, 2160), (600, 1024)])
def test_nothing_is_cut_off(
    make_show: MakeShow, tmp_path: Path, size: tuple[int, int], language: str
) -> None:
    show = make_show(
        FakeEngine(certainty=0.93),
        language=language,
        souvenir={"folder": tmp_path, "page": True, "printer": True},
    )
    window, page, found = show.window, show.stage.page, dict[str, list[str]]()

    def look(name: str) -> None:
        for _ in range(50):  # until all is laid out
            turn_round(20)
            if not (cut := cut_off(window)):
                return
        found[name] = cut

    window.resize(*size)
    look("start")
    show.stage.choose_sample()
    look("samples")
    open_sample(show)
    look("question")
    touch_card(show)
    until(lambda: page.verdict.text() and not show.stage.explainer.busy)
    page.say_verdict("The picture matters for this word, and the bright places do. " * 2)
    look("answer")
    page.asking.letters.setChecked(True)
    look("letters")
    touch(window.header.souvenir)
    until(show.stage.souvenir.save_button.isEnabled)
    look("souvenir")
    show.stage.idle.counting.emit(9)
    look("countdown")
    show.stage.idle.counting.emit(0)
    window.pad.ask()
    window.pad.refuse(30)
    look("pad")
    assert found == {}


def test_the_bright_places_have_no_dark_dot(show: EventApp) -> None:
    choose_sample(show)
    touch_card(show)
    said = show.stage.page.caption.text
    until(said)
    assert said() == "For “corner”, the AI looked at the bright places."


def test_every_control_has_a_name_and_a_key(show: EventApp) -> None:
    choose_sample(show)
    nameless = [
        each
        for each in show.window.findChildren(QPushButton)
        if not (each.accessibleName() or each.text())
    ]
    assert nameless == []


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("colour", CONTRASTS)
def test_text_on_the_brands_colour_can_be_read(
    make_show: MakeShow, theme: str, colour: str
) -> None:
    assert contrast(text_on(colour), colour) >= 4.5
    show = make_show(wait=False, theme=theme, brand={"colour": colour})
    colours = show.theme.colours
    for ground in (colours.card, colours.window, colours.accent_soft):
        assert contrast(colours.accent, ground) >= 4.5
    assert contrast(colours.on_accent, colours.accent) >= 4.5
    assert contrast(colours.text, colours.accent_soft) >= 4.5


def test_type_grows_with_the_window(show: EventApp) -> None:
    def heights() -> list[int]:
        turn_round()
        page = show.window.start_page
        return [page.headline.fontMetrics().height(), page.promise.fontMetrics().height()]

    show.window.resize(1920, 1080)
    before = heights()
    assert before[1] >= 32  # of 1080: letters of 15 mm on a screen of 55 inches, for 3 m
    show.window.resize(3840, 2160)
    assert heights() == pytest.approx([2 * each for each in before], abs=3)
