"""The driver's libraries are stand-ins: what the card is, and why it can't be used."""

from __future__ import annotations

import onnxruntime
import pytest

from mmgpt_desktop.engine.graphics_card import (
    OLDEST_CUDA,
    GraphicsCard,
    card_problem,
    find_card,
    free_memory,
)
from mmgpt_desktop.errors import CardFailure
from tests.card_libraries import Libraries, no_card
from tests.not_none import not_none


def problem(monkeypatch: pytest.MonkeyPatch, libraries: Libraries) -> CardFailure:
    libraries.use(monkeypatch)
    return not_none(card_problem())


def test_a_card_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    libraries = Libraries().use(monkeypatch)
    gigas = 8_000_000_000, 5_000_000_000
    assert find_card() == GraphicsCard("GeForce RTX 3070", (8, 6), *gigas, 13000)
    assert card_problem() is None
    libraries.free = 123
    assert free_memory() == 123, "it is asked each time"
    libraries.free = 90_000_000_000
    assert free_memory() == 8_000_000_000, "a slice has no more than it has"


def test_a_computer_without_a_card_is_an_ordinary_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for libraries in (no_card(), Libraries(codes={"cuInit": 100}), Libraries(seen=0)):
        libraries.use(monkeypatch)
        assert (find_card(), free_memory(), card_problem()) == (None, None, None)


def test_without_nvml_a_card_works_and_its_free_memory_is_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Libraries(absent=("libnvidia-ml.so.1", "nvml.dll")).use(monkeypatch)
    assert not_none(find_card()).free is None
    assert card_problem() is None
    for function in ("nvmlInit_v2", "nvmlDeviceGetMemoryInfo", "cuDeviceGetPCIBusId"):
        for code in (-1, 9):
            Libraries(codes={function: code}).use(monkeypatch)
            assert free_memory() is None


def test_an_old_driver_is_named_with_the_one_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    failure = problem(monkeypatch, Libraries(version=12080))
    assert failure.title == "The graphics card's driver is too old: it knows CUDA 12.8, not 13.0."
    assert failure.hint == "Install NVIDIA's driver 580 or newer."
    assert not_none(find_card()).driver == 12080


@pytest.mark.parametrize("capability", [(7, 5), (8, 0), (8, 7), (8, 9), (9, 0), (12, 0), (12, 1)])
def test_cards_that_the_machine_code_runs_on(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int]
) -> None:
    Libraries(capability=capability).use(monkeypatch)
    assert card_problem() is None


@pytest.mark.parametrize(
    ("capability", "said"),
    [
        ((6, 1), r"GeForce RTX 3070 is too old for ONNX Runtime \(.* 6\.1, and 7\.5 is needed\)"),
        ((7, 0), r"too old for ONNX Runtime \(compute capability 7\.0"),
        ((10, 0), r"no machine code for the graphics card .* \(compute capability 10\.0\)"),
        ((13, 0), r"no machine code for"),
    ],
)
def test_cards_without_machine_code(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], said: str
) -> None:
    with pytest.raises(CardFailure, match=said):
        raise problem(monkeypatch, Libraries(capability=capability))


def test_a_driver_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    failure = problem(monkeypatch, Libraries(codes={"cuInit": 999}))
    assert failure.title == "The graphics card's driver doesn't start (CUDA error 999)."
    assert find_card() is None
    failure = problem(monkeypatch, Libraries(codes={"cuInit": 803}))
    assert failure.hint == "Restart the computer."
    assert "doesn't start" in problem(monkeypatch, Libraries(codes={"cuInit": -1})).title


def test_a_card_that_is_hidden_is_not_one_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    failure = problem(monkeypatch, Libraries(codes={"cuInit": 100}))
    assert failure.title == "The graphics card is hidden from programs by CUDA_VISIBLE_DEVICES."
    for libraries in (
        Libraries(codes={"cuInit": 100}, there=0),
        Libraries(codes={"cuInit": 100, "nvmlInit_v2": 12}),
        no_card(),
    ):
        libraries.use(monkeypatch)
        assert card_problem() is None


def test_the_driver_asked_for_knows_the_cuda_that_onnx_runtime_was_built_with() -> None:
    """What pins a newer one is to look at OLDEST_CUDA, OLDEST_DRIVER and MACHINE_CODE."""
    built_with = onnxruntime.cuda_version
    assert built_with in ("", f"{OLDEST_CUDA / 1000:.1f}")
