"""What an event wants of the app: a TOML file, checked to the last key before the show starts.

resources/docs/EVENT.md has an example with every key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.event.local_network import is_private
from mmgpt_desktop.event.pin import is_hash
from mmgpt_desktop.event.toml_table import Table, read_table
from mmgpt_desktop.resources import default_bundle_path, read_samples
from mmgpt_desktop.text import safe_name

CardKind = Literal["png", "pdf"]

TITLE = "MMGPT Desktop"
LANGUAGES = ("en", "zh_CN")
QUESTIONS = ("What is this?", "What is happening here?", "Describe this picture.")
CHORD = "Ctrl+Alt+Shift+Q"

_PHOTOS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif")
_LOGOS = (".png", ".jpg", ".jpeg", ".webp")
_MODIFIERS = ("Ctrl", "Alt", "Shift", "Meta")
# No digits: with Shift, on some keyboards also without, another sign is what the app gets.
_KEY = re.compile(r"[A-Z]|F([1-9]|1[0-2])|Esc|Del|Ins|Home|End|Backspace")


@dataclass(frozen=True)
class Brand:
    """`colour` is #rrggbb; `link` goes onto the souvenir."""

    logo: Path | None
    colour: str | None
    link: str | None


@dataclass(frozen=True)
class Sample:
    """A photo that visitors may choose and that plays while nobody is there; it has questions."""

    photo: Path
    questions: tuple[str, ...]


@dataclass(frozen=True)
class ModelChoice:
    """None stands for the model that ships, and for the model's own fusion."""

    folder: Path | None
    fusion: str | None


@dataclass(frozen=True)
class Show:
    """Seconds without a touch until samples play, until the reset's countdown begins, and that
    the countdown takes; `speed` multiplies how fast things move."""

    idle_s: float
    reset_s: float
    countdown_s: float
    speed: float


@dataclass(frozen=True)
class Lock:
    """How the show is left, and how a visitor's own pictures come in.

    `pin` is a hash (see `event.pin`), `chord` is never None where there is no PIN. `files` is
    the one folder whose pictures may be chosen; None: there is no choosing of files.
    """

    pin: str | None
    chord: str | None
    drop: bool
    camera: bool
    files: Path | None


@dataclass(frozen=True)
class Limits:
    """Of one visitor: characters of a question, tokens of an answer, photos at a time."""

    question_chars: int
    answer_tokens: int
    photos: int


@dataclass(frozen=True)
class Souvenir:
    """The ways to take the card home. The page is served on `port` (0: any that is free) of
    `address` (None: the local network's), and each of its links lasts for `minutes`. Folder and
    page give files of the kind `format`."""

    folder: Path | None
    printer: bool
    page: bool
    port: int
    minutes: int
    address: str | None
    format: CardKind


@dataclass(frozen=True)
class Numbers:
    """Where the hours are counted; `texts` and `pictures` (a folder) keep what visitors did."""

    file: Path | None
    texts: bool
    pictures: Path | None


@dataclass(frozen=True)
class Profile:
    """All paths are absolute and were there; `language` empty means the system's."""

    title: str
    language: str
    path: Path
    brand: Brand
    samples: tuple[Sample, ...]
    questions: tuple[str, ...]
    model: ModelChoice
    show: Show
    lock: Lock
    limits: Limits
    souvenir: Souvenir
    numbers: Numbers


def read_profile(path: Path, model: Path | None = None) -> Profile:
    """Raises ProfileError at the first mistake. An empty file is a profile: all has a default.

    `model` is a folder to take instead of the profile's.
    """
    top = read_table(path)
    title = top.text("title") or TITLE
    language = top.choice("language", LANGUAGES) or ""
    limits = _limits(top.table("limits"))
    questions = _questions(top, limits.question_chars) or QUESTIONS
    profile = Profile(
        title,
        language,
        path.absolute(),
        _brand(top.table("brand")),
        _samples(top.tables("samples"), questions, limits.question_chars),
        questions,
        _model(top.table("model"), model),
        _show(top.table("show")),
        _lock(top.table("lock")),
        limits,
        _souvenir(top.table("souvenir")),
        _numbers(top.table("numbers")),
    )
    top.done()
    return profile


def _brand(table: Table) -> Brand:
    logo = table.file("logo", _LOGOS)
    colour, link = table.text("colour"), table.text("link")
    table.done()
    if colour is not None and not re.fullmatch("#[0-9A-Fa-f]{6}", colour):
        title = "{file}, line {line}: {key} must be a colour such as #1f6feb."
        raise table.mistake(title, key="colour")
    if link is not None and not re.fullmatch(r"https?://[^\s/]+\S*", link):
        title = "{file}, line {line}: {key} must be an address that begins with https://."
        raise table.mistake(title, key="link")
    return Brand(logo, colour and colour.lower(), link)


def _questions(table: Table, most: int) -> tuple[str, ...]:
    """Of at most so many characters, as visitors' own."""
    asked = table.texts("questions")
    for number, question in enumerate(asked):
        if len(question) > most:
            title = "{file}, line {line}: this question is longer than question_chars, {most}."
            raise table.mistake(title, key="questions", item=number, most=most)
    return asked


def _samples(tables: list[Table], questions: tuple[str, ...], most: int) -> tuple[Sample, ...]:
    """Those that ship, if the profile names none."""
    if not tables:
        return tuple(Sample(photo.path, questions) for photo in read_samples())
    return tuple(_sample(table, questions, most) for table in tables)


def _sample(table: Table, questions: tuple[str, ...], most: int) -> Sample:
    photo = table.file("photo", _PHOTOS)
    asked = _questions(table, most) or questions
    table.done()
    if photo is None:
        raise table.mistake("{file}, line {line}: this sample needs a {key}.", key="photo")
    return Sample(photo, asked)


def _model(table: Table, instead: Path | None) -> ModelChoice:
    own, fusion = table.folder("folder"), table.text("fusion")
    table.done()
    folder = instead or own
    if folder is own is not None:
        _check_model(table, own)
    if fusion is not None and fusion not in (known := _fusions(folder or default_bundle_path())):
        title = "{file}, line {line}: the model has no fusion called {name}."
        hint, names = "Choose one of these: {known}.", ", ".join(known)
        raise table.mistake(title, hint, key="fusion", name=safe_name(fusion), known=names)
    return ModelChoice(folder, fusion)


def _fusions(folder: Path) -> tuple[str, ...]:
    from mmgpt_desktop.engine.open_engine import (
        fusions_of,  # slow: not at every start of the window
    )

    return fusions_of(folder)


def _check_model(table: Table, folder: Path) -> None:
    try:
        _fusions(folder)
    except AppError as error:
        title = "{file}, line {line}: {key} holds no model that can be opened ({reason})."
        raise table.mistake(title, key="folder", reason=error.title.rstrip(".")) from error


def _show(table: Table) -> Show:
    show = Show(
        idle_s=table.seconds("idle_s", 60, 5, 3600),
        reset_s=table.seconds("reset_s", 45, 5, 3600),
        countdown_s=table.seconds("countdown_s", 15, 3, 120),
        speed=table.number("speed", 1, 0.25, 4),
    )
    table.done()
    return show


def _lock(table: Table) -> Lock:
    pin, chord = table.text("pin"), table.text("chord")
    lock = Lock(
        pin,
        _chord(table, chord) if chord else None if pin else CHORD,
        drop=table.flag("drop", True),
        camera=table.flag("camera", True),
        files=table.folder("files"),
    )
    table.done()
    if pin is not None and not is_hash(pin):
        title = "{file}, line {line}: {key} must be a whole line that begins with $scrypt$."
        hint = "`mmgpt-desktop event-pin` asks for the PIN and prints it."
        raise table.mistake(title, hint, key="pin")
    return lock


def _chord(table: Table, text: str) -> str:
    """As Qt spells it. Two modifiers, so that nobody leaves by chance."""
    *modifiers, key = (part.strip().capitalize() for part in text.split("+"))
    known = {*modifiers} <= {*_MODIFIERS} and len({*modifiers}) == len(modifiers) >= 2
    if not known or not _KEY.fullmatch(key):
        title = "{file}, line {line}: {key} must be keys such as Ctrl+Alt+Q."
        hint = "Take two or more of Ctrl, Alt, Shift, Meta, then a letter or F1 to F12."
        raise table.mistake(title, hint, key="chord")
    return "+".join([*sorted(modifiers, key=_MODIFIERS.index), key])


def _limits(table: Table) -> Limits:
    limits = Limits(
        question_chars=table.whole("question_chars", 200, 10, 2000),
        answer_tokens=table.whole("answer_tokens", 60, 1, 1000),
        photos=table.whole("photos", 5, 1, 50),
    )
    table.done()
    return limits


def _souvenir(table: Table) -> Souvenir:
    souvenir = Souvenir(
        table.folder("folder"),
        printer=table.flag("printer", False),
        page=table.flag("page", False),
        port=table.whole("port", 0, 0, 65535),
        minutes=table.whole("minutes", 10, 1, 240),
        address=table.text("address"),
        format="pdf" if table.choice("format", ("png", "pdf")) == "pdf" else "png",
    )
    table.done()
    if souvenir.address is not None and not is_private(souvenir.address):
        title = "{file}, line {line}: {key} must be one of a local network, such as 192.168.7.1."
        raise table.mistake(title, key="address")
    if 0 < souvenir.port < 1024:
        title = "{file}, line {line}: {key} must be 0 or from 1024 to 65535."
        raise table.mistake(title, key="port")
    return souvenir


def _numbers(table: Table) -> Numbers:
    numbers = Numbers(table.new_file("file"), table.flag("texts", False), table.folder("pictures"))
    table.done()
    if numbers.texts and numbers.file is None:
        title = "{file}, line {line}: {key} needs a file beside it, which says where to."
        raise table.mistake(title, key="texts")
    return numbers
