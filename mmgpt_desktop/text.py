"""Text from outside made safe to show and to encode. Standard library only."""

from __future__ import annotations

import re
import unicodedata

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_NAME_LENGTH = 80
_REASON_LENGTH = 200
_DIRECTION_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ZERO_WIDTH_JOINER = "\u200d"  # unprintable by itself, but it holds many emoji together


def without_controls(text: str) -> str:
    """`text` with plain line ends, and no control characters but newline and tab."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def safe_name(name: str) -> str:
    """`name` on one line: no newlines, no direction marks, no broken bytes, not endless."""
    shown = "".join(c if c.isprintable() or c == _ZERO_WIDTH_JOINER else "\ufffd" for c in name)
    if len(shown) <= _NAME_LENGTH:
        return shown
    half = _NAME_LENGTH // 2
    return f"{shown[:half]}…{shown[-half:]}"


def reason_of(error: BaseException) -> str:
    """A library's message as the end of a sentence: its first line, without the full stop."""
    if isinstance(error, MemoryError):
        return "the memory is full"
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:_REASON_LENGTH].rstrip(". :")


def size_text(count: float) -> str:
    """A number of bytes in the units in which disks and downloads are sold: "1.2 GB"."""
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def printable(text: str) -> str:
    """`text` with what could disturb the lines around it made visible.

    Control characters and marks that change the reading direction become U+FFFD; the
    length in characters stays, so positions still fit.
    """
    return "".join(_printable(character) for character in text)


def _printable(character: str) -> str:
    if character in "\n\t":
        return character
    code = ord(character)
    noncharacter = 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE
    breaks_line = character in "\u2028\u2029"
    if breaks_line or noncharacter or character in _DIRECTION_MARKS:
        return "\ufffd"
    return "\ufffd" if unicodedata.category(character) in ("Cc", "Cs") else character
