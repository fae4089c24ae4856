"""Downloaded models, in the cache that all programs with `huggingface_hub` share.

Its layout, for each repository: `refs/main` names a commit, `snapshots/<commit>/` holds links
by the files' names, `blobs/` what they lead to, by checksum. Of our own are a record of whose
blobs a download brings, and the ending of unfinished ones.
"""

from __future__ import annotations

import fnmatch
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from mmgpt_desktop.engine.folder.model_files import CONFIG, INDEX, PIPELINE, read_object, read_text
from mmgpt_desktop.errors import BundleError, DownloadError
from mmgpt_desktop.hub.catalogue import CatalogueEntry
from mmgpt_desktop.text import reason_of
from mmgpt_desktop.writing import beside

UNFINISHED = ".mmgpt-desktop.incomplete"
_RECORD = "mmgpt-desktop.json"
_LONGEST_REF = 200  # bytes


@dataclass(frozen=True)
class Hub:
    """Where models come from and where they are kept.

    `endpoint` and `token` None stand for what the library is set to. The times are seconds: a
    silence of `timeout_s` breaks a connection, and after `tries` in a row without a byte the
    download ends.
    """

    cache: Path
    endpoint: str | None = None
    token: str | None = field(default=None, repr=False)
    timeout_s: float = 4.0
    pause_s: float = 1.0
    tries: int = 5

    @property
    def host(self) -> str:
        """Who is asked, by name."""
        from huggingface_hub.constants import ENDPOINT

        return urlsplit(self.endpoint or ENDPOINT).hostname or ""

    def folder(self, entry: CatalogueEntry) -> Path:
        return self.cache / f"models--{entry.repository.replace('/', '--')}"


class Phase(StrEnum):
    ASKING = "asking"  # the server, what there is
    LOADING = "loading"
    WAITING = "waiting"  # for a server that went silent
    CHECKING = "checking"


@dataclass(frozen=True)
class Progress:
    """How far a download has come: bytes of the whole model; `total` is 0 while nobody knows it."""

    phase: Phase
    done: int = 0
    total: int = 0


def usual_hub() -> Hub:
    """The hub and the cache that the library's own environment variables choose."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return Hub(Path(HF_HUB_CACHE))


def find(hub: Hub, entry: CatalogueEntry) -> Path | None:
    """The folder of a model that is here with all its files, or None."""
    return next((path for path in _snapshots(hub.folder(entry)) if _whole(path, entry)), None)


def kept_bytes(hub: Hub, entry: CatalogueEntry) -> int:
    """What the cache holds of a model, unfinished files too; another model of the same
    repository doesn't count, nor do settings alone."""
    blobs = hub.folder(entry) / "blobs"
    if not blobs.is_dir():
        return 0
    sizes = {each.stat().st_ino: each.stat().st_size for each in blobs.iterdir() if each.is_file()}
    files = list(_files(hub.folder(entry)))
    others = {inode for path, inode in files if not entry.wants(path)}
    settings = {inode for path, inode in files if not entry.holds_weights(path)}
    if not sizes.keys() - settings:
        return 0
    return sum(size for inode, size in sizes.items() if inode not in others)


def bytes_on_disk(path: Path) -> int:
    """What the files of any model's folder take; 0 for a folder that is gone."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def delete(hub: Hub, entry: CatalogueEntry) -> None:
    """Remove a model's weights; all that the cache holds of a repository if no others are left."""
    try:
        folder = hub.folder(entry)
        if all(entry.wants(path) for path, _ in _files(folder)):
            shutil.rmtree(folder)
        else:
            _delete_weights(folder, entry)
    except FileNotFoundError:
        return
    except OSError as error:
        raise DownloadError(
            "{name} could not be deleted: {reason}.",
            "Another program may be using it. Close that, and try again.",
            name=entry.name,
            reason=reason_of(error),
        ) from error


def _delete_weights(folder: Path, entry: CatalogueEntry) -> None:
    weights = {inode for path, inode in _files(folder) if entry.holds_weights(path)}
    for snapshot in _snapshots(folder):
        for file in snapshot.rglob("*"):
            if file.is_file() and entry.holds_weights(file.relative_to(snapshot).as_posix()):
                file.unlink()
    for blob in (folder / "blobs").iterdir():
        if blob.stat().st_ino in weights:
            blob.unlink()


def remember(folder: Path, names: Mapping[str, str]) -> None:
    """Keep what the blobs of a download are the files of, {checksum: path}: until the last of
    them is here, no link says so."""
    with beside(folder / _RECORD) as unfinished:  # raises what the download knows a sentence for
        unfinished.write_text(json.dumps({**_remembered(folder), **names}), encoding="utf-8")


def _remembered(folder: Path) -> dict[str, str]:
    try:
        return read_object(folder / _RECORD)
    except BundleError:
        return {}


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    """The files of a repository that are here, unfinished ones too: each one's path there, and
    the inode of its blob."""
    for snapshot in _snapshots(folder):
        for file in snapshot.rglob("*"):
            if file.is_file():
                yield file.relative_to(snapshot).as_posix(), file.stat().st_ino
    for checksum, path in _remembered(folder).items():
        for name in (checksum, checksum + UNFINISHED):
            if (blob := folder / "blobs" / name).is_file():
                yield str(path), blob.stat().st_ino


def _snapshots(folder: Path) -> Iterator[Path]:
    """The one that `main` names first."""
    try:
        main = read_text(folder / "refs" / "main", _LONGEST_REF).strip()
        paths = sorted(path for path in (folder / "snapshots").iterdir() if path.is_dir())
    except (OSError, BundleError):
        return
    yield from sorted(paths, key=lambda path: path.name != main)


def _whole(snapshot: Path, entry: CatalogueEntry) -> bool:
    """Whether the settings are there, weights for each pattern, and all shards of an index."""
    files = {path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*") if path.exists()}
    try:
        named = read_object(snapshot / INDEX)["weight_map"] if INDEX in files else {}
        shards = {str(shard) for shard in named.values() if entry.holds_weights(str(shard))}
    except (BundleError, LookupError, AttributeError):
        return False
    matched = all(fnmatch.filter(files, pattern) for pattern in entry.weights)
    settings = PIPELINE if entry.draws else CONFIG
    return settings in files and matched and shards <= files
