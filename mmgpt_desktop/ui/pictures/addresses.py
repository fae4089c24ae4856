"""From the addresses that other programs give to files: here, or where a desktop mounts them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from mmgpt_desktop.errors import ImageError
from mmgpt_desktop.paths import address_parts, decoded_path
from mmgpt_desktop.text import safe_name

_GVFS = {"smb": "smb-share", "davs": "dav", "afp": "afp-volume", "ftps": "ftp"}


def is_address(text: str) -> bool:
    """Of a file, here or elsewhere: no mail, no script, nothing that is written out in it."""
    return any(address_parts(text))


def mounted(address: str) -> Path:
    """The file of an address on a server, a phone or in the trash, where the desktop has it as a
    file. It may wait for the network: not for the window's thread. Raises ImageError."""
    scheme, host, path = address_parts(address)
    for place in _candidates(scheme, host, path):
        try:
            if place.exists():
                return place
        except (OSError, ValueError):
            continue
    name = safe_name(unquote(path.rstrip("/").rpartition("/")[2]) or address)
    if scheme == "trash":
        title, hint = "{name} is in the trash.", "Restore it there, then open it."
    else:
        title = "{name} is not on this computer, and can't be opened from where it is."
        hint = "Copy it to a folder of this computer, then open the copy."
    raise ImageError(title, hint, name=name)


def _candidates(scheme: str, host: str, path: str) -> Iterator[Path]:
    name = decoded_path(path).lstrip("/")
    if scheme == "admin":  # the same file, to be read as an administrator
        yield Path("/", name)
    elif scheme == "trash":
        yield from _in_trash(name)
    elif scheme == "desktop":
        yield Path.home() / "Desktop" / name
    else:
        yield from _in_gvfs(scheme, host, name)
        yield from _in_kio(scheme, host, name)


def _in_trash(name: str) -> Iterator[Path]:
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    files = Path(data) / "Trash" / "files"
    if name.startswith("\\"):  # GNOME: of another disk, with its whole path as one name
        yield Path(name.replace("\\", "/"))
    yield files / name
    yield files / name.removeprefix("0-")  # KDE


def _in_gvfs(scheme: str, host: str, name: str) -> Iterator[Path]:
    """GNOME and its kin: `gvfs/smb-share:server=nas,share=photos/2024/a.jpg`."""
    for folder in (_runtime() / "gvfs", Path.home() / ".gvfs"):
        for mount in _inside(folder):
            kind, _, facts = mount.name.partition(":")
            pairs = (each.partition("=") for each in facts.split(","))
            known = {key: unquote(value) for key, _, value in pairs}
            begin = known.get("share") or known.get("volume") or known.get("prefix") or ""
            begin = f"{begin.strip('/')}/".lstrip("/").casefold()
            same = kind == _GVFS.get(scheme, scheme) and _same_host(known, unquote(host))
            if same and name.casefold().startswith(begin):
                yield mount / name[len(begin) :]


def _same_host(known: dict[str, str], host: str) -> bool:
    user, _, server = host.rpartition("@")
    if port := re.search(r":(\d+)$", server):
        server = server[: port.start()]
    said = user.partition(":")[0]
    return (
        (known.get("server") or known.get("host") or "").casefold() == server.casefold()
        and known.get("port", "") in ("", port[1] if port else "")
        and (not said or known.get("user", said).casefold() == said.casefold())
    )


def _in_kio(scheme: str, host: str, name: str) -> Iterator[Path]:
    """KDE: `kio-fuse-AbCdEf/sftp/me@host/home/me/a.jpg`."""
    for mount in _inside(_runtime()):
        if mount.name.startswith("kio-fuse-"):
            yield mount / scheme / host / name


def _runtime() -> Path:
    usual = f"/run/user/{os.getuid()}" if hasattr(os, "getuid") else "."
    return Path(os.environ.get("XDG_RUNTIME_DIR") or usual)


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
