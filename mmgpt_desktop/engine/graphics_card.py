"""The NVIDIA graphics card, as its driver tells: what it is, what is free on it, and why it can't
be used. Asked by ctypes, so that neither PyTorch nor ONNX Runtime need be there."""

from __future__ import annotations

import ctypes
import os
import sys
from ctypes import byref, c_char, c_int, c_size_t, c_uint64, c_void_p
from dataclasses import dataclass
from typing import Any

from mmgpt_desktop.errors import CardFailure

OLDEST_CUDA = 13000  # as cuDriverGetVersion gives it: of the libraries that onnxruntime-gpu wants
OLDEST_DRIVER = "580"  # the first that knows CUDA 13: NVIDIA's CUDA compatibility guide
# The machine code in the wheel of onnxruntime-gpu 1.31, read from the fat binaries of its
# libonnxruntime_providers_cuda; there is no PTX, which a newer card could translate for itself.
# That of X.y runs on every X.z with z >= y, and on no other X (CUDA C++ Programming Guide,
# "Binary Compatibility").
MACHINE_CODE = ((7, 5), (8, 0), (8, 6), (8, 9), (9, 0), (12, 0))

_WINDOWS = sys.platform == "win32"
_DRIVER = "nvcuda.dll" if _WINDOWS else "libcuda.so.1"
_MANAGEMENT = "nvml.dll" if _WINDOWS else "libnvidia-ml.so.1"  # NVML, which comes with the driver
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR
_OK, _NO_DEVICE, _MISMATCH = 0, 100, 803  # of cuda.h's CUresult
_ABSENT = -1  # ours, for a function that the library doesn't have
_TEXT = 256  # bytes


@dataclass(frozen=True)
class GraphicsCard:
    """The first card that CUDA sees. Sizes in bytes; `free` is None where it can't be told.

    `driver` is the newest CUDA that the driver knows: 13000 is 13.0.
    """

    name: str
    capability: tuple[int, int]
    memory: int
    free: int | None
    driver: int

    @property
    def capability_text(self) -> str:
        return "{}.{}".format(*self.capability)

    @property
    def cuda(self) -> str:
        """The newest CUDA that the driver knows: "13.0"."""
        return _version(self.driver)


def find_card() -> GraphicsCard | None:
    """What the driver says of the card; None where there is no driver, no card or no answer.

    Never raises. The first call in a process starts the driver, some tenths of a second, so it
    is not for the window's thread; what is free is asked anew each time. Any thread may call.
    """
    found = _look()
    return found if isinstance(found, GraphicsCard) else None


def free_memory() -> int | None:
    """Bytes that are free on the card at this moment; None as `find_card`."""
    card = find_card()
    return card.free if card else None


def card_problem() -> CardFailure | None:
    """Why ONNX Runtime can't use the card that is there, and what to do about it.

    None if it may be used, and where there is none: that is an ordinary computer. As `find_card`.
    """
    found = _look()
    if not isinstance(found, GraphicsCard):
        return found
    if found.driver < OLDEST_CUDA:
        title = "The graphics card's driver is too old: it knows CUDA {found}, not {wanted}."
        return CardFailure(
            title,
            "Install NVIDIA's driver {driver} or newer.",
            found=found.cuda,
            wanted=_version(OLDEST_CUDA),
            driver=OLDEST_DRIVER,
        )
    return None if _runs_on(found.capability) else _no_machine_code(found)


def _runs_on(capability: tuple[int, int]) -> bool:
    major, minor = capability
    return any(major == of and minor >= least for of, least in MACHINE_CODE)


def _no_machine_code(card: GraphicsCard) -> CardFailure:
    values = {"name": card.name, "capability": card.capability_text}
    if card.capability < MACHINE_CODE[0]:
        return CardFailure(
            "The graphics card {name} is too old for ONNX Runtime (compute capability"
            " {capability}, and {wanted} is needed).",
            "GeForce cards can be used from the GTX 16 and the RTX 20 on.",
            wanted="{}.{}".format(*MACHINE_CODE[0]),
            **values,
        )
    return CardFailure(
        "ONNX Runtime has no machine code for the graphics card {name} (compute capability"
        " {capability}).",
        "A newer version of the app may bring it.",
        **values,
    )


def _look() -> GraphicsCard | CardFailure | None:
    """The card; why CUDA has none although there is one; or None where there is none."""
    if (driver := _library(_DRIVER)) is None:
        return None
    if (code := _call(driver, "cuInit", 0)) == _OK:
        code, count = _number(driver, "cuDeviceGetCount")
        if code == _OK and count > 0:
            return _described(driver)
    if code in (_OK, _NO_DEVICE):
        return _hidden()
    if code == _MISMATCH:
        title = "The graphics card's driver was updated, and the older one is still at work."
        return CardFailure(title, "Restart the computer.")
    title = "The graphics card's driver doesn't start (CUDA error {code})."
    hint = "Restart the computer; if that doesn't help, install NVIDIA's driver again."
    return CardFailure(title, hint, code=code)


def _described(driver: Any) -> GraphicsCard:
    _, device = _number(driver, "cuDeviceGet", 0)
    _, major = _number(driver, "cuDeviceGetAttribute", _MAJOR, device)
    _, minor = _number(driver, "cuDeviceGetAttribute", _MINOR, device)
    _, version = _number(driver, "cuDriverGetVersion")
    memory = c_size_t()
    _call(driver, "cuDeviceTotalMem_v2", byref(memory), device)
    name = _text(driver, "cuDeviceGetName", device) or "NVIDIA"
    free = _free(_text(driver, "cuDeviceGetPCIBusId", device))
    if free is not None:  # of the whole card, of which CUDA may have a slice (MIG)
        free = min(free, memory.value)
    return GraphicsCard(name, (major, minor), memory.value, free, version)


class _Memory(ctypes.Structure):
    """nvmlMemory_t"""

    _fields_ = (("total", c_uint64), ("free", c_uint64), ("used", c_uint64))


def _free(bus_id: str) -> int | None:
    """From NVML, which needs no context on the card; CUDA and NVML may number cards differently."""
    management, handle, memory = _management(), c_void_p(), _Memory()
    if management is None or not bus_id:
        return None
    place = bus_id.encode()
    code = _call(management, "nvmlDeviceGetHandleByPciBusId_v2", place, byref(handle))
    if code != _OK or _call(management, "nvmlDeviceGetMemoryInfo", handle, byref(memory)) != _OK:
        return None
    return int(memory.free)


def _hidden() -> CardFailure | None:
    """CUDA sees no card, and NVML, which takes no notice of the variable, does."""
    management = _management()
    if _VISIBLE not in os.environ or management is None:
        return None
    if _number(management, "nvmlDeviceGetCount_v2")[1] < 1:
        return None
    title = "The graphics card is hidden from programs by {variable}."
    return CardFailure(title, "Unset this variable of the environment.", variable=_VISIBLE)


def _management() -> Any | None:
    library = _library(_MANAGEMENT)
    if library is None or _call(library, "nvmlInit_v2") != _OK:
        return None
    return library


def _library(name: str) -> Any | None:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


def _call(library: Any, function: str, *arguments: Any) -> int:
    """The code that it returns; _ABSENT where this version of the library hasn't got it."""
    try:
        called = getattr(library, function)
    except AttributeError:
        return _ABSENT
    return int(called(*arguments))


def _number(library: Any, function: str, *arguments: Any) -> tuple[int, int]:
    """The code, and the number that the function writes first; 0 if it doesn't."""
    number = c_int()
    return _call(library, function, byref(number), *arguments), number.value


def _text(library: Any, function: str, device: int) -> str:
    """What the function writes; empty if it doesn't."""
    buffer = (c_char * _TEXT)()
    code = _call(library, function, buffer, _TEXT, device)
    return buffer.value.decode(errors="replace") if code == _OK else ""


def _version(number: int) -> str:
    """13010 is 13.1."""
    return f"{number // 1000}.{number % 1000 // 10}"
