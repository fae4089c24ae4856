"""Where PyTorch computes, in which precision, and what is said where that isn't the card."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from mmgpt_desktop.engine import memory, torch_device
from mmgpt_desktop.engine.graphics_card import GraphicsCard
from mmgpt_desktop.engine.pytorch import RUNNING, torch_failures
from mmgpt_desktop.engine.torch_device import (
    PROCESSOR,
    Place,
    choose_device,
    find_place,
    obstacle,
    settle,
)
from mmgpt_desktop.errors import CardFailure, RuntimeFailure
from mmgpt_desktop.messages import RuntimeInfo, RuntimeName

CUDA, MPS = torch.device("cuda"), torch.device("mps")
BILLION, GIGA = 10**9, 10**9


class Computer:
    """What PyTorch finds on it; bytes are those that are free."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cuda = self.bf16 = self.mps = False
        self.memory, self.card_memory = 64 * GIGA, 24 * GIGA
        self.obstacle: str | None = None
        self.card: GraphicsCard | None = None
        replaced: dict[str, Any] = {
            "torch.cuda.is_available": lambda: self.cuda,
            "torch.cuda.is_bf16_supported": self._counts_in_bf16,
            "torch.backends.mps.is_available": lambda: self.mps,
        }
        for name, function in replaced.items():
            monkeypatch.setattr(name, function)
        for module in (memory, torch_device):
            monkeypatch.setattr(module, "free_memory", lambda: self.memory)
        monkeypatch.setattr(torch_device, "free_on", lambda _device: self.card_memory)
        monkeypatch.setattr(torch_device, "obstacle", self._obstacle)
        monkeypatch.setattr(torch_device, "find_card", lambda: self.card)

    def _counts_in_bf16(self, including_emulation: bool = True) -> bool:
        return including_emulation or self.bf16

    def _obstacle(self, device: torch.device, dtype: torch.dtype) -> str | None:
        if device == MPS and dtype == torch.bfloat16 and not self.bf16:
            return "BFloat16 is not supported on MPS"
        return self.obstacle


@pytest.fixture
def computer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Computer]:
    tf32 = torch.backends.cudnn.allow_tf32
    yield Computer(monkeypatch)
    torch.backends.cudnn.allow_tf32 = tf32


@pytest.mark.parametrize(
    ("cuda", "mps", "bf16", "chosen"),
    [
        (True, False, True, (CUDA, torch.bfloat16)),
        (True, False, False, (CUDA, torch.float16)),
        (True, True, True, (CUDA, torch.bfloat16)),
        (False, True, True, (MPS, torch.bfloat16)),
        (False, True, False, (MPS, torch.float16)),
        (False, False, True, (PROCESSOR, torch.float32)),
    ],
)
def test_the_best_device_is_chosen(
    computer: Computer,
    cuda: bool,
    mps: bool,
    bf16: bool,
    chosen: tuple[torch.device, torch.dtype],
) -> None:
    computer.cuda, computer.mps, computer.bf16 = cuda, mps, bf16
    assert choose_device() == chosen
    assert find_place(BILLION) == Place(*chosen)
    assert find_place(BILLION, exact=True) == Place(chosen[0], torch.float32)
    assert find_place(BILLION, card=False) == Place(PROCESSOR, torch.float32)


def test_float32_is_not_rounded_on_a_card(computer: Computer) -> None:
    computer.cuda = True
    torch.backends.cudnn.allow_tf32 = True
    choose_device()
    assert not torch.backends.cudnn.allow_tf32


def test_a_model_that_the_card_has_no_room_for_stays_on_the_processor(computer: Computer) -> None:
    computer.cuda = computer.bf16 = True
    computer.card_memory = 2 * GIGA
    place = find_place(BILLION)
    assert (place.device, place.dtype) == (PROCESSOR, torch.float32)
    assert str(place.note) == (
        "The graphics card has too little memory for this model, so the processor runs it:"
        " it needs about 2.3 GB, and 2.0 GB are free."
    )
    computer.card_memory = 24 * GIGA
    assert find_place(BILLION) == Place(CUDA, torch.bfloat16)


def test_a_card_that_cannot_be_used_is_said(computer: Computer) -> None:
    computer.cuda, computer.obstacle = True, "no kernel image is available"
    place = find_place(BILLION)
    assert place.device == PROCESSOR
    assert str(place.note) == (
        "PyTorch can't use the graphics card (no kernel image is available)."
    )


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (None, "The installed PyTorch is for the processor alone, and not for graphics cards."),
        ("13.0", "PyTorch can't use the graphics card (the driver is too old)."),
    ],
)
def test_a_card_that_pytorch_does_not_offer_is_said(
    computer: Computer, build: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.version, "cuda", build)
    computer.obstacle = "the driver is too old"
    assert str(find_place(BILLION).note) == ""
    computer.card = GraphicsCard("GeForce", (8, 6), 8 * GIGA, None, 13000)
    assert str(find_place(BILLION).note) == said
    assert str(find_place(BILLION, card=False).note) == ""


def test_the_processor_halves_what_would_not_fit(computer: Computer) -> None:
    computer.memory = 3 * GIGA
    assert find_place(BILLION) == Place(PROCESSOR, torch.bfloat16)
    computer.memory = 2 * GIGA
    with pytest.raises(RuntimeFailure, match=r"needs about 2.3 GB, and 2.0 GB"):
        find_place(BILLION)
    computer.memory = 3 * GIGA
    with pytest.raises(RuntimeFailure, match=r"needs about 4.3 GB, and 3.0 GB"):
        find_place(BILLION, exact=True)


def test_a_card_that_breaks_while_it_loads_gives_way_to_the_processor(computer: Computer) -> None:
    computer.cuda = computer.bf16 = True
    places = list[Place]()

    def load(place: Place) -> None:
        places.append(place)
        if place.on_card:
            raise CardFailure("The card crashed.", "Start again.")

    settle(load, BILLION)
    assert [place.device for place in places] == [CUDA, PROCESSOR]
    said = "PyTorch on the processor took over: The card crashed."
    assert str(places[-1].note) == said
    with pytest.raises(RuntimeFailure, match="Broken weights"):
        settle(lambda _place: fail(), BILLION, card=False)


def fail() -> None:
    raise RuntimeFailure("Broken weights.")


def test_a_processor_has_no_obstacle() -> None:
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        assert obstacle(PROCESSOR, dtype) is None
    assert obstacle(torch.device("meta"), torch.float32)  # it has no values


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_arrays_go_in_and_out_at_one_place(dtype: torch.dtype) -> None:
    place = Place(PROCESSOR, dtype)
    halves = np.array([[0.5, 1.25]], np.float32)[:, ::-1]
    tensor = place.tensor(halves)
    assert tensor.dtype == dtype
    back = place.array(tensor)
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, halves)
    assert place.tensor(np.arange(3)).dtype == torch.int64
    assert place.zeros(2, 0).dtype == dtype


def test_the_runtime_tells_device_and_precision() -> None:
    info = Place(CUDA, torch.bfloat16).info
    assert info == RuntimeInfo(RuntimeName.TORCH, "cuda", precision="bf16")
    assert info.on_card
    assert not Place(PROCESSOR, torch.float32).info.on_card


@pytest.mark.parametrize(
    ("error", "title"),
    [
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 ..."),
            "The graphics card has not enough free memory.",
        ),
        (
            RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
            "The graphics card has not enough free memory.",
        ),
        (
            torch.AcceleratorError("CUDA error: an illegal memory access was encountered"),
            "The graphics card failed (CUDA error 0).",
        ),
    ],
)
def test_what_pytorch_says_of_a_card_is_one_sentence(error: Exception, title: str) -> None:
    with pytest.raises(CardFailure) as caught, torch_failures(RUNNING, "Ask again."):
        raise error
    assert caught.value.title == title
    assert caught.value.__cause__ is error
