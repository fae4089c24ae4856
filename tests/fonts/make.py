"""Makes this folder's fonts smaller ones of their originals: what the window writes, no more.

    python tests/fonts/make.py FOLDER      (needs the package fonttools)

FOLDER holds DejaVuSans.ttf, DejaVuSans-Bold.ttf, DejaVuSansMono.ttf (Debian: fonts-dejavu-core)
and DroidSansFallbackFull.ttf (fonts-droid-fallback).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TRANSLATIONS = HERE.parents[1] / "resources" / "translations"
LATIN = ("U+0020-017F,U+0192,U+02C6-02DD,U+0300-0308,U+0370-03FF,U+0400-045F,U+1E00-1EFF,"
         "U+2000-206F,U+20A0-20BF,U+2100-2150,U+2190-21FF,U+2200-22FF,U+2300-23FF,U+2500-25FF,"
         "U+2600-2713,U+2764,U+27E8-27E9,U+FFFD")  # fmt: skip
COMMON_KANA = "U+3000-30FF,U+FF00-FFEF"


def chinese() -> str:
    """The 3,755 characters of GB 2312's first level, and all that the translation has."""
    level = "".join(
        bytes([row, cell]).decode("gb2312", "ignore")
        for row in range(0xB0, 0xD8)
        for cell in range(0xA1, 0xFF)
    )
    texts = "".join(path.read_text(encoding="utf-8") for path in TRANSLATIONS.glob("*.ts"))
    return "".join(sorted({c for c in level + texts if ord(c) > 0x2E7F}))


def subset(source: Path, *what: str) -> None:
    """Without hints, which need much room and change nothing that a test can see."""
    options = ("--no-hinting", "--desubroutinize", "--layout-features=kern,mark,mkmk,ccmp")
    command = ("-m", "fontTools.subset", str(source), f"--output-file={HERE / source.name}")
    subprocess.run([sys.executable, *command, *options, *what], check=True)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono.ttf"):
        subset(folder / name, f"--unicodes={LATIN}")
    subset(folder / "DroidSansFallbackFull.ttf", f"--unicodes={COMMON_KANA}", f"--text={chinese()}")
