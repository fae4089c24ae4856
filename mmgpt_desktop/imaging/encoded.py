"""A picture as the bytes of a file."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """In one of Pillow's kinds, such as "PNG", with its options."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()
