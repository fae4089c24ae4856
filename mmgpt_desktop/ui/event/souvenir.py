"""What a visitor takes home: the card, and the ways that the profile allows for it."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from PIL import Image
from PySide6.QtCore import QT_TRANSLATE_NOOP, Qt, QTimer, Signal
from PySide6.QtPrintSupport import QPrinter
from PySide6.QtWidgets import QPushButton, QWidget

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.event.card import as_file, card, keep
from mmgpt_desktop.event.expiring_links import Offer
from mmgpt_desktop.event.local_network import local_address
from mmgpt_desktop.event.profile import Profile, Souvenir
from mmgpt_desktop.event.souvenir_page import SouvenirPage
from mmgpt_desktop.report.report import Report
from mmgpt_desktop.ui.event.cards import breakable, words
from mmgpt_desktop.ui.event.printing import print_card, usual_printer
from mmgpt_desktop.ui.event.scale import Scale
from mmgpt_desktop.ui.event.souvenir_views import CardView, CodeView, as_image
from mmgpt_desktop.ui.widgets.box_layout import vbox
from mmgpt_desktop.ui.widgets.buttons import push_button
from mmgpt_desktop.ui.widgets.screen_reader import announce
from mmgpt_desktop.ui.widgets.texts import Retranslated, error_hint, error_title, translated
from mmgpt_desktop.ui.widgets.theme import Theme, restyle
from mmgpt_desktop.ui.worker import Task, TaskThread

_CODE = 42.0  # hundredths of the window's height
_HOME = QT_TRANSLATE_NOOP("SouvenirPanel", "Take it home")
_COPY = QT_TRANSLATE_NOOP("SouvenirPanel", "Give the organiser a copy")


def offered(souvenir: Souvenir) -> bool:
    """Whether a profile allows any way to take the card home."""
    return souvenir.page or souvenir.printer or souvenir.folder is not None


def what_to_do(souvenir: Souvenir) -> str:
    """What the ways of a profile are good for, for what leads there."""
    if souvenir.page or souvenir.printer:
        return translated("SouvenirPanel", str(_HOME))
    return translated("SouvenirPanel", str(_COPY))


class SouvenirPanel(Retranslated, QWidget):
    """A page of the show: `make` draws the card of an answer, `reset` forgets it.

    A card that a phone may fetch stays in the memory of the souvenir page for as long as its code
    says, also after a reset, until `stop`. All work happens on `thread`. Each way works once for a
    card, and again if it failed; a code for phones can be had again when it has ended. `failed` is
    for who keeps count: the panel itself shows the sentence. `reset` and `stop` never wait; call
    one before `thread` is closed.
    """

    failed = Signal(object)  # AppError

    def __init__(
        self,
        theme: Theme,
        scale: Scale,
        profile: Profile,
        thread: TaskThread,
        *,
        page: SouvenirPage | None = None,
        make_printer: Callable[[], QPrinter] = usual_printer,
    ) -> None:
        super().__init__()
        self.setObjectName("page")
        self._scale, self._profile, self._thread = scale, profile, thread
        souvenir = profile.souvenir
        address = partial(local_address, souvenir.address)
        self.phones = page or SouvenirPage(souvenir.port, souvenir.minutes, address)
        self._make_printer = make_printer
        self._card = CancelToken()
        self.made: Image.Image | None = None
        self.offered: Offer | None = None
        self._line: Callable[[], str] = str
        self.preview, self.code = CardView(theme), CodeView()
        self.headline, self.line = words("huge"), words("body")
        self.address, self.rest = words("small"), words("body")
        self.phone_button = push_button(clicked=self._to_phone)
        self.print_button = push_button(clicked=self._to_paper)
        self.save_button = push_button(clicked=self._to_folder)
        self.back_button = push_button(look="quiet")
        self.ways = (self.phone_button, self.print_button, self.save_button)
        self.second = QTimer(self, interval=1000)
        self.second.timeout.connect(self._tick)
        self._arrange()
        self.retranslate_ui()
        self.reset()

    def _arrange(self) -> None:
        scale = self._scale
        buttons = scale.hbox(*self.ways, 1, gap=1.6)
        told = vbox(self.rest, self.address, 1)
        self.ticket = QWidget()
        above = Qt.AlignmentFlag.AlignTop
        self.ticket.setLayout(scale.hbox((self.code, 0, above), (told, 1), gap=2.4))
        back = (self.back_button, 0, Qt.AlignmentFlag.AlignLeft)
        right = scale.vbox(self.headline, buttons, self.line, self.ticket, 1, back, gap=2)
        self._sides = scale.hbox((self.preview, 9), (right, 11), gap=4, margin=3)
        self.setLayout(self._sides)
        self._offer_ways()
        scale.changed.connect(self._fit)
        self._fit()

    def _offer_ways(self) -> None:
        souvenir = self._profile.souvenir
        self.phone_button.setVisible(souvenir.page)
        self.print_button.setVisible(souvenir.printer)
        self.save_button.setVisible(souvenir.folder is not None)
        if (first := self._first_way) is not None:
            first.setObjectName("primary")

    @property
    def _first_way(self) -> QPushButton | None:
        return next((each for each in self.ways if not each.isHidden()), None)

    def _fit(self) -> None:
        edge = self._scale.px(_CODE)
        self.code.setFixedSize(edge, edge)
        self._sides.setDirection(self._scale.direction())

    def retranslate_ui(self) -> None:
        self.headline.setText(self.tr("Your card"))  # what to do with it the buttons say
        self.phone_button.setText(self.tr("To my phone"))
        self.print_button.setText(self.tr("Print it"))
        self.save_button.setText(translated("SouvenirPanel", str(_COPY)))
        self.back_button.setText(self.tr("Back"))
        self.preview.setAccessibleName(
            self.tr("The card: your picture, the question, the answer and where the AI looked")
        )
        self.line.setText(self._line())
        self._tick()

    # What the show calls

    def make(self, report: Callable[[], Report]) -> None:
        """Draw the card; `report` is called on `thread`, and may raise AppError."""
        self.reset()
        brand, title, when = self._profile.brand, self._profile.title, datetime.now()

        self._say(lambda: self.tr("Your card is being drawn…"))
        self._submit(lambda _task: card(report(), brand, title, when), self._show_card, self._fail)

    def reset(self) -> None:
        """The card is gone, and nothing that is still at work shows."""
        self._card.cancel()
        self._card = CancelToken()
        self.made = None
        self.preview.show_card(None)
        self._end_code()
        self._say(str)
        for button in self.ways:
            button.setEnabled(False)

    def stop(self) -> None:
        """For good: no code leads anywhere any more."""
        self.reset()
        self.phones.forget()

    # The ways

    def _to_phone(self) -> None:
        page, kind = self.phones, self._profile.souvenir.format

        def work(sheet: Image.Image, task: Task) -> tuple[str, Offer]:
            address, offer = page.offer(as_file(sheet, kind), kind)
            if task.cancelled:  # the card was forgotten before its code was there
                page.withdraw(offer)
                task.raise_if_cancelled()
            return address, offer

        self._begin(self.phone_button, work, self._show_code)

    def _to_paper(self) -> None:
        make_printer = self._make_printer
        self._begin(
            self.print_button,
            lambda sheet, _task: print_card(as_image(sheet), make_printer()),
            lambda _result: self._say(lambda: self.tr("It is being printed.")),
        )

    def _to_folder(self) -> None:
        folder, kind = self._profile.souvenir.folder, self._profile.souvenir.format
        assert folder is not None
        self._begin(
            self.save_button,
            lambda sheet, _task: keep(sheet, folder, datetime.now(), kind),
            lambda _path: self._say(lambda: self.tr("The organiser has a copy now.")),
        )

    def _begin(
        self,
        way: QPushButton,
        work: Callable[[Image.Image, Task], Any],
        then: Callable[[Any], None],
    ) -> None:
        if self.made is not None:
            self.back_button.setFocus()  # a second press is not for the next way
            way.setEnabled(False)
            self._submit(partial(work, self.made), then, partial(self._fail_way, way))

    def _submit(
        self,
        work: Callable[[Task], Any],
        then: Callable[[Any], None],
        failed: Callable[[AppError], None],
    ) -> None:
        """What comes of it is dropped once the card is forgotten."""
        self._card.on_cancel(self._thread.submit(work, then, failed).cancel)

    # What came of it

    def _fail_way(self, way: QPushButton, error: AppError) -> None:
        way.setEnabled(True)
        self._fail(error)

    def _fail(self, error: AppError) -> None:
        self._say(partial(self._trouble, error), problem=True)
        self.failed.emit(error)

    def _trouble(self, error: AppError) -> str:
        """Where paper, a phone or a folder can't be had, only who set it up can help."""
        what = f"{error_title(error)} {error_hint(error)}".strip()
        if self.made is None:
            return what
        return self.tr("Please tell somebody who works here: {what}").format(what=what)

    def _show_card(self, sheet: Image.Image) -> None:
        self.made = sheet
        self.preview.show_card(as_image(sheet))
        self._say(str)
        for button in self.ways:
            button.setEnabled(True)
        if (first := self._first_way) is not None and self.isVisible():
            first.setFocus()

    def _show_code(self, found: tuple[str, Offer]) -> None:
        address, self.offered = found
        self.code.show_text(address)
        self.code.setAccessibleName(address)
        self.address.setText(breakable(address))
        self.address.setAccessibleName(address)
        self.ticket.show()
        self.second.start()
        self._tick()
        self._say(
            lambda: self.tr(
                "Scan this with your phone. It has to be in the same Wi-Fi as this computer."
            )
        )

    def _end_code(self) -> None:
        self.second.stop()
        self.offered = None
        self.ticket.hide()
        self.code.show_text("")
        self.address.clear()
        self.rest.clear()
        for named in (self.code, self.address):
            named.setAccessibleName("")

    def _tick(self) -> None:
        if self.offered is None:
            return
        left = math.ceil(self.phones.seconds_left(self.offered))
        if left > 0:
            clock = f"{left // 60}:{left % 60:02}"
            self.rest.setText(self.tr("It works for another {time} minutes.").format(time=clock))
            return
        self._end_code()
        self.phone_button.setEnabled(True)
        self._say(lambda: self.tr("The code has ended. You can have a new one."))

    def _say(self, sentence: Callable[[], str], *, problem: bool = False) -> None:
        """Written anew in another language."""
        self._line = sentence
        self.line.setText(sentence())
        self.line.setProperty("role", "problem" if problem else "body")
        restyle(self.line)
        announce(self.line, self.line.text())
