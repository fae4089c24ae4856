"""The page on which a visitor takes the card home."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
import pytest
import segno
from PIL import Image
from PySide6.QtCore import QMarginsF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPageLayout, QPageSize
from PySide6.QtPrintSupport import QPrinter, QPrinterInfo
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from mmgpt_desktop.conversation import Turn
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.event.expiring_links import FETCHES
from mmgpt_desktop.event.profile import Profile, read_profile
from mmgpt_desktop.event.qr import QUIET
from mmgpt_desktop.event.souvenir_page import SouvenirPage
from mmgpt_desktop.messages import (
    CellMaps,
)
from mmgpt_desktop.methods import Method
from mmgpt_desktop.report.report import Report
from mmgpt_desktop.ui.event import printing
from mmgpt_desktop.ui.event.printing import placed, print_card, usual_printer
from mmgpt_desktop.ui.event.scale import Scale
from mmgpt_desktop.ui.event.souvenir import SouvenirPanel, offered
from mmgpt_desktop.ui.widgets.texts import install_language, remove_language
from mmgpt_desktop.ui.widgets.theme import Theme
from mmgpt_desktop.ui.worker import TaskThread
from tests.fakes import whole_grid
from tests.gui_fakes import drain, make_photo
from tests.records import MODEL, done, request_about, steps_of

WAIT_MS = 30_000
LONG_S = 60.0


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A panel that may do everything, its thread, and what it told."""

    def __init__(self, qtbot: QtBot, qapp: QApplication, profile: Profile, paper: Path) -> None:
        self.clock, self.paper = Clock(), paper
        self.page = SouvenirPage(address=lambda: "127.0.0.1", clock=self.clock)
        self.thread = TaskThread("souvenirs")
        self.thread.start()
        self.theme, self.scale = Theme(qapp, "light"), Scale()
        self.printers: list[QPrinter] = []
        self.panel = SouvenirPanel(
            self.theme,
            self.scale,
            profile,
            self.thread,
            page=self.page,
            make_printer=self.make_printer,
        )
        self.window = QWidget()
        self.window.setStyleSheet(self.scale.style_sheet(self.theme.colours, None))
        QVBoxLayout(self.window).addWidget(self.panel)
        self.window.resize(1280, 720)
        self.window.show()
        self.failed: list[AppError] = []
        self.panel.failed.connect(self.failed.append)
        self._qtbot = qtbot

    def make_printer(self) -> QPrinter:
        assert threading.current_thread() is not threading.main_thread()
        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
        printer.setOutputFileName(str(self.paper))
        printer.setPageSize(QPageSize(QPageSize.PageSizeId.A6))
        self.printers.append(printer)
        return printer

    def make(self, report: Callable[[], Report] | None = None) -> None:
        self.panel.make(report or make_report)
        self.until(self.panel.save_button.isEnabled)

    def until(self, condition: Callable[[], bool]) -> None:
        self._qtbot.waitUntil(condition, timeout=WAIT_MS)

    def settle(self) -> None:
        """Until all that was submitted is through, and told."""
        drain(self._qtbot, self.thread)

    def close(self) -> None:
        self.panel.stop()
        self.thread.begin_close()
        assert self.thread.end_close()
        assert self.page.wait_closed(LONG_S)
        self.window.close()
        for each in (self.window, self.theme, self.scale, self.thread):
            each.deleteLater()


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    (tmp_path / "cards").mkdir()
    path = tmp_path / "stand.toml"
    path.write_text(
        'title = "Open day"\n[souvenir]\nfolder = "cards"\nprinter = true\npage = true\n', "utf-8"
    )
    return read_profile(path)


@pytest.fixture
def make_bench(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(profile: Profile) -> Bench:
        made.append(Bench(qtbot, qapp, profile, tmp_path / "paper.pdf"))
        return made[-1]

    yield make
    for each in made:
        each.close()
    qapp.processEvents()


@pytest.fixture
def bench(make_bench: Callable[..., Bench], profile: Profile) -> Bench:
    return make_bench(profile)


def make_report(size: tuple[int, int] = (160, 120), question: str = "What is it?") -> Report:
    texts = ("A", " red", " ball", ".")
    grid = whole_grid(4, 4, *size)
    maps = CellMaps(Method.HEADS, np.eye(4, 16, dtype=np.float32).reshape(4, 4, 4), grid)
    request = request_about(make_photo(*size), question=question)
    return Report(Turn(request, steps_of(texts), done(), model=MODEL, maps=(maps,)))


def broken_report() -> Report:
    raise AppError("There is no map of this answer yet.", "Wait until it is measured.")


def fetch(address: str) -> bytes:
    with urlopen(address, timeout=LONG_S) as answer:
        data: bytes = answer.read()
    return data


def test_only_what_the_profile_allows_is_there(
    make_bench: Callable[..., Bench], profile: Profile
) -> None:
    nothing = replace(profile.souvenir, folder=None, printer=False, page=False)
    assert not offered(nothing)
    for change in ({"folder": profile.path.parent}, {"printer": True}, {"page": True}):
        souvenir = replace(nothing, **change)
        assert offered(souvenir)
        panel = make_bench(replace(profile, souvenir=souvenir)).panel
        shown = [panel.save_button, panel.print_button, panel.phone_button]
        assert [not each.isHidden() for each in shown] == [
            "folder" in change,
            "printer" in change,
            "page" in change,
        ]


def test_the_card_is_drawn_on_the_thread_and_shown(bench: Bench) -> None:
    threads: list[threading.Thread] = []

    def report() -> Report:
        threads.append(threading.current_thread())
        return make_report()

    empty = bench.panel.preview.grab().toImage()
    assert not bench.panel.phone_button.isEnabled()
    bench.panel.make(report)
    assert bench.panel.line.text() == "Your card is being drawn…"
    bench.until(bench.panel.phone_button.isEnabled)
    assert bench.panel.line.text() == ""
    assert threads[0] is not threading.main_thread()
    assert bench.panel.preview.grab().toImage() != empty
    assert not bench.page.listens  # nobody asked for the network


def test_on_an_upright_screen_the_card_stands_above_its_ways(bench: Bench) -> None:
    bench.make()
    bench.panel.phone_button.click()
    bench.until(bench.panel.code.isVisible)
    for size, below in ((QSize(1280, 720), False), (QSize(720, 1280), True)):
        bench.window.resize(size)
        bench.scale.fit(size)
        QApplication.processEvents()
        card, headline = bench.panel.preview.geometry(), bench.panel.headline.geometry()
        assert (headline.top() > card.bottom()) == below
        assert (headline.left() > card.right()) != below


def test_a_card_that_cant_be_drawn_is_said(bench: Bench) -> None:
    bench.panel.make(broken_report)
    bench.until(lambda: bool(bench.failed))
    assert bench.panel.line.text().startswith("There is no map of this answer yet.")
    assert bench.panel.line.property("role") == "problem"
    assert not bench.panel.save_button.isEnabled()


def test_a_second_press_is_not_taken_for_the_next_way(bench: Bench) -> None:
    bench.make()
    bench.panel.phone_button.setFocus()
    bench.panel.phone_button.click()
    bench.until(bench.panel.code.isVisible)
    assert bench.window.focusWidget() is bench.panel.back_button
    assert bench.printers == []


def test_a_copy_is_left_once(bench: Bench, profile: Profile) -> None:
    bench.make()
    bench.panel.save_button.click()
    assert not bench.panel.save_button.isEnabled()
    bench.until(lambda: bench.panel.line.text() == "The organiser has a copy now.")
    assert not bench.panel.save_button.isEnabled()
    assert profile.souvenir.folder is not None
    (path,) = profile.souvenir.folder.iterdir()
    with Image.open(path) as image:
        assert image.size == (1240, 1748)


def test_as_a_pdf_it_is_left_and_fetched(
    make_bench: Callable[..., Bench], profile: Profile
) -> None:
    bench = make_bench(replace(profile, souvenir=replace(profile.souvenir, format="pdf")))
    bench.make()
    bench.panel.save_button.click()
    bench.panel.phone_button.click()
    bench.until(bench.panel.ticket.isVisible)
    with urlopen(bench.panel.address.accessibleName(), timeout=LONG_S) as answer:
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.read().startswith(b"%PDF-")
    assert profile.souvenir.folder is not None
    (path,) = profile.souvenir.folder.iterdir()
    assert path.suffix == ".pdf"
    assert path.read_bytes().startswith(b"%PDF-")


def test_a_folder_that_is_gone_is_said_and_can_be_tried_again(
    bench: Bench, profile: Profile
) -> None:
    bench.make()
    assert profile.souvenir.folder is not None
    profile.souvenir.folder.rmdir()
    bench.panel.save_button.click()
    bench.until(lambda: bool(bench.failed))
    assert "can't be written" in bench.panel.line.text()
    assert bench.panel.save_button.isEnabled()
    profile.souvenir.folder.mkdir()
    bench.panel.save_button.click()
    bench.until(lambda: bench.panel.line.text() == "The organiser has a copy now.")
    assert bench.panel.line.property("role") == "body"


def test_a_phone_gets_the_card_by_a_code_while_it_lasts(bench: Bench) -> None:
    panel = bench.panel
    bench.make()
    assert panel.ticket.isHidden()
    panel.phone_button.click()
    bench.until(panel.ticket.isVisible)
    address = panel.address.accessibleName()
    assert urlsplit(address).hostname == "127.0.0.1"
    assert panel.address.text().replace("\u200b", "") == address
    assert panel.rest.text() == "It works for another 10:00 minutes."
    assert fetch(address).startswith(b"\x89PNG")
    bench.clock.now += 61.5
    panel.second.timeout.emit()
    assert panel.rest.text() == "It works for another 8:59 minutes."
    assert not panel.phone_button.isEnabled()
    bench.clock.now += 600
    panel.second.timeout.emit()
    assert panel.ticket.isHidden()
    assert panel.line.text() == "The code has ended. You can have a new one."
    panel.phone_button.click()
    bench.until(panel.ticket.isVisible)
    assert panel.address.accessibleName() != address


def test_a_code_that_was_used_up_goes(bench: Bench) -> None:
    bench.make()
    bench.panel.phone_button.click()
    bench.until(bench.panel.ticket.isVisible)
    for _ in range(FETCHES):
        fetch(bench.panel.address.accessibleName())
    bench.panel.second.timeout.emit()
    assert bench.panel.ticket.isHidden()
    assert bench.panel.address.text() == ""


def test_the_code_on_the_screen_is_that_of_the_address(bench: Bench) -> None:
    bench.make()
    bench.panel.phone_button.click()
    bench.until(bench.panel.ticket.isVisible)
    address = bench.panel.address.accessibleName()
    wanted = np.pad(np.array(segno.make_qr(address, error="m").matrix, bool), QUIET)
    image = bench.panel.code.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    module = image.width() // len(wanted)
    assert module >= 4
    middles = [module // 2 + module * place for place in range(len(wanted))]
    dark = [[image.pixelColor(x, y).value() < 128 for x in middles] for y in middles]
    assert (np.array(dark) == wanted).all()


def test_without_a_network_it_is_said(make_bench: Callable[..., Bench], profile: Profile) -> None:
    bench = make_bench(profile)

    def nowhere() -> str:
        raise AppError("This computer is in no local network, so a phone can't fetch the card.")

    bench.page.find_address = nowhere
    bench.make()
    bench.panel.phone_button.click()
    bench.until(lambda: bool(bench.failed))
    assert "no local network" in bench.panel.line.text()
    assert bench.panel.phone_button.isEnabled()


def test_reset_forgets_all_of_it(bench: Bench) -> None:
    bench.make()
    empty = bench.panel.line.text()
    bench.panel.phone_button.click()
    bench.until(bench.panel.ticket.isVisible)
    bench.panel.reset()
    panel = bench.panel
    assert panel.made is None
    assert panel.offered is None
    assert panel.ticket.isHidden()
    assert (panel.address.text(), panel.address.accessibleName(), panel.line.text()) == (
        "",
        "",
        empty,
    )
    assert panel.preview.image.isNull()
    assert panel.preview.small.isNull()
    assert panel.code.image.isNull()
    assert not any(each.isEnabled() for each in panel.ways)
    assert not panel.second.isActive()


def test_a_code_lives_as_long_as_it_says_also_after_the_reset(bench: Bench) -> None:
    addresses = []
    for _ in range(2):
        bench.make()
        bench.panel.phone_button.click()
        bench.until(bench.panel.ticket.isVisible)
        addresses.append(bench.panel.address.accessibleName())
        bench.panel.reset()
        bench.clock.now += 599
        assert fetch(addresses[-1]).startswith(b"\x89PNG")
    assert len(bench.page.offers) == 1
    bench.clock.now += 2
    bench.until(lambda: not bench.page.listens)
    assert len(bench.page.offers) == 0


def test_with_the_show_all_codes_end(bench: Bench) -> None:
    bench.make()
    bench.panel.phone_button.click()
    bench.until(bench.panel.ticket.isVisible)
    bench.panel.stop()
    assert not bench.page.listens
    assert len(bench.page.offers) == 0


def test_what_comes_after_a_reset_is_dropped(bench: Bench) -> None:
    gate = threading.Event()

    def slow() -> Report:
        gate.wait(LONG_S)
        return make_report()

    bench.panel.make(slow)
    bench.panel.reset()
    gate.set()
    bench.settle()
    assert bench.panel.made is None
    assert not bench.panel.save_button.isEnabled()


def test_an_address_that_is_made_while_the_visitor_leaves_leads_nowhere(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.make()
    entered, gate, offer = threading.Event(), threading.Event(), bench.page.offer

    def slow(data: bytes, kind: str) -> object:
        entered.set()
        gate.wait(LONG_S)
        return offer(data, kind)  # type: ignore[arg-type]

    monkeypatch.setattr(bench.page, "offer", slow)
    bench.panel.phone_button.click()
    assert entered.wait(LONG_S)
    bench.panel.reset()
    gate.set()
    bench.settle()
    assert not bench.page.listens
    assert len(bench.page.offers) == 0
    assert bench.panel.ticket.isHidden()
    assert bench.panel.line.text() == ""


def test_it_is_printed_once_in_true_size(bench: Bench) -> None:
    bench.make(lambda: make_report((120, 160)))
    bench.panel.print_button.click()
    bench.until(lambda: bench.panel.line.text() == "It is being printed.")
    assert not bench.panel.print_button.isEnabled()
    pdf = bench.paper.read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert b"/Subtype /Image" in pdf
    (printer,) = bench.printers
    assert printer.pageLayout().orientation() is QPageLayout.Orientation.Landscape
    assert printer.docName() == "MMGPT Desktop"


@pytest.mark.qt_log_ignore("QPainter::begin", extend=True)
def test_a_printer_that_takes_nothing_is_said(bench: Bench, tmp_path: Path) -> None:
    bench.make()
    bench.paper = tmp_path / "gone" / "paper.pdf"
    bench.panel.print_button.click()
    bench.until(lambda: bool(bench.failed))
    assert "takes nothing now" in bench.panel.line.text()
    assert bench.panel.print_button.isEnabled()


def test_without_a_printer_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoPrinter:
        @staticmethod
        def defaultPrinter() -> QPrinterInfo:  # noqa: N802
            return QPrinterInfo()

    monkeypatch.setattr(printing, "QPrinterInfo", NoPrinter)
    with pytest.raises(AppError, match="has no printer"):
        usual_printer()


def test_a_card_has_its_true_size_on_large_paper_and_fits_on_small() -> None:
    image = QImage(1240, 1748, QImage.Format.Format_RGB32)
    large = placed(image, QRectF(0, 0, 5000, 7000), 600)
    assert (large.width(), large.height()) == (2480, 3496)
    assert large.center() == QRectF(0, 0, 5000, 7000).center()
    small = placed(image, QRectF(0, 0, 620, 5000), 600)
    assert (small.left(), small.width(), small.height()) == (0, 620, 874)


def test_the_margins_of_a_page_are_kept(tmp_path: Path) -> None:
    printer = QPrinter(QPrinter.PrinterMode.HighResolution)
    printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    printer.setOutputFileName(str(tmp_path / "a.pdf"))
    printer.setPageSize(QPageSize(QPageSize.PageSizeId.A6))
    printer.setPageMargins(QMarginsF(10, 10, 10, 10), QPageLayout.Unit.Millimeter)
    image = QImage(1240, 1748, QImage.Format.Format_RGB32)
    image.fill("red")
    print_card(image, printer)
    assert (tmp_path / "a.pdf").stat().st_size > 1000


def test_everything_is_large_has_a_name_and_a_key(bench: Bench) -> None:
    bench.make()
    panel = bench.panel
    for button in (*panel.ways, panel.back_button):
        assert button.height() >= 48
        assert button.width() >= 48
        assert button.text()
        assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert panel.preview.accessibleName()
    assert panel.phone_button.hasFocus()
    with_focus = panel.grab().toImage()
    panel.print_button.setFocus()
    assert panel.grab().toImage() != with_focus


def test_it_changes_its_language_at_once(bench: Bench, qapp: QApplication) -> None:
    bench.make()
    bench.panel.phone_button.click()
    bench.until(bench.panel.ticket.isVisible)
    english = [bench.panel.line.text(), bench.panel.rest.text(), bench.panel.print_button.text()]
    install_language(qapp, "zh_CN")
    bench.until(lambda: bench.panel.print_button.text() != english[2])
    chinese = [bench.panel.line.text(), bench.panel.rest.text(), bench.panel.print_button.text()]
    assert all(one != other for one, other in zip(english, chinese, strict=True))
    assert "10:00" in chinese[1]
    remove_language(qapp)
    install_language(qapp, "en")
