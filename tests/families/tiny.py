"""A tiny checkpoint of each family, with heads as wide as ONNX Runtime's operator takes them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.families.checkpoints import tiny_smolvlm
from tests.families.test_gemma import tiny_gemma3, tiny_paligemma
from tests.families.test_internvl import tiny_internvl
from tests.families.test_llava import tiny_llava
from tests.families.test_llava_onevision import tiny_onevision
from tests.families.tiny_idefics import tiny_idefics
from tests.families.tiny_kosmos2 import tiny_kosmos2
from tests.families.tiny_qwen import tiny_qwen2, tiny_qwen3, tiny_qwen25

Make = Callable[[Path], Path]


def enlivened(make: Make) -> Make:
    """With matrices ten times as large: at first each patch and word is nearly like the others.

    Gates (Idefics) stay half open.
    """
    from safetensors.numpy import load_file, save_file

    def made(path: Path) -> Path:
        folder = make(path)
        file = folder / "model.safetensors"
        grown = {
            name: each * 10 if each.ndim > 1 and "alpha" not in name else each
            for name, each in load_file(file).items()
        }
        save_file(grown, file, metadata={"format": "pt"})
        return folder

    return made


TINY: dict[str, Make] = {  # by model_type
    "gemma3": tiny_gemma3,
    "idefics": enlivened(tiny_idefics),
    "idefics3": enlivened(partial(tiny_smolvlm, head_dim=16, kind="Idefics3")),
    "internvl": tiny_internvl,
    "kosmos-2": enlivened(tiny_kosmos2),
    "llava": tiny_llava,
    "llava_onevision": tiny_onevision,
    "paligemma": partial(tiny_paligemma, text="gemma"),
    "qwen2_5_vl": enlivened(tiny_qwen25),
    "qwen2_vl": enlivened(tiny_qwen2),
    "qwen3_vl": enlivened(tiny_qwen3),
    "smolvlm": enlivened(partial(tiny_smolvlm, head_dim=16)),
}


def near(found: Any, expected: Any, tolerance: float = 1e-4) -> None:
    """By the largest difference, as a share of how far the expected values lie apart."""
    one, two = np.asarray(found, np.float32), np.asarray(expected, np.float32)
    assert one.shape == two.shape
    assert np.ptp(two) > 0
    assert np.abs(one - two).max() < tolerance * np.ptp(two)
