"""The PIN that ends an event, kept as a hash: scrypt, RFC 7914."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

# 16 MiB and some 50 ms a try. A PIN is short: who has the profile can find it in the end.
_LOG_N, _R, _P = 14, 8, 1
_BYTES = 32
_LINE = re.compile(
    r"\$scrypt\$ln=(?P<ln>\d{1,2}),r=(?P<r>\d{1,2}),p=(?P<p>\d)"
    r"\$(?P<salt>[A-Za-z0-9+/]{22})\$(?P<hash>[A-Za-z0-9+/]{43})"
)
# What another program wrote may ask for more work than this, which would stop the show.
_MOST_LOG_N, _MOST_R = 16, 8

FEWEST, MOST = 4, 12  # digits


def hash_pin(pin: str) -> str:
    """A line for the profile, another one each time."""
    salt = secrets.token_bytes(16)
    digest = _digest(pin, salt, _LOG_N, _R, _P)
    return f"$scrypt$ln={_LOG_N},r={_R},p={_P}${_text(salt)}${_text(digest)}"


def is_hash(line: str) -> bool:
    return _parsed(line) is not None


def matches(pin: str, hash_line: str) -> bool:
    """Takes as long for a wrong PIN as for the right one; a line that is no hash fits none."""
    if (parsed := _parsed(hash_line)) is None:
        return False
    log_n, r, p, salt, digest = parsed
    return hmac.compare_digest(_digest(pin, salt, log_n, r, p), digest)


def _parsed(line: str) -> tuple[int, int, int, bytes, bytes] | None:
    """The work that it asks for, the salt and the hash."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    log_n, r, p = (int(match[name]) for name in ("ln", "r", "p"))
    if not (1 <= log_n <= _MOST_LOG_N and 1 <= r <= _MOST_R and p == 1):
        return None
    return log_n, r, p, _bytes(match["salt"]), _bytes(match["hash"])


def _digest(pin: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    memory = 2 * 128 * r * 2**log_n
    password = pin.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(password, salt=salt, n=2**log_n, r=r, p=p, maxmem=memory, dklen=_BYTES)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))
