"""What an event wants of the app: a TOML file, checked to the last key before the show starts.

resources/docs/EVENT.md has an example with every key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from mmgpt_desktop.decoding import DataDecoder, KeyPath, Mistake, at_most, between
from mmgpt_desktop.embedded import default_model
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.event.local_network import is_private
from mmgpt_desktop.event.pin import is_hash
from mmgpt_desktop.event.toml_file import read_toml
from mmgpt_desktop.paths import path_said
from mmgpt_desktop.resources import read_samples
from mmgpt_desktop.text import safe_name

CardKind = Literal["png", "pdf"]

TITLE = "MMGPT Desktop"
QUESTIONS = ("What is this?", "What is happening here?", "Describe this picture.")
PROMPTS = ("a yellow sunflower", "a pink rose", "a blue shirt", "an orange flower")
CHORD = "Ctrl+Alt+Shift+Q"

_PHOTOS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif")
_LOGOS = (".png", ".jpg", ".jpeg", ".webp")
_MODIFIERS = ("Ctrl", "Alt", "Shift", "Meta")
# No digits: with Shift, on some keyboards also without, another sign is what the app gets.
_KEY = re.compile(r"[A-Z]|F([1-9]|1[0-2])|Esc|Del|Ins|Home|End|Backspace")
_MOST_TEXT = 200
_MOST_ITEMS = 100
_RELATIVE = "Paths are relative to the profile's folder."


def _line(text: str) -> str:
    """One line that can be shown."""
    if not text.strip() or not text.isprintable():
        raise Mistake("{key} must be one line of text in quotes.")
    if len(text) > _MOST_TEXT:
        raise Mistake("{key} must have at most {most} characters.", most=_MOST_TEXT)
    return text


def _colour(text: str) -> str:
    if not re.fullmatch("#[0-9A-Fa-f]{6}", text):
        raise Mistake("{key} must be a colour such as #1f6feb.")
    return text.lower()


def _address(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+\S*", text):
        raise Mistake("{key} must be an address that begins with https://.")
    return text


def _pin(text: str) -> str:
    if not is_hash(text):
        hint = "`mmgpt-desktop event-pin` asks for the PIN and prints it."
        raise Mistake("{key} must be a whole line that begins with $scrypt$.", hint)
    return text


def _chord(text: str) -> str:
    """As Qt spells it. Two modifiers, so that nobody leaves by chance."""
    *modifiers, key = (part.strip().capitalize() for part in text.split("+"))
    known = {*modifiers} <= {*_MODIFIERS} and len({*modifiers}) == len(modifiers) >= 2
    if not known or not _KEY.fullmatch(key):
        hint = "Take two or more of Ctrl, Alt, Shift, Meta, then a letter or F1 to F12."
        raise Mistake("{key} must be keys such as Ctrl+Alt+Q.", hint)
    return "+".join([*sorted(modifiers, key=_MODIFIERS.index), key])


def _port(number: int) -> int:
    if 0 < number < 1024:
        raise Mistake("{key} must be 0 or from 1024 to 65535.")
    return number


def _local(address: str) -> str:
    if not is_private(address):
        raise Mistake("{key} must be one of a local network, such as 192.168.7.1.")
    return address


def _picture(suffixes: Collection[str]) -> Callable[[Path], Path]:
    """A file that is there."""

    def check(path: Path) -> Path:
        if path.suffix.lower() not in suffixes:
            title = "{key} must name a file that ends in {suffixes}."
            raise Mistake(title, suffixes=", ".join(suffixes))
        if not _is(path, Path.is_file):
            title = "there is no file {path} for {key}."
            raise Mistake(title, _RELATIVE, path=safe_name(str(path)))
        return path

    return check


def _folder(path: Path) -> Path:
    """One that is there."""
    if not _is(path, Path.is_dir):
        title = "there is no folder {path} for {key}."
        raise Mistake(title, _RELATIVE, path=safe_name(str(path)))
    return path


def _new_file(path: Path) -> Path:
    """It may be there already; its folder must be."""
    if _is(path, Path.is_dir):
        title = "{key} must be a file, and {path} is a folder."
        raise Mistake(title, path=safe_name(str(path)))
    return _folder(path.parent) / path.name


def _is(path: Path, kind: Callable[[Path], bool]) -> bool:
    try:
        return kind(path)
    except OSError:  # such as a path that is too long
        return False


Line = Annotated[str, _line]
Questions = Annotated[tuple[Line, ...], at_most(_MOST_ITEMS)]
Folder = Annotated[Path, _folder]
Seconds = Annotated[float, between(5, 3600)]


@dataclass(frozen=True)
class Brand:
    """`colour` is #rrggbb; `link` goes onto the souvenir."""

    logo: Annotated[Path, _picture(_LOGOS)] | None = None
    colour: Annotated[str, _colour] | None = None
    link: Annotated[Line, _address] | None = None


@dataclass(frozen=True)
class EventSample:
    """A photo that visitors may choose and that plays while nobody is there; it has questions,
    the profile's where it names none."""

    photo: Annotated[Path, _picture(_PHOTOS)]
    questions: Questions = ()


@dataclass(frozen=True)
class EventModel:
    """None stands for the model that answers first, and for the model's own fusion."""

    folder: Folder | None = None
    fusion: Line | None = None


@dataclass(frozen=True)
class ShowTimes:
    """Seconds without a touch until samples play, until the reset's countdown begins, and that
    the countdown takes; `speed` multiplies how fast things move."""

    idle_s: Seconds = 60
    reset_s: Seconds = 45
    countdown_s: Annotated[float, between(3, 120)] = 15
    speed: Annotated[float, between(0.25, 4)] = 1


@dataclass(frozen=True)
class EventLock:
    """How the show is left, and how a visitor's own pictures come in.

    `pin` is a hash (see `event.pin`), `chord` is never None where there is no PIN. `files` is
    the one folder whose pictures may be chosen; None: there is no choosing of files.
    """

    pin: Annotated[str, _pin] | None = None
    chord: Annotated[str, _chord] | None = None
    drop: bool = True
    camera: bool = True
    files: Folder | None = None


@dataclass(frozen=True)
class VisitorLimits:
    """Of one visitor: characters of a question, tokens of an answer, photos at a time."""

    question_chars: Annotated[int, between(10, 2000)] = 200
    answer_tokens: Annotated[int, between(1, 1000)] = 60
    photos: Annotated[int, between(1, 50)] = 5


@dataclass(frozen=True)
class Souvenir:
    """The ways to take the card home. The page is served on `port` (0: any that is free) of
    `address` (None: the local network's), and each of its links lasts for `minutes`. Folder and
    page give files of the kind `format`."""

    folder: Folder | None = None
    printer: bool = False
    page: bool = False
    port: Annotated[int, between(0, 65535), _port] = 0
    minutes: Annotated[int, between(1, 240)] = 10
    address: Annotated[str, _local] | None = None
    format: CardKind = "png"


@dataclass(frozen=True)
class EventDrawing:
    """What visitors may have drawn: one of `prompts`, and with `free` what they say in words that
    the painter was taught, none of which is `refused`."""

    offered: bool = False
    prompts: Questions = PROMPTS
    free: bool = False
    refused: Questions = ()


@dataclass(frozen=True)
class Numbers:
    """Where the hours are counted; `texts` and `pictures` (a folder) keep what visitors did."""

    file: Annotated[Path, _new_file] | None = None
    texts: bool = False
    pictures: Folder | None = None


@dataclass(frozen=True)
class ProfileFile:
    """What a profile may say; `language` None means the system's."""

    title: Line = TITLE
    language: Literal["en", "zh_CN"] | None = None
    brand: Brand = Brand()
    samples: Annotated[tuple[EventSample, ...], at_most(_MOST_ITEMS)] = ()
    questions: Questions = QUESTIONS
    model: EventModel = EventModel()
    show: ShowTimes = ShowTimes()
    lock: EventLock = EventLock()
    limits: VisitorLimits = VisitorLimits()
    souvenir: Souvenir = Souvenir()
    numbers: Numbers = Numbers()
    drawing: EventDrawing = EventDrawing()


@dataclass(frozen=True)
class Profile(ProfileFile):
    """With all that a file at `path` leaves open. All paths are absolute and were there."""

    path: Path = Path()


def read_profile(path: Path, model: Path | None = None) -> Profile:
    """Raises ProfileError at the first mistake. An empty file is a profile: all has a default.

    `model` is a folder to take instead of the profile's.
    """
    document = read_toml(path)
    here = path.absolute().parent
    decoder = DataDecoder({Path: lambda value: here / path_said(_text(value))}, strict=True)
    try:
        said: ProfileFile = decoder.decode(ProfileFile, document.values)
        return _complete(said, path.absolute(), model)
    except Mistake as mistake:
        raise document.error(mistake) from mistake


def _text(value: object) -> str:
    return _line(DataDecoder().decode(str, value))


def _complete(said: ProfileFile, path: Path, model: Path | None) -> Profile:
    most = said.limits.question_chars
    _check_questions(said.questions, most, ("questions",))
    for number, sample in enumerate(said.samples):
        _check_questions(sample.questions, most, ("samples", number, "questions"))
    _check_questions(said.drawing.prompts, most, ("drawing", "prompts"))
    if said.drawing.offered and not (said.drawing.prompts or said.drawing.free):
        raise Mistake("{key} needs prompts, or free = true.", at=("drawing", "offered"))
    if said.numbers.texts and said.numbers.file is None:
        title = "{key} needs a file beside it, which says where to."
        raise Mistake(title, at=("numbers", "texts"))
    asked = said.questions or QUESTIONS
    samples = said.samples or [EventSample(photo.path) for photo in read_samples()]
    chord = said.lock.chord or (None if said.lock.pin else CHORD)
    own = replace(
        said,
        questions=asked,
        samples=tuple(replace(each, questions=each.questions or asked) for each in samples),
        model=_model(said.model, model),
        lock=replace(said.lock, chord=chord),
    )
    return Profile(**vars(own), path=path)


def _check_questions(questions: tuple[str, ...], most: int, path: KeyPath) -> None:
    """Of at most so many characters, as visitors' own."""
    for number, question in enumerate(questions):
        if len(question) > most:
            title = "this question is longer than question_chars, {most}."
            raise Mistake(title, at=(*path, number), most=most)


def _model(said: EventModel, instead: Path | None) -> EventModel:
    folder = instead or said.folder
    if said.folder is not None and folder is said.folder:
        _check_model(said.folder)
    if said.fusion is not None:
        known = _fusions(folder or default_model())
        if said.fusion not in known:
            values = {"name": safe_name(said.fusion), "known": ", ".join(known)}
            title, hint = "the model has no fusion called {name}.", "Choose one of these: {known}."
            raise Mistake(title, hint, at=("model", "fusion"), **values)
    return EventModel(folder, said.fusion)


def _fusions(folder: Path) -> tuple[str, ...]:
    from mmgpt_desktop.engine.open_engine import (
        fusions_of,  # slow: not at every start of the window
    )

    return fusions_of(folder)


def _check_model(folder: Path) -> None:
    try:
        _fusions(folder)
    except AppError as error:
        title = "{key} holds no model that can be opened: {reason}"
        raise Mistake(title, at=("model", "folder"), reason=error.note) from error
