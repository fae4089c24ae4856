"""What ONNX Runtime's messages tell of a graphics card that failed, as sentences for people."""

from __future__ import annotations

import ctypes
import re
import sys
from dataclasses import dataclass

from mmgpt_desktop.errors import CardFailure

_CODE = re.compile(r"\b(CUDA|CUBLAS|CUDNN|CUDNN_FE|CURAND|CUFFT) failure (\d+)")
_AGAIN = 'Set the app up again, or run: pip install "onnxruntime-gpu[cuda,cudnn]".'
_WINDOWS = sys.platform == "win32"
_LIBRARIES = {  # of CUDA 13, which the provider is linked with
    "cudart": "cudart64_13.dll" if _WINDOWS else "libcudart.so.13",
    "cuBLAS": "cublas64_13.dll" if _WINDOWS else "libcublas.so.13",
    "cuBLASLt": "cublasLt64_13.dll" if _WINDOWS else "libcublasLt.so.13",
    "cuRAND": "curand64_10.dll" if _WINDOWS else "libcurand.so.10",
}


@dataclass(frozen=True)
class _Kind:
    """A way of failing: CUDA's numbers for it (driver_types.h, cudaError), and what else is said
    where it is cuBLAS, cuDNN or ONNX Runtime that failed."""

    codes: frozenset[int]
    words: tuple[str, ...]
    title: str
    hint: str


_KINDS = (
    _Kind(
        frozenset({2}),
        ("Failed to allocate", "ALLOC_FAILED", "out of memory"),
        "The graphics card has not enough free memory.",
        "Close other programs that use the card, or choose a smaller model; then load it again.",
    ),
    _Kind(
        frozenset(),
        ("cuDNN is unavailable", "Unable to load cuDNN"),
        "The graphics card can't be used without NVIDIA's cuDNN.",
        _AGAIN,
    ),
    _Kind(
        frozenset({98, 200, 209, 218, 222}),
        ("ARCH_MISMATCH",),
        "ONNX Runtime has no machine code for this graphics card.",
        "A newer version of the app may bring it, unless the card is older than 2018.",
    ),
    _Kind(
        frozenset({35, 803, 804}),
        (),
        "The graphics card's driver is too old for CUDA 13.",
        "Install NVIDIA's driver 580 or newer, then restart the computer.",
    ),
    _Kind(
        frozenset({46, 100, 101, 802}),
        (),
        "CUDA has no graphics card to give (CUDA error {code}).",
        "Close other programs that use the card, or restart the computer.",
    ),
    _Kind(
        frozenset({214, 219, 700, 702, 709, 710, *range(714, 720), 999}),
        ("EXECUTION_FAILED", "MAPPING_ERROR"),
        "The graphics card crashed at its work ({library} error {code}).",
        "Start the app again to use the card; if it crashes again, install a newer driver.",
    ),
)


def card_failure(error: Exception) -> CardFailure | None:
    """What a message of ONNX Runtime, which worked on the card, tells of that; None if the model
    or what it was given is to blame."""
    said, found = str(error), _CODE.search(str(error))
    library, code = (found[1], int(found[2])) if found else ("CUDA", 0)
    of_cuda = code if library == "CUDA" else 0
    for kind in _KINDS:
        if of_cuda in kind.codes or any(words in said for words in kind.words):
            return CardFailure(kind.title, kind.hint, library=library, code=code)
    if found is None:
        return None
    title = "The graphics card failed ({library} error {code})."
    hint = "Start the app again; if it fails again, install a newer driver."
    return CardFailure(title, hint, library=library, code=code)


def library_failure() -> CardFailure:
    """ONNX Runtime could not load its part for the card: which of CUDA's libraries are missing."""
    missing = [name for name, file in _LIBRARIES.items() if not _loads(file)]
    title = "The graphics card can't be used without NVIDIA's {libraries}."
    return CardFailure(title, _AGAIN, libraries=", ".join(missing) or "CUDA 13")


def _loads(file: str) -> bool:
    try:
        ctypes.CDLL(file)
    except OSError:
        return False
    return True
