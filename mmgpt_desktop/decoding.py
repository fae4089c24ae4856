"""Data from outside (settings, profiles, manifests, sessions) as frozen dataclasses.

What is read is checked against the annotations of the types, so that a file can hold nothing
that the program would not have written. `Annotated[int, between(1, 50)]` says more than `int`.
"""

from __future__ import annotations

import dataclasses
import math
import re
import types
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from functools import lru_cache
from string import Formatter
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from mmgpt_desktop.note import Note, plain
from mmgpt_desktop.text import safe_name

KeyPath = tuple[str | int, ...]
"""From the top down: a key, or the number of a list's item."""

LONGEST_TEXT = 200_000  # of a question or an answer: longer than any model here reads
_LARGEST = 2**53  # far beyond any count, and safe wherever numbers go

T = TypeVar("T")


class Mistake(ValueError):
    """What is wrong, and where: `path` leads from the top to it.

    `template` and `hint` are as an AppError's, and may speak of the `{key}`.
    """

    def __init__(
        self, template: str, hint: str = "", *, at: KeyPath = (), **values: object
    ) -> None:
        super().__init__(template)
        self.template, self.hint, self.path, self.values = template, hint, at, values

    @property
    def note(self) -> Note:
        return Note(self.template, {"key": key_name(self.path), **self.values})

    def __str__(self) -> str:
        return str(self.note)


def key_name(path: KeyPath) -> str:
    """As people write it: `souvenir.port`, `samples[1].photo`."""
    parts = (f"[{key}]" if isinstance(key, int) else f".{safe_name(key)}" for key in path)
    return "".join(parts).removeprefix(".")


def between(low: float, high: float) -> Callable[[float], float]:
    """For `Annotated`: a number's limits, which are themselves allowed."""

    def check(value: float) -> float:
        if not low <= value <= high:
            raise Mistake("{key} must be from {low:g} to {high:g}.", low=low, high=high)
        return value

    return check


def at_most(most: int) -> Callable[[T], T]:
    """For `Annotated`: the largest number of items."""

    def check(items: T) -> T:
        if len(items) > most:  # type: ignore[arg-type]
            raise Mistake("{key} has too many entries; {most} is the most.", most=most)
        return items

    return check


Count = Annotated[int, between(0, 10**15)]
Amount = Annotated[float, between(0, 1e15)]


@dataclasses.dataclass(frozen=True)
class DataDecoder:
    """What JSON or TOML gave becomes values of a wanted type. All raise Mistake.

    `special` reads kinds of which this knows nothing. With `strict` a key that no field has is
    refused: it is a mistyped one most often. With `lenient` a field or an entry of a mapping
    that is wrong is left out, instead of all that it is in. `each` is called at every
    dataclass, and may end the work.
    """

    special: Mapping[Any, Callable[[Any], Any]] = dataclasses.field(default_factory=dict)
    strict: bool = False
    lenient: bool = False
    each: Callable[[], None] = lambda: None

    def decode(self, kind: Any, value: Any) -> Any:
        """`kind` is a dataclass or any annotation of its fields."""
        if (read := self.special.get(kind) or _READ.get(kind)) is not None:
            return read(value)
        if (generic := _GENERIC.get(get_origin(kind))) is not None:
            return generic(self, get_args(kind), value)
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            return kind(_one_of(tuple(map(str, kind)), value))
        if dataclasses.is_dataclass(kind):
            return self._dataclass(kind, value)
        return _plain(kind, value)

    def _below(self, key: str | int, kind: Any, value: Any) -> Any:
        try:
            return self.decode(kind, value)
        except Mistake as mistake:
            mistake.path = (key, *mistake.path)
            raise

    def _checked(self, arguments: tuple[Any, ...], value: Any) -> Any:
        checked = self.decode(arguments[0], value)
        for check in arguments[1:]:
            checked = check(checked)
        return checked

    def _optional(self, kinds: tuple[Any, ...], value: Any) -> Any:
        if value is None and types.NoneType in kinds:
            return None
        return self.decode(next(kind for kind in kinds if kind is not types.NoneType), value)

    def _tuple(self, kinds: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
        items = _plain(list, value)
        if kinds[-1] is Ellipsis:
            kinds = (kinds[0],) * len(items)
        if len(items) != len(kinds):
            raise Mistake("{key} must be a list of {count}.", count=len(kinds))
        pairs = zip(kinds, items, strict=True)
        return tuple(self._below(at, kind, item) for at, (kind, item) in enumerate(pairs))

    def _list(self, kinds: tuple[Any, ...], value: Any) -> list[Any]:
        return list(self._tuple((*kinds, Ellipsis), value))

    def _mapping(self, kinds: tuple[Any, ...], value: Any) -> dict[str, Any]:
        found = {}
        for key, each in _plain(dict, value).items():
            try:
                found[key] = self._below(key, kinds[1], each)
            except Mistake:
                if not self.lenient:
                    raise
        return found

    def _literal(self, known: tuple[Any, ...], value: Any) -> Any:
        return _one_of(known, value)

    def _dataclass(self, kind: Any, value: Any) -> Any:
        """A field that the file lacks, as an older program's may, keeps its default."""
        self.each()
        stored, hints, given = _plain(dict, value), _hints(kind), {}
        for name, wanted in hints.items():
            if name in stored:
                try:
                    given[name] = self._below(name, wanted, stored[name])
                except Mistake:
                    if not self.lenient:
                        raise
        for name in _required(kind):
            if name not in given:
                raise Mistake("{key} is missing.", at=(name,))
        if self.strict:
            _refuse_unknown(stored, hints)
        return kind(**given)


_GENERIC: dict[Any, Callable[[DataDecoder, tuple[Any, ...], Any], Any]] = {
    Annotated: DataDecoder._checked,
    Union: DataDecoder._optional,
    types.UnionType: DataDecoder._optional,
    tuple: DataDecoder._tuple,
    list: DataDecoder._list,
    dict: DataDecoder._mapping,
    Mapping: DataDecoder._mapping,
    Literal: DataDecoder._literal,
}


@lru_cache(maxsize=128)
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind, include_extras=True)
    return {each.name: hints[each.name] for each in dataclasses.fields(kind) if each.init}


@lru_cache(maxsize=128)
def _required(kind: type) -> tuple[str, ...]:
    return tuple(
        field.name
        for field in dataclasses.fields(kind)
        if field.init and field.default is field.default_factory is dataclasses.MISSING
    )


def _refuse_unknown(stored: Collection[str], known: Collection[str]) -> None:
    import difflib  # not at every start of the window

    for key in stored:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint, names = "Known here: {known}.", ", ".join(close or known)
            raise Mistake("nothing is called {key} here.", hint, at=(key,), known=names)


_WANTED = {
    str: "{key} must be text in quotes.",
    int: "{key} must be a whole number.",
    float: "{key} must be a number.",
    bool: "{key} must be true or false.",
    list: "{key} must be a list in square brackets.",
    dict: "{key} must be a table with keys of its own.",
}


def _plain(kind: Any, value: Any) -> Any:
    """True is no number here."""
    if type(value) is not kind:
        raise Mistake(_WANTED[kind])
    if kind is int and abs(value) > _LARGEST:
        raise Mistake("{key} must be a smaller number.")
    if kind is str and len(value) > LONGEST_TEXT:
        raise Mistake("{key} must be a shorter text.")
    return value


def _number(value: Any) -> float:
    """JSON has no bounds, and Python's knows NaN and infinity."""
    if type(value) is int:
        return float(_plain(int, value))
    if not math.isfinite(_plain(float, value)):
        raise Mistake(_WANTED[float])
    return float(value)


_FORMAT = re.compile(r",?(\.\d)?[dfg%]?")  # of a number in a note: none that makes it endless
_LONGEST_NOTE, _MOST_VALUES = 5000, 20


def read_note(value: Any) -> Note:
    """A stranger's template may do no more than ours: it fills in each value once, by its name.

    A plain text is what it says.
    """
    if type(value) is str:
        return plain(_brief(value))
    stored = _plain(dict, value)
    template, values = _brief(stored.get("template")), _plain(dict, stored.get("values"))
    note = Note(template, {name: _note_value(each) for name, each in values.items()})
    try:
        fields = [found[1:] for found in Formatter().parse(template) if found[1] is not None]
        names = [name for name, _, _ in fields]
        ours = len(set(names)) == len(names) <= _MOST_VALUES and {*names} <= {*values}
        if not ours or any(how or not _FORMAT.fullmatch(shape or "") for _, shape, how in fields):
            raise Mistake(_NO_NOTE)
        str(note)
    except (ValueError, LookupError, TypeError) as error:
        raise Mistake(_NO_NOTE) from error
    return note


_NO_NOTE = "{key} must be a note as this program writes it."


def _note_value(value: Any) -> object:
    if type(value) is dict:
        return read_note(value)
    if type(value) is str:
        return _brief(value)
    return _plain(int, value) if type(value) is int else _number(value)


def _brief(value: Any) -> str:
    if len(_plain(str, value)) > _LONGEST_NOTE:
        raise Mistake("{key} must be a shorter text.")
    return str(value)


def _one_of(known: tuple[Any, ...], value: Any) -> Any:
    if type(value) is not str or value not in known:
        raise Mistake("{key} must be one of these: {known}.", known=", ".join(map(str, known)))
    return value


_READ: dict[Any, Callable[[Any], Any]] = {float: _number, Note: read_note}
