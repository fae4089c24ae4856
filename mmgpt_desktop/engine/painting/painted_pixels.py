"""A painter's numbers as a picture's bytes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.errors import RuntimeFailure


def as_bytes(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Pixels [B, 3, height, width] from -1 to 1 as [B, height, width, 3]. Raises RuntimeFailure
    where they are no numbers."""
    if not np.isfinite(pixels).all():
        title = "The model's arithmetic broke: it gave values that are no numbers."
        raise RuntimeFailure(title)
    shown = np.rint((pixels.clip(-1, 1) + 1) * 127.5).astype(np.uint8)
    return np.ascontiguousarray(shown.transpose(0, 2, 3, 1))
