"""What goes wrong with a download, as a sentence for everybody."""

from __future__ import annotations

import errno

import httpx2
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from mmgpt_desktop.errors import DownloadError
from mmgpt_desktop.hub.cache import Hub
from mmgpt_desktop.hub.catalogue import CatalogueEntry
from mmgpt_desktop.text import reason_of

_STAYS = "Start it again, and it goes on from there: what has arrived is kept."


def sentence(error: Exception, hub: Hub, entry: CatalogueEntry) -> DownloadError:
    """What to tell of a failed download; the caller adds `error` as the cause."""
    host = hub.host
    if isinstance(error, OfflineModeIsEnabled):
        return DownloadError(
            "Downloads are switched off on this computer (HF_HUB_OFFLINE is set).",
            "Unset it and start the program again, or add a model's folder.",
        )
    if isinstance(error, HfHubHTTPError):
        return _refused(error, host, entry)
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError):
        return DownloadError(
            "{host} can't be reached: there is no network, or something blocks it.",
            "Check the connection, then start it again: what has arrived is kept.",
            host=host,
        )
    if isinstance(error, httpx2.TransportError):
        return DownloadError("The connection to {host} broke off.", _STAYS, host=host)
    if isinstance(error, OSError):
        return _not_written(error, hub, entry)
    return DownloadError(
        "{host} sent something that is not what was asked for: {reason}.",
        "Try again later.",
        host=host,
        reason=reason_of(error),
    )


def _refused(error: HfHubHTTPError, host: str, entry: CatalogueEntry) -> DownloadError:
    status = error.response.status_code
    if isinstance(error, GatedRepoError) or (entry.gated and status in (401, 403)):
        return DownloadError(
            "{name} is handed out only to people who accepted its owner's terms.",
            "Accept them at {page}, make an access token there, and enter it before the download.",
            name=entry.name,
            page=f"{host}/{entry.repository}",
        )
    if status in (401, 403) and not isinstance(error, RepositoryNotFoundError):
        return DownloadError(
            "{host} refused the download ({status}): the access token is wrong, or is not enough.",
            "Enter another token, or take another model.",
            host=host,
            status=status,
        )
    if status in (401, 404):
        return DownloadError(
            "{host} has no model {repository}, or does not show it to everybody.",
            "Take another model.",
            host=host,
            repository=entry.repository,
        )
    if status == 429:
        return _too_many(error, host)
    return DownloadError(
        "{host} can't answer just now ({status}).",
        "Start it again later: what has arrived is kept.",
        host=host,
        status=status,
    )


def _too_many(error: HfHubHTTPError, host: str) -> DownloadError:
    seconds = error.response.headers.get("Retry-After", "")
    if seconds.isdecimal():
        return DownloadError(
            "{host} asks to wait for {seconds} seconds: there were too many downloads from here.",
            _STAYS,
            host=host,
            seconds=int(seconds),
        )
    return DownloadError(
        "{host} asks to wait: there were too many downloads from here.", _STAYS, host=host
    )


def _not_written(error: OSError, hub: Hub, entry: CatalogueEntry) -> DownloadError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DownloadError(
            "The disk is full, so {name} could not be stored.",
            "Make room in {folder}, then start it again: what has arrived is kept.",
            name=entry.name,
            folder=hub.cache,
        )
    return DownloadError(
        "{name} could not be stored in {folder}: {reason}.",
        "Check that you may write there.",
        name=entry.name,
        folder=hub.cache,
        reason=reason_of(error),
    )
