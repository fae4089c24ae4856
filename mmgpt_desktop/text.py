"""Text from outside made safe to show and to encode. Standard library only."""

from __future__ import annotations

import codecs
import contextlib
import re
import unicodedata
from collections.abc import Sequence

_UNSEEN = r"\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"
_CONTROLS = re.compile(f"[{_UNSEEN}]")
# Those, ends of lines and marks of direction, and what is no character in any plane.
_NONE = "\ufdd0-\ufdef" + "".join(
    chr(plane | end) for plane in range(0, 0x110000, 0x10000) for end in (0xFFFE, 0xFFFF)
)
_DISTURBING = re.compile(f"[{_UNSEEN}\u2028-\u202e\u2066-\u2069{_NONE}]")
_NAME_LENGTH = 80
_REASON_LENGTH = 200
_ZERO_WIDTH_JOINER = "\u200d"  # unprintable by itself, but it holds many emoji together
_CLOSE_MARK = re.compile("([\uff01\uff0c\uff0e\uff1a\uff1b\uff1f\u3001\u3002])(?=\\w)")
_ASKED_LOUDLY = re.compile(r"[!?]*\?[!?]+|!+\?")
_QUOTED = re.compile(r"^([\"'])([^\"]*)\1$")
# What Chinese input methods, telephones and word processors write for an English keyboard's marks.
_PLAIN_MARKS = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4`", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u300a\u300b\u300c\u300d\u300e\u300f", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u3001", ","),
        **dict.fromkeys("\u3002", "."),
        **dict.fromkeys("\u3010\u3014", "["),
        **dict.fromkeys("\u3011\u3015", "]"),
    }
)


def without_controls(text: str) -> str:
    """`text` with plain line ends, and no control characters but newline and tab."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def plainly_typed(text: str) -> str:
    """English on one line, as a plain keyboard types it: no full-width letters, curly quotes,
    long dashes or signs without width, one mark where several stand, no quotes around it all.

    For a model that learnt nothing else: to it each of these is an unknown sign.
    """
    seen = "".join(c for c in text if unicodedata.category(c) != "Cf")
    spaced = _CLOSE_MARK.sub(r"\1 ", seen)  # Chinese marks have their space in themselves
    plain = unicodedata.normalize("NFKC", spaced.translate(_PLAIN_MARKS))
    one_line = _ASKED_LOUDLY.sub("?", " ".join(plain.split()))
    return _QUOTED.sub(r"\2", one_line).strip()


def decoded(data: bytes) -> str:
    """Text as other programs save it: UTF-8, UTF-16 with its mark (PowerShell, Excel's "Unicode
    text") or simple Chinese as in GB 2312 (Excel's CSV on Chinese Windows). Raises ValueError.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode("gb2312")  # not its larger kin, which take nearly all bytes for text
        raise ValueError("it is not UTF-8 text") from None


def safe_name(name: str) -> str:
    """`name` on one line: no newlines, no direction marks, no broken bytes, not endless."""
    shown = "".join(c if c.isprintable() or c == _ZERO_WIDTH_JOINER else "\ufffd" for c in name)
    if len(shown) <= _NAME_LENGTH:
        return shown
    half = _NAME_LENGTH // 2
    return f"{shown[:half]}…{shown[-half:]}"


def reason_of(error: BaseException) -> str:
    """A library's message as the end of a sentence: its first line, without the full stop.

    Of what the system said its own words alone, without numbers and paths.
    """
    if isinstance(error, MemoryError):
        return "the memory is full"
    said = str(getattr(error, "strerror", None) or error).strip()
    lines = said.splitlines() or [type(error).__name__]
    return lines[0][:_REASON_LENGTH].rstrip(". :")


def size_text(count: float) -> str:
    """A number of bytes in the units in which disks and downloads are sold: "1.2 GB"."""
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def in_columns(rows: Sequence[Sequence[str]]) -> str:
    """A table for the terminal, its head first: names to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def in_markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table for a document, its head first."""
    head, *others = ("| " + " | ".join(row) + " |" for row in rows)
    return "\n".join([head, "| " + " | ".join(["---"] * len(rows[0])) + " |", *others])


def printable(text: str) -> str:
    """`text` with what could disturb the lines around it made visible.

    Control characters and marks that change the reading direction become U+FFFD; the
    length in characters stays, so positions still fit.
    """
    return _DISTURBING.sub("\ufffd", text)
