"""The libraries of NVIDIA's driver, as far as `engine.card` asks them."""

from __future__ import annotations

import ctypes
from ctypes import c_int, c_size_t
from typing import Any

import pytest

PLACE = b"0000:65:00.0"


class Libraries:
    """Stands in for ctypes.CDLL: a name in `absent` can't be loaded, a function in `codes`
    returns that and writes nothing."""

    def __init__(
        self,
        *,
        version: int = 13000,
        capability: tuple[int, int] = (8, 6),
        free: int = 5_000_000_000,
        seen: int = 1,
        there: int = 1,
        codes: dict[str, int] | None = None,
        absent: tuple[str, ...] = (),
    ) -> None:
        self.version, self.capability, self.free = version, capability, free
        self.seen, self.there = seen, there
        self.codes, self.absent = codes or {}, absent

    def __call__(self, name: str) -> Any:
        if name in self.absent:
            raise OSError(name)
        return _Functions(self)

    def use(self, monkeypatch: pytest.MonkeyPatch) -> Libraries:
        """From now on to the test's end."""
        monkeypatch.setattr(ctypes, "CDLL", self)
        return self


def no_card() -> Libraries:
    return Libraries(absent=("libcuda.so.1", "nvcuda.dll"))


class _Functions:
    def __init__(self, libraries: Libraries) -> None:
        self._all = libraries

    def __getattr__(self, function: str) -> Any:
        if self._all.codes.get(function) == -1:
            raise AttributeError(function)

        def call(*arguments: Any) -> int:
            if code := self._all.codes.get(function, 0):
                return code
            self._write(function, arguments)
            return 0

        return call

    def _write(self, function: str, arguments: Any) -> None:
        libraries = self._all
        numbers = {
            "cuDriverGetVersion": libraries.version,
            "cuDeviceGetCount": libraries.seen,
            "cuDeviceGet": 7,
            "nvmlDeviceGetCount_v2": libraries.there,
        }
        if function in numbers:
            _number(arguments[0]).value = numbers[function]
        elif function == "cuDeviceGetAttribute":
            number, attribute, device = arguments
            assert device == 7
            _number(number).value = libraries.capability[{75: 0, 76: 1}[attribute]]
        elif function == "cuDeviceTotalMem_v2":
            _number(arguments[0], c_size_t).value = 8_000_000_000
        elif function in ("cuDeviceGetName", "cuDeviceGetPCIBusId"):
            buffer, size, device = arguments
            assert (len(buffer), device) == (size, 7)
            buffer.value = PLACE if function.endswith("Id") else b"GeForce RTX 3070"
        elif function == "nvmlDeviceGetHandleByPciBusId_v2":
            place, handle = arguments
            assert place == PLACE
            _number(handle, c_size_t).value = 77
        elif function == "nvmlDeviceGetMemoryInfo":
            handle, memory = arguments
            assert handle.value == 77
            sizes = ctypes.cast(memory, ctypes.POINTER(ctypes.c_uint64))
            sizes[1] = libraries.free


def _number(place: Any, kind: Any = c_int) -> Any:
    return ctypes.cast(place, ctypes.POINTER(kind)).contents
