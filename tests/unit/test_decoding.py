"""Data from outside: read by the annotations of the types, each mistake with the way to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from mmgpt_desktop.decoding import (
    LONGEST_TEXT,
    DataDecoder,
    Mistake,
    at_most,
    between,
    read_note,
)
from mmgpt_desktop.note import NO_NOTE, Note, plain
from mmgpt_desktop.reading import NotSmall, read_json, read_small


class Kind(StrEnum):
    ONE = "one"


@dataclass(frozen=True)
class Inner:
    port: Annotated[int, between(1, 9)]
    names: Annotated[tuple[str, ...], at_most(2)] = ()


@dataclass(frozen=True)
class Outer:
    inner: Inner
    each: tuple[Inner, ...] = ()
    pair: tuple[int, str] = (0, "")
    share: float = 0.5
    on: bool = True
    kind: Kind = Kind.ONE
    way: Literal["in", "out"] | None = None
    speeds: Mapping[str, float] = field(default_factory=dict)
    where: Path = Path()
    parts: list[int] = field(default_factory=list)
    own: int = field(default=0, init=False)  # not a part of any file


WHOLE = {
    "inner": {"port": 3, "names": ["a"]},
    "each": [{"port": 1}, {"port": 2}],
    "pair": [4, "x"],
    "share": 1,
    "on": False,
    "kind": "one",
    "way": "out",
    "speeds": {"a": 2, "b": 2.5},
    "where": "here",
    "parts": [1, 2],
    "own": 3,
}


def decode(value: Any, **how: Any) -> Outer:
    result: Outer = DataDecoder({Path: Path}, **how).decode(Outer, value)
    return result


def test_all_kinds_are_read() -> None:
    assert decode(WHOLE) == Outer(
        Inner(3, ("a",)),
        (Inner(1), Inner(2)),
        (4, "x"),
        1.0,
        False,
        Kind.ONE,
        "out",
        {"a": 2.0, "b": 2.5},
        Path("here"),
        [1, 2],
    )
    assert decode({"inner": {"port": 3}, "way": None}) == Outer(Inner(3))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"inner": {}}, "inner.port is missing."),
        ({"inner": 3}, "inner must be a table with keys of its own."),
        ({"inner": {"port": 10}}, "inner.port must be from 1 to 9."),
        ({"inner": {"port": True}}, "inner.port must be a whole number."),
        ({"inner": {"port": 2**60}}, "inner.port must be a smaller number."),
        ({"inner": {"port": 1, "names": ["a"] * 3}}, "inner.names has too many entries; 2 is"),
        ({"each": [{"port": 1}, {"port": "1"}]}, "each[1].port must be a whole number."),
        ({"each": {}}, "each must be a list in square brackets."),
        ({"pair": [1]}, "pair must be a list of 2."),
        ({"pair": [1, 2]}, "pair[1] must be text in quotes."),
        ({"share": float("nan")}, "share must be a number."),
        ({"share": "1"}, "share must be a number."),
        ({"share": 10**400}, "share must be a smaller number."),
        ({"on": 1}, "on must be true or false."),
        ({"kind": "two"}, "kind must be one of these: one."),
        ({"way": ["in"]}, "way must be one of these: in, out."),
        ({"speeds": {"a b": "fast"}}, "speeds.a b must be a number."),
        ({"pair": [1, "x" * (LONGEST_TEXT + 1)]}, "pair[1] must be a shorter text."),
    ],
)
def test_each_mistake_says_where_it_is(change: dict[str, Any], said: str) -> None:
    with pytest.raises(Mistake) as caught:
        decode(WHOLE | change)
    assert str(caught.value).startswith(said)


def test_only_where_it_is_strict_are_unknown_keys_refused() -> None:
    odd = WHOLE | {"inner": {"port": 3, "nams": []}}
    assert decode(odd).inner == Inner(3)
    with pytest.raises(Mistake, match=r"nothing is called inner\.nams here") as caught:
        decode(odd, strict=True)
    assert caught.value.hint.format(**caught.value.values) == "Known here: names."


def test_where_it_is_lenient_what_is_wrong_is_left_out() -> None:
    odd = WHOLE | {"share": "x", "speeds": {"a": 1, "b": None}, "each": [{}]}
    found = decode(odd, lenient=True)
    assert (found.share, found.speeds, found.each) == (0.5, {"a": 1.0}, ())
    with pytest.raises(Mistake, match="inner is missing"):
        decode({"inner": 3}, lenient=True)


def test_a_small_file_is_one(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_json(path, 11) == {"a": 1}
    with pytest.raises(NotSmall):
        read_small(path, 10)
    with pytest.raises(OSError, match="not an ordinary file"):
        read_small(tmp_path, 10)
    for text in ("[" * 100_000, "{", json.dumps("x")[:-1]):
        path.write_text(text)
        with pytest.raises(ValueError):  # noqa: PT011
            read_json(path, 1_000_000)


def test_notes_come_back_as_they_were_stored() -> None:
    inner = Note("There is no file {name}.", {"name": "{a}"})
    for note in (plain("{a} b"), Note("{what} took over: {why}", {"what": "x", "why": inner})):
        assert read_note(json.loads(json.dumps(note.stored()))) == note
    assert str(read_note("{a} b")) == "{a} b"
    assert not NO_NOTE


@pytest.mark.parametrize(
    ("template", "values"),
    [
        ("{a", {"a": 1}),
        ("{b}", {"a": 1}),
        ("{}", {"a": 1}),
        ("{a.__class__}", {"a": 1}),
        ("{a[0]}", {"a": "x"}),
        ("{a:>1000000000}", {"a": 1}),
        ("{a:{b}}", {"a": 1, "b": "9"}),
        ("{a!r}", {"a": 1}),
        ("{a:.2f}", {"a": "x"}),
        ("{a}{a}", {"a": "x"}),
        ("x" * 6000, {}),
        ("{a}", {"a": [1]}),
        ("{a}", {"a": {"template": "{b}", "values": {}}}),
        (3, {}),
    ],
)
def test_a_strangers_note_can_do_nothing_but_fill_in_its_values(
    template: Any, values: dict[str, Any]
) -> None:
    with pytest.raises(Mistake):
        read_note({"template": template, "values": values})
