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


def sentence(error: Exception, hub: Hub, entry: CatalogueEntry) -> DownloadError:
    """What to tell of a failed download; the caller adds `error` as the cause."""
    if isinstance(error, HfHubHTTPError):
        return _refused(error, hub.host, entry)
    if isinstance(error, OfflineModeIsEnabled):
        title = "Downloads are switched off on this computer (HF_HUB_OFFLINE is set)."
        hint = "Unset it and start the program again, or add a model's folder."
    elif isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError):
        title = "{host} can't be reached: there is no network, or something blocks it."
        hint = "Check the connection, then start it again: what has arrived is kept."
    elif isinstance(error, httpx2.TransportError):
        title = "The connection to {host} broke off."
        hint = "Start it again, and it goes on from there: what has arrived is kept."
    elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        title = "The disk is full, so {name} could not be stored."
        hint = "Make room in {folder}, then start it again: what has arrived is kept."
    elif isinstance(error, OSError):
        title = "{name} could not be stored in {folder}: {reason}."
        hint = "Check that you may write there."
    else:
        title = "{host} sent something that is not what was asked for: {reason}."
        hint = "Try again later."
    values = {"host": hub.host, "name": entry.name, "folder": hub.cache}
    return DownloadError(title, hint, reason=reason_of(error), **values)


def _refused(error: HfHubHTTPError, host: str, entry: CatalogueEntry) -> DownloadError:
    status, wait = error.response.status_code, error.response.headers.get("Retry-After", "")
    hint = "Start it again, and it goes on from there: what has arrived is kept."
    if isinstance(error, GatedRepoError) or (entry.gated and status in (401, 403)):
        title = "{name} is handed out only to people who accepted its owner's terms."
        hint = (
            "Accept them at {page}, make an access token there, and enter it before the download."
        )
    elif status in (401, 403) and not isinstance(error, RepositoryNotFoundError):
        title = (
            "{host} refused the download ({status}): the access token is wrong, or is not enough."
        )
        hint = "Enter another token, or take another model."
    elif status in (401, 404):
        title = "{host} has no model {repository}, or does not show it to everybody."
        hint = "Take another model."
    elif status == 429 and wait.isdecimal():
        title = (
            "{host} asks to wait for {seconds} seconds: there were too many downloads from here."
        )
    elif status == 429:
        title = "{host} asks to wait: there were too many downloads from here."
    else:
        title = "{host} can't answer just now ({status})."
        hint = "Start it again later: what has arrived is kept."
    repository, page = entry.repository, f"{host}/{entry.repository}"
    values = {"name": entry.name, "repository": repository, "page": page, "seconds": wait}
    return DownloadError(title, hint, host=host, status=status, **values)
