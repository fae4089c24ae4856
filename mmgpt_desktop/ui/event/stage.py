"""The parts of the show, and what each visitor's steps do with them."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, Signal
from PySide6.QtGui import QGuiApplication, QImage, QPixmapCache
from PySide6.QtWidgets import QWidget

from mmgpt_desktop.conversation import Conversation, Turn
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.event.numbers import Log
from mmgpt_desktop.event.profile import EventSample, Profile
from mmgpt_desktop.messages import Photo
from mmgpt_desktop.resources import read_samples
from mmgpt_desktop.ui.event.attract import Attract
from mmgpt_desktop.ui.event.dialogue import Dialogue
from mmgpt_desktop.ui.event.drawing_desk import DrawingDesk
from mmgpt_desktop.ui.event.reset import Idle
from mmgpt_desktop.ui.event.scale import Scale
from mmgpt_desktop.ui.event.show import EventWindow
from mmgpt_desktop.ui.event.souvenir import SouvenirPanel, offered
from mmgpt_desktop.ui.event.visit import Visit
from mmgpt_desktop.ui.heatmap.answer_report import report_maker
from mmgpt_desktop.ui.pictures.camera import Camera
from mmgpt_desktop.ui.widgets.texts import own
from mmgpt_desktop.ui.widgets.theme import Theme
from mmgpt_desktop.ui.worker import MakePainter, Threads


class Stage(QObject):
    """What happens on the big screen, from the first touch to the reset."""

    was_reset = Signal()

    def __init__(
        self,
        theme: Theme,
        profile: Profile,
        camera: Camera,
        threads: Threads,
        make_painter: MakePainter | None = None,
    ) -> None:
        super().__init__()
        self._profile, self._engine, self.camera = profile, threads.engine, camera
        self._counting, self._log = threads["numbers"], Log(profile.numbers)
        self.scale = Scale()
        self.window = EventWindow(theme, self.scale, profile, camera, threads["files"])
        page = self.page = self.window.answer_page
        self.visit = Visit(threads["files"], profile.limits.photos)
        dialogue = self._dialogue = Dialogue(
            self.window, profile, threads.engine, self.visit, threads["heatmaps"]
        )
        self.asker, self.watchdog = dialogue.asker, dialogue.watchdog
        self.heatmaps, self.explainer = dialogue.heatmaps, dialogue.explainer
        self.idle = Idle(profile.show)
        self.attract = Attract(theme, profile, self.visit, page, dialogue)
        self.desk = DrawingDesk(
            self.window.draw_page, profile.drawing, self.visit, threads.painter, make_painter
        )
        self.souvenir = SouvenirPanel(theme, self.scale, profile, threads["souvenirs"])
        self.window.pages.addWidget(self.souvenir)
        self._titles = {sample.path: sample.title for sample in read_samples()}
        self._connect()
        self._connect_dialogue()

    def _connect(self) -> None:
        window, visit, idle = self.window, self.visit, self.idle
        window.start_page.camera.clicked.connect(self._open_camera)
        window.start_page.samples.clicked.connect(self.choose_sample)
        window.start_page.drop.clicked.connect(self._choose_file)
        window.start_page.draw.clicked.connect(self._open_drawing)
        window.draw_page.left.connect(self.show_start)
        self.desk.offered_now.connect(partial(window.start_page.draw.setVisible, True))
        self.desk.refused.connect(self._refuse)
        self.desk.drawn.connect(idle.touch)
        window.header.another.clicked.connect(self.show_start)
        window.header.back.clicked.connect(self._show_current)
        window.header.done.clicked.connect(self.reset)
        window.camera_page.left.connect(self.show_start)
        window.camera_page.taken.connect(self._take_shot)
        self.camera.failed.connect(self._lose_camera)
        window.header.souvenir.clicked.connect(self._make_souvenir)
        self.souvenir.back_button.clicked.connect(self._show_answer)
        self.souvenir.failed.connect(self._count_souvenir)
        window.chooser.back.clicked.connect(self.show_start)
        window.chooser.chosen.connect(visit.open)
        window.dropped.connect(self._take_drop)
        window.touched.connect(idle.touch)
        window.countdown.stayed.connect(idle.touch)
        window.countdown.left.connect(self.reset)
        self.page.photo_chosen.connect(visit.choose)
        self.page.asking.asked.connect(self.ask)
        visit.added.connect(self._count_picture)
        visit.changed.connect(self._show)
        visit.refused.connect(self._refuse)
        idle.idle.connect(self._play_unless_black)
        idle.counting.connect(self._count_down)
        idle.over.connect(self.reset)
        self.attract.playing_changed.connect(window.set_playing)

    def _connect_dialogue(self) -> None:
        self.asker.began.connect(self._show_buttons)
        self.asker.stepped.connect(self.idle.touch)  # who reads is there
        self.asker.ended.connect(self._end)
        self.watchdog.gave_up.connect(self._give_up)
        self.attract.playing_changed.connect(self._dialogue.set_quiet)
        self.watchdog.failed.connect(self._count_error)

    def count(self, work: Callable[..., None], *what: object) -> None:
        """The organiser's numbers are written where nobody waits. They are visitors' alone."""
        if not self.attract.playing:
            self._counting.submit(lambda _task: work(*what))

    def _count_error(self, kind: str) -> None:
        self._counting.submit(lambda _task: self._log.error(kind))

    def _count_souvenir(self) -> None:
        self._count_error("souvenir")

    def _count_picture(self, photo: Photo) -> None:
        self.count(self._log.picture, photo)

    # The visitor's steps

    def show_start(self) -> None:
        self.stop_asking()
        self.desk.stop()
        self.window.start_page.offer_camera(self.camera.available())
        self._turn_to(self.window.start_page)
        self.window.start_page.offered[0].setFocus()

    def _turn_to(self, page: QWidget) -> None:
        self.window.pages.setCurrentWidget(page)
        self._show_buttons()

    def _open_camera(self) -> None:
        self.begin_visit()
        self._turn_to(self.window.camera_page)

    def _open_drawing(self) -> None:
        self.begin_visit()
        self.window.draw_page.clear()
        self._turn_to(self.window.draw_page)
        wishes = self.window.draw_page.wishes
        (wishes.cards[0] if wishes.cards else wishes.line).setFocus()

    def _take_shot(self, image: QImage) -> None:
        self.visit.take_image(image, self.tr("Picture"))

    def _lose_camera(self, reason: str) -> None:
        self._count_error("camera")
        self.window.say(reason)
        self.show_start()

    def choose_sample(self) -> None:
        titles = {sample.photo: self._titles.get(sample.photo, "") for sample in self.samples}
        self.window.chooser.show_samples(titles)
        self._show_chooser()

    @property
    def samples(self) -> tuple[EventSample, ...]:
        return self._profile.samples

    def title(self, sample: EventSample) -> str:
        """For the presenter."""
        title = own("samples", self._titles.get(sample.photo, ""))
        return title or sample.photo.stem

    def _choose_file(self) -> None:
        folder = self._profile.lock.files
        if folder is not None:
            self.window.chooser.show_folder(folder)
            self._show_chooser()
        else:
            self.window.say(self.tr("Drag a picture onto this screen, and let it go."))

    def _show_chooser(self) -> None:
        self.begin_visit()
        self._turn_to(self.window.chooser)

    def begin_visit(self) -> None:
        if not self.idle.visiting and not self.attract.playing:
            self.idle.set_visiting(True)
            self.count(self._log.visitor)

    def _take_drop(self, mime: QMimeData) -> None:
        self.begin_visit()
        self.visit.take_mime(mime, self.tr("Picture"))

    def open(self, path: Path) -> None:
        """A picture for the visitor, as if they had chosen it."""
        self.begin_visit()
        self.visit.open(path)

    def _show(self, conversation: Conversation) -> None:
        self.stop_asking()
        self.desk.stop()
        self._dialogue.show(conversation)
        photos = [each.photo for each in self.visit.conversations if each.photo is not None]
        if conversation.photo is None:
            self.page.show_thumbnails([], -1)
            return
        self.page.show_thumbnails(photos, self.visit.conversations.index(conversation))
        self.page.asking.set_questions(self._questions(conversation))
        self._turn_to(self.page)
        if not self.attract.playing:
            self.begin_visit()
            self.page.asking.cards[0].setFocus()
        else:
            self.window.setFocus()  # nothing is marked: nobody is to press it

    def _show_current(self) -> None:
        self._show(self.visit.current)

    def _questions(self, conversation: Conversation) -> tuple[str, ...]:
        """A sample's own, else those for any picture."""
        assert conversation.photo is not None
        name = conversation.photo.name
        own = (each.questions for each in self.samples if each.photo.name == name)
        return next(own, self._profile.questions)

    def _show_buttons(self) -> None:
        page, window = self.window.pages.currentWidget(), self.window
        visiting = page in (self.page, self.souvenir) and not self.attract.playing
        turns = self.visit.current.turns if page is self.page else []
        answered = bool(turns) and turns[-1].outcome is not None and turns[-1].reply is None
        take_home = visiting and answered and offered(self._profile.souvenir)
        back = page is window.start_page and bool(self.visit.conversations)
        window.header.show_buttons(another=visiting, back=back, souvenir=take_home)

    def _refuse(self, error: AppError) -> None:
        if not self.attract.playing:
            self.window.say_error(error)

    def _give_up(self) -> None:
        if not self.attract.playing:
            self.show_start()

    # The souvenir

    def _make_souvenir(self) -> None:
        turn = self.visit.current.turns[-1]
        if turn.outcome is not None and turn.model is not None:
            style = self.page.picture.report_style()
            self.souvenir.make(report_maker(turn, turn.model, self.heatmaps, style))
            self._turn_to(self.souvenir)

    def _show_answer(self) -> None:
        self._turn_to(self.page)

    # Asking

    def ask(self, question: str) -> None:
        self._dialogue.ask(question)

    def _end(self, turn: Turn) -> None:
        self._show_buttons()
        timings = turn.outcome.timings if turn.outcome is not None else None
        if timings is not None and turn.reply is None:  # the app's own words take no time
            first, total = timings.first_token, timings.total
            self.count(self._log.question, first, total, turn.question)

    def freeze(self, frozen: bool) -> None:
        """What is on the screen stays as it is."""
        self.asker.freeze(frozen)
        self.desk.freeze(frozen)
        self.attract.freeze(frozen)

    def stop(self) -> None:
        """For good."""
        self.reset()
        self.souvenir.stop()
        self.idle.stop()
        self.watchdog.stop()

    def stop_asking(self) -> None:
        """Neither goes on what is being answered, nor is it asked again."""
        self._dialogue.stop()

    def say_sorry(self) -> None:
        self.window.say(
            self.tr("Something went wrong, so I started again. Please show me your picture anew.")
        )

    # Nobody is there

    def play(self) -> None:
        """The samples, until somebody comes."""
        if not self.attract.playing:
            self.reset()
            self.attract.start()
            self._show_buttons()

    def _play_unless_black(self) -> None:
        if not self.window.blank.isVisible():
            self.play()

    def _count_down(self, seconds: int) -> None:
        if seconds and not self.window.blank.isVisible():
            self.window.countdown.say(seconds)
        else:
            self.window.countdown.hide()

    def reset(self) -> None:
        """Nothing of the visit is left, on the screen or in memory."""
        self._engine.reserve()  # nothing is found out any more
        self.attract.stop()
        self.stop_asking()
        self.visit.reset()
        self.page.clear()
        self.window.chooser.clear()
        self.window.camera_page.clear()
        self.desk.stop()
        self.window.draw_page.clear()
        self.souvenir.reset()
        self.window.unsay()
        self.heatmaps.show_conversation(Conversation())
        self._engine.release()
        self._engine.forget()
        _clear_clipboard()
        QPixmapCache.clear()
        gc.collect()  # now, not when the collector comes by
        self.show_start()
        self.idle.set_visiting(False)
        self.was_reset.emit()


def _clear_clipboard() -> None:
    """Of what was copied in here; what other programs put there is theirs."""
    clipboard = QGuiApplication.clipboard()
    if clipboard.ownsClipboard():
        clipboard.clear()
    if clipboard.supportsSelection() and clipboard.ownsSelection():
        clipboard.clear(clipboard.Mode.Selection)
