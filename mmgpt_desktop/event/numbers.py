"""The organiser's numbers: a CSV file with a row for each hour, and no more than the profile says.

Nothing here is sent anywhere. All methods wait for the disk, so the window calls them in a thread
of its own; none raises, since no visitor should see that a disk is full.
"""

from __future__ import annotations

import csv
import io
import logging
import re
import secrets
import statistics
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from PIL import Image

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.event.profile import Numbers
from mmgpt_desktop.imaging.encoded import encoded
from mmgpt_desktop.messages import Photo
from mmgpt_desktop.text import printable, reason_of
from mmgpt_desktop.writing import write

HEADER = ("hour", "visitors", "questions", "first_word_s", "answer_s", "errors", "kinds")
"""`first_word_s` and `answer_s` are medians, `kinds` says which errors, such as "engine 2"."""
TEXTS_HEADER = ("time", "question")

_MOST_AN_HOUR = 100_000

_Row = dict[str, str]

_log = logging.getLogger(__name__)


@dataclass
class _Hour:
    visitors: int = 0
    questions: int = 0
    first_words: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    whole: bool = False  # what the file said of it is counted in

    @classmethod
    def of(cls, row: _Row) -> _Hour:
        """What was counted before a restart. Its single times are gone: its median counts as often
        as there were questions."""
        questions = int(row["questions"])
        if not 0 <= questions <= _MOST_AN_HOUR:
            raise ValueError("more questions than an hour has time for")
        first, answer = (
            [float(row[name])] * questions if row[name] else []
            for name in ("first_word_s", "answer_s")
        )
        hour = cls(int(row["visitors"]), questions, first, answer)
        for kind in filter(None, row["kinds"].split(", ")):
            name, _, count = kind.rpartition(" ")
            hour.kinds[name] += int(count)
        return hour

    def add(self, other: _Hour) -> None:
        self.visitors += other.visitors
        self.questions += other.questions
        self.first_words += other.first_words
        self.answers += other.answers
        self.kinds += other.kinds

    def row(self, hour: str) -> _Row:
        kinds = ", ".join(f"{name} {count}" for name, count in sorted(self.kinds.items()))
        times = (_median(self.first_words), _median(self.answers))
        cells = (hour, self.visitors, self.questions, *times, self.kinds.total(), kinds)
        return dict(zip(HEADER, map(str, cells), strict=True))


def _median(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.2f}" if times else ""


class Log:
    """Counts, and writes after each count, so that a crash loses nothing. Any thread; one
    program at a time for each file."""

    def __init__(self, numbers: Numbers, now: Callable[[], datetime] = datetime.now) -> None:
        self._numbers, self._now = numbers, now
        self._lock = threading.Lock()
        self._hours: dict[str, _Hour] = {}  # the present one, and those still to be written
        self._troubles: set[str] = set()  # what can't be written, until it can

    def visitor(self) -> None:
        self._count(_Hour(visitors=1))

    def question(self, first_word_s: float, seconds: float, text: str | None = None) -> None:
        """An answered question; `text` is dropped unless the profile keeps texts."""
        self._count(_Hour(questions=1, first_words=[first_word_s], answers=[seconds]))
        if text is not None and self._numbers.texts:
            self._try("texts", lambda: self._keep_text(text))

    def error(self, kind: str) -> None:
        """`kind` is a word of the program's, such as "engine" or "camera": no visitor's."""
        name = re.sub("[^a-z-]", "", kind.lower())[:20] or "other"
        self._count(_Hour(kinds=Counter([name])))

    def picture(self, photo: Photo) -> None:
        """Dropped unless the profile has a folder for pictures."""
        folder = self._numbers.pictures
        if folder is not None:
            self._try("pictures", lambda: self._keep_picture(photo, folder))

    def _count(self, more: _Hour) -> None:
        file = self._numbers.file
        if file is None:
            return
        with self._lock:
            hour = f"{self._now():%Y-%m-%d %H}:00"
            self._hours.setdefault(hour, _Hour()).add(more)
            if self._try("numbers", lambda: self._store(file)):
                self._hours = {hour: self._hours[hour]}

    def _store(self, file: Path) -> None:
        rows = self._read(file)
        for name, hour in self._hours.items():
            if name in rows and not hour.whole:
                hour.add(_Hour.of(rows[name]))
            hour.whole = True
            rows[name] = hour.row(name)
        write(file, _csv([HEADER, *(row.values() for row in rows.values())]))

    def _read(self, file: Path) -> dict[str, _Row]:
        """The rows by their hour. What another program made of the file is kept aside."""
        try:
            text = file.read_text(encoding="utf-8-sig")
            rows = {row["hour"]: row for row in csv.DictReader(io.StringIO(text), strict=True)}
            for row in rows.values():
                if tuple(row) != HEADER:
                    raise ValueError("other columns")
                _Hour.of(row)
            return rows
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
            aside = file.with_name(f"{file.stem}-{self._now():%Y%m%d-%H%M%S}{file.suffix}")
            _log.warning("%s is kept as %s: %s", file.name, aside.name, reason_of(error))
            file.replace(aside)
            return {}

    def _keep_text(self, text: str) -> None:
        assert self._numbers.file is not None  # the profile has seen to it
        file = self._numbers.file.with_stem(f"{self._numbers.file.stem}-texts")
        with self._lock, file.open("ab") as stream:
            new = stream.tell() == 0
            line = (self._now().isoformat(" ", "seconds"), _no_formula(printable(text)))
            stream.write(_csv([TEXTS_HEADER, line] if new else [line]))

    def _keep_picture(self, photo: Photo, folder: Path) -> None:
        name = f"{self._now():%Y%m%d-%H%M%S}-{secrets.token_hex(4)}.png"
        write(folder / name, encoded(Image.fromarray(photo.pixels), "PNG"))

    def _try(self, what: str, work: Callable[[], None]) -> bool:
        """One warning, however long a disk stays full."""
        try:
            work()
        except (OSError, AppError) as error:
            if what not in self._troubles:
                _log.warning("the event's %s can't be written: %s", what, error)
            self._troubles.add(what)
            return False
        self._troubles.discard(what)
        return True


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(rows)
    return stream.getvalue().encode()


def _no_formula(text: str) -> str:
    """Spreadsheets would run a question that begins like a formula."""
    return f"'{text}" if text.lstrip()[:1] in tuple("=+-@") else text
