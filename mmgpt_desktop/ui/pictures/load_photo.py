"""From files, bytes and frames to photos that can be shown: for other threads than the window's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.hub.web_picture import download
from mmgpt_desktop.messages import Photo
from mmgpt_desktop.ui.pictures.addresses import mounted
from mmgpt_desktop.ui.widgets.shown_photo import with_levels

Opened = tuple[Photo, ...]  # one picture, or the frames of a clip


def open_file(path: Path, cancel: CancelToken) -> Opened:
    """Raises ImageError and Cancelled, as the others do."""
    from mmgpt_desktop.imaging.clips import load_photos

    return tuple(map(with_levels, load_photos(path, cancel)))


def open_elsewhere(address: str, cancel: CancelToken) -> Opened:
    """What is on a server or a device, where the desktop has it as a file."""
    return open_file(mounted(address), cancel)


def open_data(data: bytes, name: str, cancel: CancelToken) -> Opened:
    from mmgpt_desktop.imaging.clips import photos_from_bytes

    return tuple(map(with_levels, photos_from_bytes(data, name, cancel)))


def open_address(url: str, progress: Callable[[float], None], cancel: CancelToken) -> Opened:
    name = PurePosixPath(unquote(urlsplit(url).path)).name or "picture"
    return open_data(download(url, progress, cancel), name, cancel)
