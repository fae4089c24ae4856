"""Fetches a model into the library's cache: goes on where it broke off, and checks each file.

The library (2.4) itself starts a broken file anew, doesn't compare checksums and can't be
stopped in mid-file. So it lists the files and makes the requests, and the loop is ours.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import filelock
import httpx2
from huggingface_hub import HfApi, constants, get_session, hf_raise_for_status
from huggingface_hub.hf_api import RepoSibling
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # loaded lazily

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.errors import DownloadError
from mmgpt_desktop.hub.cache import UNFINISHED, Hub, Phase, Progress, remember
from mmgpt_desktop.hub.catalogue import CatalogueEntry
from mmgpt_desktop.hub.hub_errors import sentence
from mmgpt_desktop.text import size_text

_PIECE = 2**18
_SPARE = 200 * 10**6  # what a disk needs besides the model
_REPORT_S = 0.1
_CHECKSUM = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class _File:
    """`checksum` is SHA-256, or what git calls a blob's SHA-1; it names the blob too."""

    path: str
    size: int
    checksum: str


def fetch(
    hub: Hub, entry: CatalogueEntry, cancel: CancelToken, progress: Callable[[Progress], None]
) -> Path:
    """The folder of a model, after its files that are not here yet were downloaded.

    Raises DownloadError with a sentence, or Cancelled, at the latest after a silence of
    `hub.timeout_s`. What has arrived stays for the next time.
    """
    progress(Progress(Phase.ASKING))
    try:
        return _Download(hub, entry, cancel, progress).run()
    except (httpx2.HTTPError, OSError, ValueError, TypeError, KeyError) as error:
        raise sentence(error, hub, entry) from error


class _Download:
    def __init__(
        self,
        hub: Hub,
        entry: CatalogueEntry,
        cancel: CancelToken,
        progress: Callable[[Progress], None],
    ) -> None:
        self._hub, self._entry = hub, entry
        self._cancel, self._progress = cancel, progress
        self._blobs = hub.folder(entry) / "blobs"
        self._done = self._total = 0
        self._reported = 0.0

    def run(self) -> Path:
        commit, files = self._list()
        self._cancel.raise_if_cancelled()
        self._total = sum(file.size for file in files)
        self._check_room(files)
        self._blobs.mkdir(parents=True, exist_ok=True)
        lock = self._hub.cache / ".locks" / f"{self._blobs.parent.name}.mmgpt-desktop"
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            with filelock.FileLock(lock, timeout=0):
                remember(self._blobs.parent, {file.checksum: file.path for file in files})
                for file in files:
                    self._bring(commit, file)
        except filelock.Timeout as error:
            raise DownloadError(
                "{name} is being downloaded by another window already.",
                "Wait until that has ended.",
                name=self._entry.name,
            ) from error
        return self._link(commit, files)

    def _list(self) -> tuple[str, list[_File]]:
        """The newest commit, and its files that the app can use."""
        api = HfApi(endpoint=self._hub.endpoint, token=self._hub.token)
        info = api.model_info(
            self._entry.repository, files_metadata=True, timeout=self._hub.timeout_s
        )
        files = [
            _File(each.rfilename, int(each.size or 0), _checksum(each))
            for each in info.siblings or ()
            if self._entry.wants(each.rfilename)
        ]
        if not all(
            _CHECKSUM.fullmatch(name)
            for name in (info.sha or "", *(each.checksum for each in files))
        ):
            raise ValueError("a list of files without their checksums")
        if not any(self._entry.holds_weights(file.path) for file in files):
            raise ValueError("a model without weights that can be opened safely")
        return info.sha or "", files

    def _check_room(self, files: list[_File]) -> None:
        kept = [self._blobs / name for file in files for name in (file.checksum, _part(file))]
        needed = self._total - sum(path.stat().st_size for path in kept if path.exists())
        place = self._blobs
        while not place.exists():
            place = place.parent
        free = shutil.disk_usage(place).free
        if needed > 0 and needed + _SPARE > free:
            raise DownloadError(
                "{name} needs {needed} more on the disk, and {free} are free.",
                "Make room in {folder}, or set HF_HOME to a folder on another disk.",
                name=self._entry.name,
                needed=size_text(needed + _SPARE),
                free=size_text(free),
                folder=self._hub.cache,
            )

    def _bring(self, commit: str, file: _File) -> None:
        """Have the blob of `file`, by as many connections as it takes."""
        blob, part = self._blobs / file.checksum, self._blobs / _part(file)
        before, failures = self._done, 0
        if not blob.exists():
            while (have := _size(part)) < file.size or not part.exists():
                try:
                    self._read(commit, file, part, before)
                except (httpx2.TransportError, _CutShort):
                    failures = 1 if _size(part) > have else failures + 1
                    if failures >= self._hub.tries:
                        raise
                    self._tell(Phase.WAITING, at_once=True)
                    self._pause()
            self._check(file, part)
            part.replace(blob)
        self._done = before + file.size
        self._tell(Phase.LOADING)

    def _read(self, commit: str, file: _File, part: Path, before: int) -> None:
        """One connection: append to what is there what comes, or begin anew."""
        have = _size(part)
        endpoint = self._hub.endpoint or constants.ENDPOINT
        url = f"{endpoint}/{self._entry.repository}/resolve/{commit}/{quote(file.path)}"
        # Compressed, a range would be one of other bytes. An answer that leads to another
        # host is followed without the token.
        headers = build_hf_headers(token=self._hub.token) | {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        asked = get_session().stream("GET", url, headers=headers, timeout=self._hub.timeout_s)
        with asked as response:
            hf_raise_for_status(response)
            goes_on = response.status_code == httpx2.codes.PARTIAL_CONTENT
            with part.open("ab" if goes_on else "wb") as out:
                for piece in response.iter_bytes():
                    self._cancel.raise_if_cancelled()
                    out.write(piece)
                    if out.tell() > file.size:
                        break
                    self._done = before + out.tell()
                    self._tell(Phase.LOADING)
        if _size(part) < file.size:
            raise _CutShort("the connection ended early")

    def _check(self, file: _File, part: Path) -> None:
        """A damaged file goes at once: going on with it would not make it whole."""
        digest = hashlib.sha256() if len(file.checksum) == 64 else _git_digest(file.size)
        with part.open("rb") as stored:
            while piece := stored.read(_PIECE):
                self._cancel.raise_if_cancelled()
                digest.update(piece)
                self._tell(Phase.CHECKING)
        if digest.hexdigest() != file.checksum:
            part.unlink()
            raise DownloadError(
                "{file} of {name} arrived damaged: its checksum is wrong.",
                "Start it again; the other files are kept.",
                file=file.path,
                name=self._entry.name,
            )

    def _link(self, commit: str, files: list[_File]) -> Path:
        folder = self._hub.folder(self._entry)
        snapshot = folder / "snapshots" / commit
        for file in files:
            pointer, blob = snapshot / file.path, self._blobs / file.checksum
            pointer.parent.mkdir(parents=True, exist_ok=True)
            pointer.unlink(missing_ok=True)
            try:
                pointer.symlink_to(os.path.relpath(blob, pointer.parent))
            except OSError:  # Windows lets only some people make symbolic links
                os.link(blob, pointer)
        (folder / "refs").mkdir(exist_ok=True)
        (folder / "refs" / "main").write_text(commit, encoding="utf-8")
        return snapshot

    def _tell(self, phase: Phase, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if at_once or now - self._reported >= _REPORT_S:
            self._reported = now
            self._progress(Progress(phase, self._done, self._total))

    def _pause(self) -> None:
        woken = threading.Event()
        forget = self._cancel.on_cancel(woken.set)
        woken.wait(self._hub.pause_s)
        forget()
        self._cancel.raise_if_cancelled()


class _CutShort(httpx2.TransportError):
    """The server closed the connection as if that were all."""


def _checksum(sibling: RepoSibling) -> str:
    return (sibling.lfs.sha256 if sibling.lfs else sibling.blob_id) or ""


def _part(file: _File) -> str:
    return file.checksum + UNFINISHED


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _git_digest(size: int) -> hashlib._Hash:
    digest = hashlib.sha1(usedforsecurity=False)
    digest.update(b"blob %d\0" % size)
    return digest
