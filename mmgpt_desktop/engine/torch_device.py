"""Where PyTorch computes, and in which precision: the one place that names a device.

It imports torch, which takes seconds, so it is imported when a runtime is made.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmgpt_desktop.engine.fallback import on_processor_instead
from mmgpt_desktop.engine.graphics_card import find_card
from mmgpt_desktop.engine.memory import BESIDE, free_memory, gigabytes, require_memory
from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.messages import RuntimeInfo, RuntimeName
from mmgpt_desktop.note import NO_NOTE, Note
from mmgpt_desktop.text import reason_of

PROCESSOR = torch.device("cpu")
PRECISIONS = {torch.float32: "float32", torch.bfloat16: "bf16", torch.float16: "fp16"}


@dataclass(frozen=True)
class Place:
    """A device, and the precision in which a model computes there. `note` says why it isn't the
    graphics card, where there is one."""

    device: torch.device
    dtype: torch.dtype
    note: Note = NO_NOTE

    @property
    def on_card(self) -> bool:
        return self.device.type != PROCESSOR.type

    @property
    def info(self) -> RuntimeInfo:
        precision = PRECISIONS[self.dtype]
        return RuntimeInfo(RuntimeName.TORCH, self.device.type, self.note, precision)

    def tensor(self, array: NDArray[Any]) -> Tensor:
        """An array as a model here takes it: whole numbers stay as they are."""
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        if tensor.is_floating_point():
            tensor = tensor.to(self.dtype)
        return tensor.to(self.device)

    def ids(self, token_ids: Sequence[int]) -> Tensor:
        """[1, S]"""
        return self.tensor(np.array([token_ids], np.int64))

    def array(self, tensor: Tensor) -> NDArray[np.float32]:
        """On the host, in float32 whatever the model computes in."""
        return np.asarray(tensor.detach().cpu().float().numpy())

    def zeros(self, *shape: int) -> Tensor:
        return torch.zeros(shape, dtype=self.dtype, device=self.device)

    def give_back(self) -> None:
        """What is free of the card's memory goes to other programs."""
        with contextlib.suppress(RuntimeError):  # after an error the card answers nothing
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            elif self.device.type == "mps":
                torch.mps.empty_cache()


def choose_device() -> tuple[torch.device, torch.dtype]:
    """The best device that there is, and the precision in which it is quick."""
    if torch.cuda.is_available():
        torch.backends.cudnn.allow_tf32 = False  # it would round what float32 computes
        # Cards before Ampere only emulate bfloat16.
        exact = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.device("cuda"), torch.bfloat16 if exact else torch.float16
    if torch.backends.mps.is_available():
        mps = torch.device("mps")
        younger = obstacle(mps, torch.bfloat16) is None  # macOS 14
        return mps, torch.bfloat16 if younger else torch.float16
    return PROCESSOR, torch.float32


def obstacle(device: torch.device, dtype: torch.dtype) -> str | None:
    """Why a device can't compute, as the end of a sentence; None if it can.

    A convolution and a product of matrices find what is missing before gigabytes are loaded: a
    library of CUDA's, machine code for a card of this age, a driver that is young enough.
    """
    try:
        ones = torch.ones(1, 1, 8, 8, dtype=dtype, device=device)
        found = torch.nn.functional.conv2d(ones, ones) + (ones @ ones).mean()
        return None if float(found.float().cpu()) == 72 else "it computes wrongly"
    except Exception as error:  # a missing library is an OSError, an old card a RuntimeError
        return reason_of(error)


def why_not_offered() -> Note:
    """What to say where there is a card of NVIDIA's, and PyTorch doesn't offer it."""
    if find_card() is None:
        return NO_NOTE
    if torch.version.cuda is None:  # as all are that PyPI has for Windows
        return Note("The installed PyTorch is for the processor alone, and not for graphics cards.")
    reason = obstacle(torch.device("cuda"), torch.float32) or "CUDA is not available"
    return Note("PyTorch can't use the graphics card ({reason}).", {"reason": reason})


def free_on(device: torch.device) -> int:
    """Bytes that PyTorch can have there."""
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + unused
    if device.type == "mps":
        limit = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
        return min(limit, free_memory())
    return free_memory()


def find_place(parameters: int, *, exact: bool = False, card: bool = True) -> Place:
    """Where a model of so many numbers is to compute; an `exact` one does so in float32.

    On the card, unless that can't be used, has no room for it, or is not to be used. Raises
    RuntimeFailure where the computer has no room for it either.
    """
    device, dtype = choose_device() if card else (PROCESSOR, torch.float32)
    if exact:
        dtype = torch.float32
    if device == PROCESSOR:
        note = why_not_offered() if card else NO_NOTE
        return _on_processor(parameters, dtype, exact=exact, note=note)
    if (reason := obstacle(device, dtype)) is not None:
        note = Note("PyTorch can't use the graphics card ({reason}).", {"reason": reason})
        return _on_processor(parameters, note=note, exact=exact)
    require_memory(parameters * dtype.itemsize)  # where the weights are read to at first
    needed, free = parameters * dtype.itemsize + BESIDE, free_on(device)
    if needed > free:
        note = Note(
            "The graphics card has too little memory for this model, so the processor runs it:"
            " it needs about {needed} GB, and {free} GB are free.",
            {"needed": gigabytes(needed), "free": gigabytes(free)},
        )
        return _on_processor(parameters, note=note, exact=exact)
    return Place(device, dtype)


def _on_processor(
    parameters: int,
    dtype: torch.dtype = torch.float32,
    *,
    exact: bool,
    note: Note = NO_NOTE,
) -> Place:
    """In 16 bits where there is no memory for 32, unless `exact`."""
    if not exact and dtype.itemsize * parameters + BESIDE >= free_memory():
        dtype = torch.bfloat16
    require_memory(parameters * dtype.itemsize)
    return Place(PROCESSOR, dtype, note)


def settle(
    load: Callable[[Place], None], parameters: int, *, exact: bool = False, card: bool = True
) -> None:
    """Have a model loaded where `find_place` says, or on the processor if the card fails.

    Raises RuntimeFailure.
    """
    place = find_place(parameters, exact=exact, card=card)
    try:
        load(place)
    except RuntimeFailure as failure:
        if not place.on_card:
            raise
        place.give_back()
        load(_on_processor(parameters, exact=exact, note=on_processor_instead(failure)))
