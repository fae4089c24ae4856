"""What ONNX Runtime and PyTorch tell of a graphics card that failed, as sentences for people."""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from mmgpt_desktop.errors import CardFailure

# "CUDA failure 719: ...", or "CUDA error cudaErrorLaunchFailure:..." where a kernel says it.
_NUMBER = re.compile(r"\b(CUDA|CUBLAS|CUDNN|CUDNN_FE|CURAND|CUFFT) failure (\d+)")
_NAME = re.compile(r"\bCUDA error cudaError(\w+)")
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
    """A way of failing: CUDA's numbers and names for it (driver_types.h, without "cudaError"), and
    what is said where it is cuBLAS, cuDNN or ONNX Runtime that failed."""

    said: CardFailure
    errors: Mapping[int, str]
    words: tuple[str, ...] = ()


_KINDS = (
    _Kind(
        CardFailure(
            "The graphics card has not enough free memory.",
            "Close other programs that use the card or choose a smaller model, then load again.",
        ),
        {2: "MemoryAllocation"},
        ("Failed to allocate", "ALLOC_FAILED", "out of memory"),
    ),
    _Kind(
        CardFailure(
            "The graphics card can't be used without NVIDIA's cuDNN.",
            _AGAIN,
        ),
        {},
        ("cuDNN is unavailable",),
    ),
    _Kind(
        CardFailure(
            "ONNX Runtime has no machine code for this graphics card.",
            "A newer version of the app may bring it, unless the card is older than the RTX 20.",
        ),
        {
            98: "InvalidDeviceFunction",
            200: "InvalidKernelImage",
            209: "NoKernelImageForDevice",
            218: "InvalidPtx",
            222: "UnsupportedPtxVersion",
        },
        ("ARCH_MISMATCH",),
    ),
    _Kind(
        CardFailure(
            "The graphics card's driver is too old for CUDA 13.",
            "Install NVIDIA's driver 580 or newer, then restart the computer.",
        ),
        {
            35: "InsufficientDriver",
            803: "SystemDriverMismatch",
            804: "CompatNotSupportedOnDevice",
        },
    ),
    _Kind(
        CardFailure(
            "CUDA has no graphics card to give ({library} error {code}).",
            "Close other programs that use the card, or restart the computer.",
        ),
        {46: "DevicesUnavailable", 100: "NoDevice", 101: "InvalidDevice", 802: "SystemNotReady"},
    ),
    _Kind(
        CardFailure(
            "The graphics card crashed at its work ({library} error {code}).",
            "Start the app again to use the card; if it crashes again, install a newer driver.",
        ),
        {
            214: "ECCUncorrectable",
            220: "NvlinkUncorrectable",
            700: "IllegalAddress",
            702: "LaunchTimeout",
            709: "ContextIsDestroyed",
            710: "Assert",
            714: "HardwareStackError",
            715: "IllegalInstruction",
            716: "MisalignedAddress",
            717: "InvalidAddressSpace",
            718: "InvalidPc",
            719: "LaunchFailure",
            999: "Unknown",
        },
        ("EXECUTION_FAILED", "MAPPING_ERROR"),
    ),
)
_NUMBERS = {name: number for kind in _KINDS for number, name in kind.errors.items()}


def card_failure(error: Exception) -> CardFailure | None:
    """What a message of ONNX Runtime, which worked on the card, tells of that; None if the model
    or what it was given is to blame."""
    said = str(error)
    library, code = _error(said)
    for kind in _KINDS:
        of_kind = library == "CUDA" and code in kind.errors
        if of_kind or any(words in said for words in kind.words):
            title, hint = kind.said.title_template, kind.said.hint_template
            return CardFailure(title, hint, library=library, code=code)
    if not library:
        return None
    title = "The graphics card failed ({library} error {code})."
    hint = "Start the app again; if it fails again, install a newer driver."
    return CardFailure(title, hint, library=library, code=code)


def _error(said: str) -> tuple[str, int | str]:
    """Which library failed, and with what; nothing if none did."""
    if found := _NUMBER.search(said):
        return found[1], int(found[2])
    if found := _NAME.search(said):
        return "CUDA", _NUMBERS.get(found[1], found[1])
    return "", 0


def torch_card_failure(error: Exception) -> CardFailure | None:
    """The same of PyTorch's exceptions; for want of memory a processor's are of another class."""
    kind, said = type(error).__name__, str(error)
    if kind == "AcceleratorError":
        return card_failure(Exception(f"CUDA failure {getattr(error, 'error_code', 0)}"))
    if kind == "OutOfMemoryError" or said.startswith("MPS backend out of memory"):
        return card_failure(error)
    return None


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
