"""Each way in which a graphics card can fail, with the true ONNX Runtime on a stub: the question in
hand is answered by the processor, with one outcome and one true sentence."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from mmgpt_desktop.export.export_folder import export
from mmgpt_desktop.export.linear import Precision
from tests.families.checkpoints import tiny_smolvlm
from tests.gpu.failing import CALLS
from tests.gpu.stub import build, run_on_stub
from tests.tiny_bundle import make_tiny_bundle

OLD_DRIVER = "The graphics card's driver is too old: it knows CUDA 12.8, not 13.0."
CRASHED = "The graphics card crashed at its work (CUDA error 719)."
FULL = "The graphics card has not enough free memory."
COMMON = [name for name in CALLS if name != "edges"]  # what every model has
DRIVERS = {  # how the driver's stub is set; what is said of it
    "well": ({}, None),
    "old driver": ({"STUB_DRIVER": "12080"}, OLD_DRIVER),
    "old card": ({"STUB_CAPABILITY": "61"}, "The graphics card Stub card is too old for ONNX"),
    "new card": ({"STUB_CAPABILITY": "100"}, "ONNX Runtime has no machine code for the graphics"),
    "sick": ({"STUB_INIT": "999"}, "The graphics card's driver doesn't start (CUDA error 999)."),
    "no card": ({"STUB_DEVICES": "0"}, ""),
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_tiny_bundle(tmp_path_factory.mktemp("failing") / "tiny"))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A public model, whose cache the card writes in place."""
    folder = tmp_path_factory.mktemp("exported")
    checkpoint = tiny_smolvlm(folder / "model", head_dim=16, kind="Idefics3")
    export(checkpoint, folder / "out", Precision.FP16, lambda *_: None)
    return str(folder / "out")


@pytest.fixture(scope="module")
def drivers(stub: Path, bundle: str) -> dict[str, Any]:
    settings = [each for each, _ in DRIVERS.values()]
    found = run_on_stub(stub, "tests.gpu.failing:drivers", bundle, settings)
    return dict(zip(DRIVERS, found, strict=True))


@pytest.fixture(scope="module")
def crashing(stub: Path, bundle: str) -> dict[str, Any]:
    found: dict[str, Any] = run_on_stub(stub, "tests.gpu.failing:crashing", bundle, list(CALLS))
    return found


@pytest.fixture(scope="module")
def crashing_export(stub: Path, exported: str) -> dict[str, Any]:
    found: dict[str, Any] = run_on_stub(stub, "tests.gpu.failing:crashing", exported, COMMON)
    return found


@pytest.fixture(scope="module")
def answering(stub: Path, bundle: str, exported: str) -> dict[str, Any]:
    models = {"bundle": bundle, "export": exported}
    return {
        name: run_on_stub(stub, "tests.gpu.failing:answering", folder)
        for name, folder in models.items()
    }


def check_fallback(found: dict[str, Any], reason: str) -> None:
    """The processor answers what was asked after loading; who wants to know is told why."""
    assert (found["runtime"], found["kind"]) == ("onnx-cpu", "done")
    assert found["steps"] > 1
    assert found["notes"] == [], "it was said when the model was loaded"
    assert found["forced"].startswith(reason)
    assert f"  {found['forced'] if reason else 'No NVIDIA'}" in found["doctor"]
    if reason:
        assert found["note"].startswith(f"ONNX Runtime took over: {reason}")
    else:
        assert found["note"] == "", "that is an ordinary computer"


def test_a_card_that_is_well_answers(drivers: dict[str, Any]) -> None:
    found = drivers["well"]
    assert (found["runtime"], found["note"], found["kind"]) == ("onnx-cuda", "", "done")
    assert "forced" not in found
    assert "Graphics card: Stub card, " in found["doctor"]


@pytest.mark.parametrize("case", [case for case in DRIVERS if case != "well"])
def test_what_the_driver_says_is_said(drivers: dict[str, Any], case: str) -> None:
    reason = DRIVERS[case][1]
    assert reason is not None
    check_fallback(drivers[case], reason)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (35, "The graphics card's driver is too old for CUDA 13."),
        (100, "CUDA has no graphics card to give (CUDA error 100)."),
        (209, "ONNX Runtime has no machine code for this graphics card."),
    ],
)
def test_what_cuda_says_is_said_where_the_driver_said_nothing(
    stub: Path, bundle: str, code: int, reason: str
) -> None:
    found = run_on_stub(stub, "tests.gpu.failing:loading", bundle, STUB_SET_DEVICE=str(code))
    check_fallback(found, reason)


def test_too_little_memory_for_the_model(stub: Path, bundle: str) -> None:
    found = run_on_stub(stub, "tests.gpu.failing:loading", bundle, STUB_MEMORY="60000")
    check_fallback(found, FULL)


@pytest.mark.parametrize(
    ("library", "reason"),
    [
        ("libcuda.so.1", ""),
        ("libcublasLt.so.13", "The graphics card can't be used without NVIDIA's cuBLASLt."),
        ("libcudnn.so.9", "The graphics card can't be used without NVIDIA's cuDNN."),
    ],
)
def test_a_library_that_is_missing(
    stub: Path, tmp_path: Path, bundle: str, library: str, reason: str
) -> None:
    if _has(library):
        pytest.skip("this computer has NVIDIA's own")
    lacking = build(tmp_path / "lacking", without=[library])
    check_fallback(run_on_stub(lacking, "tests.gpu.failing:loading", bundle), reason)


def _has(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def moments(calls: Iterable[str]) -> list[str]:
    return [f"{call} {later}" for call in calls for later in (0, 1)]


def check_crash(found: dict[str, Any]) -> None:
    assert found["same"], "as by the processor alone"
    assert found["runtime"] == "onnx-cpu"
    assert found["note"] == f"ONNX Runtime took over: {CRASHED}"


@pytest.mark.parametrize("moment", moments(CALLS))
def test_a_crash_in_a_call_has_it_done_again(crashing: dict[str, Any], moment: str) -> None:
    check_crash(crashing[moment])


@pytest.mark.parametrize("moment", moments(COMMON))
def test_so_it_is_with_a_public_model(crashing_export: dict[str, Any], moment: str) -> None:
    check_crash(crashing_export[moment])


@pytest.mark.parametrize("model", ["bundle", "export"])
@pytest.mark.parametrize(
    ("moment", "reason"),
    [("crash", CRASHED), ("crash later", CRASHED), ("full", FULL), ("full later", FULL)],
)
def test_an_answer_goes_on(answering: dict[str, Any], model: str, moment: str, reason: str) -> None:
    found, note = answering[model][moment], f"ONNX Runtime took over: {reason}"
    assert (found["kind"], found["error"], found["notes"]) == ("done", "", [note])
    assert found["steps"] > 1
    assert (found["runtime"], found["note"]) == ("onnx-cpu", note)
