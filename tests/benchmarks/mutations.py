"""Ways to damage bytes and JSON, by chance and the same for the same `Random`."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any

_BOUNDS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF)
_MANY = 3000
_ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**53, 2**64, 10**400, 0.5, -0.0, 1e308, 5e-324),
    *(
        float("nan"),
        float("inf"),
        "",
        "0",
        "{x}",
        "a\0b",
        "\ud800",
        "\u202e",
        "../../x",
        "/dev/zero",
    ),
    *("<img src='file:///dev/zero'>", "x" * 100_000, [], {}, [[]], [0] * _MANY, {"a": 1}),
)


def damaged(random: Random, data: bytes, other: bytes = b"") -> bytes:
    """One to eight changes; `other` is something to take pieces from."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        _change(random, changed, other or data)
    return bytes(changed)


def _change(random: Random, data: bytearray, other: bytes) -> None:
    at = random.randrange(len(data) + 1)
    length = random.choice((1, 2, 4, 8, 32, 256, len(data) // 4 + 1))
    way = random.randrange(8)
    if way == 0 and data:
        data[min(at, len(data) - 1)] ^= 1 << random.randrange(8)
    elif way == 1:
        size, order = random.choice((1, 2, 4)), random.choice(("big", "little"))
        number = random.choice(_BOUNDS) & (256**size - 1)
        data[at : at + size] = number.to_bytes(size, order)
    elif way == 2:
        del data[at : at + length]
    elif way == 3:
        data[at:at] = random.randbytes(min(length, 4096))
    elif way == 4:
        data[at:at] = data[at : at + length] * random.choice((1, 2, 50))
    elif way == 5:
        start = random.randrange(len(other) + 1)
        data[at : at + length] = other[start : start + length]
    elif way == 6:
        del data[at:]
    else:
        data[at : at + length] = random.choice((b"\0", b"\xff")) * length


def damaged_json(random: Random, text: bytes) -> bytes:
    """The same document with one to four of its values changed; now and then as bytes only."""
    if random.random() < 0.1:
        at = random.randrange(len(text) + 1)
        deep = text[:at] + random.choice((b"[", b'{"":')) * 100_000 + text[at:]
        return deep if random.random() < 0.2 else damaged(random, text)
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):  # it was damaged before
        return damaged(random, text)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        tree = _changed(random, tree)
    return json.dumps(tree).encode()


def _changed(random: Random, tree: Any) -> Any:
    places = list(_places(tree))
    if not places:
        return _odd(random)
    holder, key = random.choice(places)
    way, value = random.randrange(8), holder[key]
    if way == 0:
        del holder[key]
    elif way == 1 and isinstance(holder, list):
        holder.extend([value] * random.choice((1, 100, _MANY)))
    elif way == 2 and isinstance(holder, dict):
        holder[random.choice(("x", "", "format", "shape", "files"))] = _odd(random)
    elif way == 3:
        other, where = random.choice(places)
        holder[key] = copy.deepcopy(other[where])
    elif way == 4 and isinstance(value, int | float):
        holder[key] = random.choice((value + 1, value - 1, -value, value * 1000, value // 3))
    elif way == 5:
        for _ in range(random.choice((2, 40))):
            value = [value]
        holder[key] = value
    else:
        holder[key] = _odd(random)
    return tree


def _odd(random: Random) -> Any:
    """One's own: it may be changed further."""
    return copy.deepcopy(random.choice(_ODD))


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Where each value of a document hangs: its holder, and its key there."""
    waiting = [tree] if isinstance(tree, dict | list) else []
    while waiting:
        holder = waiting.pop()
        keys = range(len(holder)) if isinstance(holder, list) else [*holder]
        for key in keys:
            yield holder, key
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])
