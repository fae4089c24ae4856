"""Saves what the window holds, brings it back, and keeps it while nobody saves it."""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePath

from PySide6.QtCore import QElapsedTimer, QLockFile, QObject, QStandardPaths, QTimer, Signal
from PySide6.QtWidgets import QFileDialog

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.conversation import Conversation
from mmgpt_desktop.decoding import LONGEST_TEXT
from mmgpt_desktop.errors import AppError, NotKept, SessionError
from mmgpt_desktop.session.recent import (
    RecentSession,
    describe,
    forget,
    forget_kept,
    read_recent,
    remember,
)
from mmgpt_desktop.session.session_file import SUFFIX, open_session, save_session
from mmgpt_desktop.session.session_record import Session, brought_back, to_be_saved
from mmgpt_desktop.session.witness import ChangedMeanwhile, Witness
from mmgpt_desktop.text import safe_name
from mmgpt_desktop.ui.chat.chat_controller import ChatController
from mmgpt_desktop.ui.files.recent_dialog import RecentDialog
from mmgpt_desktop.ui.files.saving import ask_where_to_save, proposed_stem
from mmgpt_desktop.ui.widgets.notices import Notice
from mmgpt_desktop.ui.widgets.plain import window_title
from mmgpt_desktop.ui.widgets.shell import Shell
from mmgpt_desktop.ui.widgets.shown_photo import levels_of
from mmgpt_desktop.ui.worker import Task
from mmgpt_desktop.writing import not_kept, sweep

KEEP_MS = 2000
_CALM = 10  # times as long as keeping took, it isn't done again
_MOST_KEPT = 5

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Saving:
    path: Path
    state: object
    work: Callable[[CancelToken], None]


@dataclass(frozen=True, eq=False)
class _State:
    """What the window shows, to be put back as it was."""

    conversations: tuple[Conversation, ...]
    current: Conversation
    draft: str
    path: Path | None
    saved: object


class Sessions(QObject):
    """Files are read and written on a thread, in `folder` those that nobody saved.

    A program that is killed leaves its lock beside the session that it kept. The next one to
    start finds that nobody holds it, and offers the session.
    """

    unkept = Signal(object)  # NotKept

    def __init__(self, shell: Shell, chat: ChatController, folder: Path) -> None:
        super().__init__(shell.window)
        self._shell, self._thread = shell, shell.threads["sessions"]
        self._chat, self._photos, self._edit = chat, chat.photos, chat.prompt.edit
        self._recent = folder / "recent.json"
        self._kept_in = folder / "unsaved"
        self._slot = self._kept_in / f"{uuid.uuid4().hex}{SUFFIX}"
        self._lock = QLockFile(str(self._slot.with_suffix(".lock")))
        self._keeps = shell.preferences.settings.autosave
        self._path: Path | None = None
        self._saved = self._kept = self._now()  # how things stood when they were written last
        self._busy = self._broken_off = False
        self._unwritten: _Saving | None = None
        self._witness = Witness()
        self._opening: tuple[CancelToken, Notice] | None = None
        self._last_folder = QStandardPaths.writableLocation(
            QStandardPaths.StandardLocation.DocumentsLocation
        )
        self.timer = QTimer(self, interval=KEEP_MS)
        self.timer.timeout.connect(self.keep)
        self.unkept.connect(shell.notices.tell_once)
        self._photos.session_wanted.connect(self.open)
        shell.actions["autosave"].triggered.connect(self.set_keeping)
        shell.actions.connect(
            {
                "open-session": self.choose_and_open,
                "recent": self.show_recent,
                "save": self.save,
                "save-as": self.save_as,
            }
        )

    def start(self) -> None:
        """Look for what a killed program left, and keep what changes from now on."""
        if self._keeps:
            folder, recent = self._kept_in, self._recent
            self._thread.submit(lambda _: look_back(folder, recent), self._offer, self._fail)
            self.timer.start()
        else:
            self._delete_kept()

    def close(self) -> None:
        """Write what was to be saved, and keep what nobody saved. Call it when the threads have
        ended."""
        self.timer.stop()
        self._write_at_last()
        session = self.session()
        changed = self._now() not in (self._saved, self._kept)
        if self._keeps and changed and not session.is_empty:
            try:
                self._write_slot(session)(CancelToken())
            except (AppError, OSError) as error:
                _log.warning("the session can't be kept: %s", error)
        if not self._broken_off:
            self._lock.unlock()

    def _write_at_last(self) -> None:
        """Who saves and quits at once has saved."""
        saving, self._unwritten = self._unwritten, None
        if saving is None:
            return
        try:
            saving.work(CancelToken())
        except (AppError, OSError) as error:
            _log.warning("the session can't be saved: %s", error)
        else:
            self._saved = saving.state

    def break_off(self) -> None:
        """The process is about to be ended by the system: as after a crash, the next one offers
        what `close` keeps."""
        self._broken_off = True

    def session(self) -> Session:
        """All that the window holds, as it stands now."""
        conversations = self._photos.conversations
        return Session(
            to_be_saved(conversations),
            conversations.index(self._photos.kept),
            self._edit.toPlainText()[:LONGEST_TEXT],
        )

    def _now(self) -> object:
        """Another one whenever there is something more, or less, to keep."""
        talked = tuple(
            (
                conversation.photo.image_id if conversation.photo else "",
                tuple((turn.job_id, *turn.progress) for turn in conversation.turns),
            )
            for conversation in self._photos.conversations
        )
        return talked, self._edit.toPlainText()

    # Saving

    def save(self) -> None:
        if self._path is None:
            self.save_as()
        else:
            self._save(self._path)

    def save_as(self) -> None:
        path = self.ask_where_to(self._proposed())
        if path is not None:
            self._save_over(path)

    def _save_over(self, path: Path) -> None:
        """Whatever is there: somebody was asked."""
        self._save(path, over=True)

    def _save(self, path: Path, *, over: bool = False) -> None:
        session, recent, witness = self.session(), self._recent, self._witness

        def work(_task: CancelToken) -> None:
            if not over:
                witness.check(path)
            save_session(session, path)
            witness.note(path)
            try:
                remember(recent, describe(session, path))
            except NotKept as error:  # it is saved all the same
                self.unkept.emit(error)

        saving = self._unwritten = _Saving(path, self._now(), work)
        end, fail = partial(self._end_saving, saving), partial(self._fail_saving, saving)
        self._thread.submit(work, end, fail)

    def _end_saving(self, saving: _Saving, _nothing: None) -> None:
        self._forget_unwritten(saving)
        self._saved = saving.state
        self._kept = None  # what was kept of it has had its day
        self._set_path(saving.path)
        self._shell.notices.tell(
            self.tr("Saved as {name}.").format(name=saving.path.name), str(saving.path.parent)
        )

    def _fail_saving(self, saving: _Saving, error: AppError) -> None:
        self._forget_unwritten(saving)
        if not isinstance(error, ChangedMeanwhile):
            self._fail(error)
            return
        notice = self._shell.notices.tell_error(error)
        notice.add_action(self.tr("Save under another name…"), self.save_as)
        notice.add_action(self.tr("Replace it"), partial(self._save_over, saving.path))

    def _forget_unwritten(self, saving: _Saving) -> None:
        if saving is self._unwritten:
            self._unwritten = None

    def _proposed(self) -> str:
        photo = self._photos.kept.photo
        stem = PurePath(photo.name).stem if photo else ""
        kept = "".join(letter for letter in stem if letter.isalnum() or letter in "-_ ").strip()
        return (proposed_stem(kept) or "session") + SUFFIX

    def ask_where_to(self, proposed: str) -> Path | None:
        """Somebody is asked before a file is replaced."""
        window, folder, title = self._shell.window, self._last_folder, self.tr("Save the session")
        kinds = {self._filter(): SUFFIX.removeprefix(".")}
        path = ask_where_to_save(window, title, folder, kinds, proposed)
        if path is not None:
            self._last_folder = str(path.parent)
        return path

    def _filter(self) -> str:
        return self.tr("Sessions") + f" (*{SUFFIX})"

    def _set_path(self, path: Path | None) -> None:
        self._path = path
        name = f"{safe_name(path.stem)} – " if path is not None else ""  # noqa: RUF001
        self._shell.window.setWindowTitle(window_title(f"{name}MMGPT Desktop"))

    # Opening

    def choose_and_open(self) -> None:
        window, folder, title = self._shell.window, self._last_folder, self.tr("Open a session")
        name, _ = QFileDialog.getOpenFileName(window, title, folder, self._filter())
        if name:
            self._last_folder = str(Path(name).parent)
            self.open(Path(name))

    def open(self, path: Path) -> None:
        """Read a session; it takes the place of what is here when it is found to be whole."""
        self._stop_opening()
        opening = self.tr("Opening {name}…").format(name=path.name)
        notice = self._shell.notices.tell(opening, stays=True)
        witness, job_ids = self._witness, self._chat.job_ids

        def work(task: Task) -> Session:
            witness.note(path)
            session = open_session(path, task)
            conversations = brought_back(session.conversations, job_ids)
            for photo in (each.photo for each in conversations if each.photo is not None):
                task.raise_if_cancelled()
                levels_of(photo)
            return replace(session, conversations=conversations)

        take, fail = partial(self._take_opened, path, notice), partial(self._fail_opening, notice)
        task = self._thread.submit(work, take, fail)
        self._opening = task, notice
        notice.add_action(self.tr("Cancel"), task.cancel)

    def _stop_opening(self) -> None:
        """What is being opened, if anything, is wanted no more."""
        if self._opening is not None:
            task, notice = self._opening
            task.cancel()
            self._shell.notices.forget(notice)

    def _fail_opening(self, notice: Notice, error: AppError) -> None:
        self._shell.notices.forget(notice)
        self._fail(error)

    def _take_opened(self, opened_from: Path, notice: Notice, session: Session) -> None:
        self._shell.notices.forget(notice)
        before, empty = self._state(), self.session().is_empty
        self._chat.stop()
        kept = opened_from.parent == self._kept_in  # by the program: no file to save it to
        path = None if kept else opened_from
        current = session.conversations[session.current]
        self._put(_State(session.conversations, current, session.draft, path, None))
        self._saved = None if kept else self._now()
        if path is not None:
            recent, shown = self._recent, self.session()
            self._do(lambda _: remember(recent, describe(shown, opened_from)))
        if not empty:
            said = self.tr("The opened session took the place of what was here.")
            self._shell.undo.offer(said, partial(self._put_back, before))

    def _state(self) -> _State:
        draft = self._edit.toPlainText()
        conversations, current = self._photos.conversations, self._photos.kept
        return _State(conversations, current, draft, self._path, self._saved)

    def _put(self, state: _State) -> None:
        self._photos.take_over(state.conversations, state.current)
        self._edit.replace(state.draft)
        self._set_path(state.path)
        self._saved = state.saved

    def _put_back(self, state: _State) -> None:
        self._chat.stop()
        self._put(state)

    # Recent sessions

    def show_recent(self) -> None:
        recent = self._recent
        self._thread.submit(lambda _: read_recent(recent), self._show_list, self._fail)

    def _show_list(self, entries: tuple[RecentSession, ...]) -> None:
        others = tuple(entry for entry in entries if entry.path != str(self._slot))
        dialog = RecentDialog(others, self._shell.window)
        dialog.chosen.connect(self._open_entry)
        dialog.forgotten.connect(self._forget)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _open_entry(self, path: str) -> None:
        self.open(Path(path))

    def _forget(self, path: str) -> None:
        recent = self._recent
        self._do(lambda _: forget(recent, path))

    # Keeping what nobody saved

    def set_keeping(self, wanted: bool) -> None:
        self._keeps = wanted
        self._shell.preferences.change(autosave=wanted)
        self.timer.start() if wanted else self.timer.stop()
        if not wanted:
            self._delete_kept()
            self._kept = None

    def _delete_kept(self) -> None:
        """Also what earlier runs left."""
        folder, recent, lock = self._kept_in, self._recent, self._lock

        def work(_task: Task) -> None:
            lock.unlock()
            forget_kept(recent, folder, _in_use(folder)[0])

        self._do(work)

    def keep(self) -> None:
        """Write what has changed since it was saved or kept; nothing where all is saved."""
        now = self._now()
        if self._busy or now == self._kept:
            return
        self._kept, session = now, self.session()
        if now == self._saved or session.is_empty:
            self._forget(str(self._slot))
            return
        self._busy = True
        clock = QElapsedTimer()
        clock.start()
        end, fail = partial(self._end_keeping, clock), partial(self._fail_keeping, clock)
        self._thread.submit(self._write_slot(session), end, fail)

    def _write_slot(self, session: Session) -> Callable[[CancelToken], None]:
        slot, lock, recent = self._slot, self._lock, self._recent

        def work(_cancel: CancelToken) -> None:
            try:
                slot.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                lock.tryLock(0)
                save_session(session, slot)
            except SessionError:
                raise
            except (OSError, AppError) as error:
                raise not_kept(error) from error
            remember(recent, describe(session, slot, kept=True))

        return work

    def _end_keeping(self, clock: QElapsedTimer, _nothing: None = None) -> None:
        self._busy = False
        self.timer.setInterval(max(KEEP_MS, _CALM * int(clock.elapsed())))

    def _fail_keeping(self, clock: QElapsedTimer, error: AppError) -> None:
        self._end_keeping(clock)
        self._shell.notices.tell_once(error)  # it is tried again with every change

    def _offer(self, path: Path | None) -> None:
        if path is None:
            return
        notice = self._shell.notices.tell(
            self.tr("The program ended before its last session was saved."),
            self.tr("It was kept, and is also among the recent sessions."),
            stays=True,
        )
        notice.add_action(self.tr("Bring it back"), partial(self.open, path))

    def _do(self, work: Callable[[Task], object]) -> None:
        """What only tells if it fails."""
        self._thread.submit(work, failed=self._fail)

    def _fail(self, error: AppError) -> None:
        if isinstance(error, NotKept):
            self._shell.notices.tell_once(error)
        else:
            self._shell.notices.tell_error(error)


def look_back(folder: Path, recent: Path) -> Path | None:
    """The newest session whose program was killed; but for the newest, old ones are deleted."""
    in_use, left = _in_use(folder)
    for each in (folder, recent.parent):
        sweep(each)
    with contextlib.suppress(OSError):
        recent.chmod(0o600)  # an earlier version let others read it
    kept = sorted(
        (path for path in folder.glob(f"*{SUFFIX}") if path not in in_use),
        key=lambda path: -path.stat().st_mtime,
    )
    for path in kept[_MOST_KEPT:]:
        forget(recent, str(path))
    return next((path for path in kept[:_MOST_KEPT] if path in left), None)


def _in_use(folder: Path) -> tuple[set[Path], set[Path]]:
    """The sessions that running programs keep, and those whose programs were killed."""
    left: set[Path] = set()
    for lock_file in folder.glob("*.lock"):
        lock = QLockFile(str(lock_file))
        lock.setStaleLockTime(0)  # a lock is as good as its program, however old
        if lock.tryLock(0):
            lock.unlock()
            left.add(lock_file.with_suffix(SUFFIX))
    return {lock_file.with_suffix(SUFFIX) for lock_file in folder.glob("*.lock")}, left
