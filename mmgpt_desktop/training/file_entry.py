"""What a manifest says of a file."""

from __future__ import annotations

import hashlib
from pathlib import Path


def file_entry(path: Path) -> dict[str, str | int]:
    data = path.read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
