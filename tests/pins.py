"""The lock files as their readers see them."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

INSTALLER = Path(__file__).resolve().parents[1] / "installer"
WINDOWS = {"sys_platform": "win32", "platform_machine": "AMD64", "python_full_version": "3.11.2"}
LINUX = {"sys_platform": "linux", "platform_machine": "x86_64", "python_full_version": "3.11.2"}


def read_blocks(kind: str) -> list[str]:
    """Each pin with its hashes, on one line."""
    text = (INSTALLER / f"requirements-{kind}.txt").read_text(encoding="utf-8")
    return [line for line in text.replace("\\\n", " ").splitlines() if not line.startswith("#")]


def read_pins(kind: str, system: dict[str, str] = LINUX) -> dict[str, str]:
    """Normalised name -> version, as on Debian 12 unless said."""
    found = [Requirement(re.split(r"\s+--hash", block)[0]) for block in read_blocks(kind)]
    here = [pin for pin in found if pin.marker is None or pin.marker.evaluate(system)]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in here}


def wanted_names(requirements: list[str]) -> set[str]:
    """The normalised names of what is asked for on Debian 12."""
    asked = [Requirement(line) for line in requirements]
    here = [each for each in asked if each.marker is None or each.marker.evaluate(LINUX)]
    return {canonicalize_name(each.name) for each in here}
