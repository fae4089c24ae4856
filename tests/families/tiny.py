"""A tiny checkpoint of each family, with heads as wide as ONNX Runtime's operator takes them.

Each module of this folder that makes some names them by model_type in a `TINY` of its own.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any

import numpy as np

from tests import families as folder
from tests.families.checkpoints import Make

TINY: dict[str, Make] = {
    model_type: make
    for module in pkgutil.iter_modules(folder.__path__)
    if module.name.startswith(("test_", "tiny_"))
    for model_type, make in getattr(
        import_module(f"{folder.__name__}.{module.name}"), "TINY", {}
    ).items()
}


def near(found: Any, expected: Any, tolerance: float = 1e-4) -> None:
    """By the largest difference, as a share of how far the expected values lie apart."""
    one, two = np.asarray(found, np.float32), np.asarray(expected, np.float32)
    assert one.shape == two.shape
    assert np.ptp(two) > 0
    assert np.abs(one - two).max() < tolerance * np.ptp(two)
