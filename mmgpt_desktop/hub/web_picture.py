"""Fetches one picture from the web, after the user asked for it."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import IO

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.errors import ImageError

LARGEST_DOWNLOAD = 64 * 2**20
_CHUNK = 64 * 2**10
_TIMEOUT_S = 10.0


def is_web_address(url: str) -> bool:
    return url.partition(":")[0].lower() in ("http", "https")


class _WebOnly(urllib.request.HTTPRedirectHandler):
    """A redirect may not lead to a file or to another protocol."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: object,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not is_web_address(newurl):
            raise urllib.error.URLError("redirected to an address that is no web page")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def download(url: str, progress: Callable[[float], None], cancel: CancelToken) -> bytes:
    """The bytes at an http(s) address; `progress` gets 0..1, or -1 while the size is unknown.

    Cancelling takes effect with the next piece that arrives, or after the time-out.
    """
    if not is_web_address(url):
        raise ImageError(
            "Only http and https addresses can be downloaded.", "Save the picture and open it."
        )
    request = urllib.request.Request(url, headers={"User-Agent": "MMGPT-Desktop"})
    try:
        with urllib.request.build_opener(_WebOnly).open(request, timeout=_TIMEOUT_S) as response:
            expected = int(response.headers.get("Content-Length") or 0)
            return _read(response, expected, progress, cancel)
    except (OSError, HTTPException, ValueError) as error:
        raise ImageError(
            "The picture could not be downloaded: {reason}.",
            "Check the connection, or save the picture in the browser and open the file.",
            reason=str(getattr(error, "reason", error)).rstrip(".") or type(error).__name__,
        ) from error


def _read(
    response: IO[bytes], expected: int, progress: Callable[[float], None], cancel: CancelToken
) -> bytes:
    data = bytearray()
    while True:
        cancel.raise_if_cancelled()
        if max(len(data), expected) > LARGEST_DOWNLOAD:
            raise ImageError(
                "The picture is larger than {limit} MB, so it was not downloaded.",
                "Save a smaller version of it and open the file.",
                limit=LARGEST_DOWNLOAD // 2**20,
            )
        piece = response.read1(_CHUNK)  # type: ignore[attr-defined]
        if not piece:
            return bytes(data)
        data += piece
        progress(min(1.0, len(data) / expected) if expected else -1.0)
