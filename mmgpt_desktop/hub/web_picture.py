"""Fetches one picture from the web, after the user asked for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.errors import ImageError
from mmgpt_desktop.text import reason_of

if TYPE_CHECKING:
    import httpx2

LARGEST_DOWNLOAD = 64 * 2**20
_TIMEOUT_S = 10.0
# Compressed, what arrives could be far larger than what was counted.
_HEADERS = {"User-Agent": "MMGPT-Desktop", "Accept-Encoding": "identity"}


def is_web_address(url: str) -> bool:
    return url.partition(":")[0].lower() in ("http", "https")


def download(url: str, progress: Callable[[float], None], cancel: CancelToken) -> bytes:
    """The bytes at an http(s) address; `progress` gets 0..1, or -1 while the size is unknown.

    A redirect may lead to another http(s) address only: the client knows no other protocol.
    Cancelling takes effect with the next piece that arrives, or after the time-out. Raises
    ImageError.
    """
    import httpx2  # the window opens without it

    if not is_web_address(url):
        raise ImageError(
            "Only http and https addresses can be downloaded.", "Save the picture and open it."
        )
    try:
        with httpx2.stream(
            "GET", url, headers=_HEADERS, follow_redirects=True, timeout=_TIMEOUT_S
        ) as response:
            response.raise_for_status()
            return _read(response, progress, cancel)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        reason = reason_of(error)
        if isinstance(error, httpx2.HTTPStatusError):
            reason = f"{error.response.status_code} {error.response.reason_phrase}".strip()
        raise ImageError(
            "The picture could not be downloaded: {reason}.",
            "Check the connection, or save the picture in the browser and open the file.",
            reason=reason,
        ) from error


def _read(
    response: httpx2.Response, progress: Callable[[float], None], cancel: CancelToken
) -> bytes:
    expected = int(response.headers.get("Content-Length", 0))
    _check_size(expected)
    data = bytearray()
    for piece in response.iter_raw():
        cancel.raise_if_cancelled()
        data += piece
        _check_size(len(data))
        progress(min(1.0, len(data) / expected) if expected else -1.0)
    cancel.raise_if_cancelled()
    return bytes(data)


def _check_size(size: int) -> None:
    if size > LARGEST_DOWNLOAD:
        raise ImageError(
            "The picture is larger than {limit} MB, so it was not downloaded.",
            "Save a smaller version of it and open the file.",
            limit=LARGEST_DOWNLOAD // 2**20,
        )
