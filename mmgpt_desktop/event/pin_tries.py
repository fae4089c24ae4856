"""How many wrong PINs were tried in a row: on the disk, or a restart would give further ones."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from mmgpt_desktop.decoding import DataDecoder, between
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.reading import read_json
from mmgpt_desktop.writing import write_json

_MOST = 1000
_MOST_BYTES = 1000

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Kept:
    wrong: Annotated[int, between(0, _MOST)]


class Tries:
    """Of the event with that profile; `folder` is for the state of all events on this computer.

    Reads and writes a small file. Where it can't be written the count lasts as long as this.
    """

    def __init__(self, folder: Path, profile: Path) -> None:
        name = hashlib.sha256(str(profile.absolute()).encode("utf-8", "surrogatepass"))
        self._file = folder / f"{name.hexdigest()[:16]}.json"
        self.wrong = self._read()

    def begin(self) -> None:
        """A PIN is about to be checked: until it is found to be right, it counts as a wrong one,
        so that nothing is gained by ending the program meanwhile."""
        self._set(min(_MOST, self.wrong + 1))

    def succeed(self) -> None:
        self._set(0)

    def _set(self, wrong: int) -> None:
        self.wrong = wrong
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_json(self._file, {"wrong": wrong}, private=True)
        except (OSError, AppError) as error:
            _log.warning("how many wrong PINs there were can't be kept: %s", error)

    def _read(self) -> int:
        """0 for what nobody wrote, or what is damaged."""
        try:
            kept: _Kept = DataDecoder().decode(_Kept, read_json(self._file, _MOST_BYTES))
            return kept.wrong
        except FileNotFoundError:
            return 0
        except (OSError, ValueError) as error:
            _log.warning("how many wrong PINs there were can't be read: %s", error)
            return 0
