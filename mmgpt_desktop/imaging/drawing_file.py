"""A drawing as a file that says how it was drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mmgpt_desktop.imaging.encoded import encoded
from mmgpt_desktop.painted import Drawing


def drawing_png(pixels: NDArray[np.uint8], drawing: Drawing) -> bytes:
    """PNG, with the prompt and what else draws the same picture again as text inside."""
    told = PngInfo()
    told.add_itxt("prompt", drawing.prompt)
    told.add_itxt("seed", str(drawing.seed))
    told.add_itxt("model", drawing.painter)
    told.add_itxt("Software", "MMGPT Desktop")
    return encoded(Image.fromarray(pixels), "PNG", pnginfo=told)
