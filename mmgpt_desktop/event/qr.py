"""QR codes as the modules they are made of."""

from __future__ import annotations

import numpy as np
import segno
from numpy.typing import NDArray

QUIET = 4
"""Modules that must be empty on each side, ISO/IEC 18004."""


def modules(text: str) -> NDArray[np.bool_]:
    """[row, column], True where it is dark; a seventh of the code may be unreadable (level M)."""
    return np.array(segno.make_qr(text, error="m").matrix, np.bool_)
