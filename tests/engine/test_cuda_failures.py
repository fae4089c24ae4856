"""What ONNX Runtime says of a card that failed, in sentences. The messages are its own, cut."""

from __future__ import annotations

import ctypes

import pytest

from mmgpt_desktop.engine.cuda_failures import card_failure, library_failure
from tests.not_none import not_none

CREATING = (
    "/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:154 std::conditional_t<THRW,"
    " void, onnxruntime::common::Status> onnxruntime::CudaCall(ERRTYPE, const char*, int) [with"
    " ERRTYPE = cudaError; bool THRW = true] CUDA failure {code}: of CUDA ; GPU=0 ; hostname=me ;"
    " file=/onnxruntime_src/cuda_execution_provider.cc ; line=355 ; expr=cudaSetDevice(0);"
)
RUNNING = (
    "[ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running MatMul node."
    " Status Message: {library} failure {code}: {name} ; GPU=0 ; hostname=me ; line=91"
)
NO_MEMORY = (
    "[ONNXRuntimeError] : 1 : FAIL : Exception during initialization: /onnxruntime_src/bfc_arena.cc"
    ":360 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*)"
    " Failed to allocate memory for requested buffer of size 1757184"
)
NO_CUDNN = (
    "[ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : Non-zero status code returned while running Conv"
    " node. Name:'conv' Status Message: cuDNN is unavailable or disabled for CUDA Execution"
    " Provider: dlopen failed for libcudnn.so: cannot open shared object file"
)


def said(message: str) -> str:
    return not_none(card_failure(RuntimeError(message))).title


@pytest.mark.parametrize(
    ("code", "title"),
    [
        (2, "The graphics card has not enough free memory."),
        (35, "The graphics card's driver is too old for CUDA 13."),
        (100, "CUDA has no graphics card to give (CUDA error 100)."),
        (209, "ONNX Runtime has no machine code for this graphics card."),
        (700, "The graphics card crashed at its work (CUDA error 700)."),
        (719, "The graphics card crashed at its work (CUDA error 719)."),
        (801, "The graphics card failed (CUDA error 801)."),
    ],
)
def test_errors_of_cuda_are_told_by_their_number(code: int, title: str) -> None:
    assert said(CREATING.format(code=code)) == title
    assert said(RUNNING.format(library="CUDA", code=code, name="an error")) == title
    failure = not_none(card_failure(RuntimeError(CREATING.format(code=code))))
    assert failure.hint
    assert "hostname" not in str(failure)


@pytest.mark.parametrize(
    ("message", "title"),
    [
        (NO_MEMORY, "The graphics card has not enough free memory."),
        (NO_CUDNN, "The graphics card can't be used without NVIDIA's cuDNN."),
        (
            RUNNING.format(library="CUBLAS", code=3, name="CUBLAS_STATUS_ALLOC_FAILED"),
            "The graphics card has not enough free memory.",
        ),
        (
            RUNNING.format(library="CUBLAS", code=13, name="CUBLAS_STATUS_EXECUTION_FAILED"),
            "The graphics card crashed at its work (CUBLAS error 13).",
        ),
        (  # 2 is no want of memory there
            RUNNING.format(library="CUDNN", code=2, name="CUDNN_STATUS_OTHER"),
            "The graphics card failed (CUDNN error 2).",
        ),
    ],
)
def test_other_libraries_are_told_by_their_words(message: str, title: str) -> None:
    assert said(message) == title


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("cudaErrorLaunchFailure", "The graphics card crashed at its work (CUDA error 719)."),
        ("cudaErrorMemoryAllocation", "The graphics card has not enough free memory."),
        ("cudaErrorNotSupported", "The graphics card failed (CUDA error NotSupported)."),
    ],
)
def test_errors_of_kernels_are_told_by_their_name(name: str, title: str) -> None:
    assert said(f"running Concat node. Status Message: CUDA error {name}:as text") == title


def test_what_is_no_failure_of_the_card_is_left_to_others() -> None:
    for message in ("Got invalid dimensions for input: pixel_values", "Load model failed: 35", ""):
        assert card_failure(RuntimeError(message)) is None


def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> None:
        if "blasLt" in name or "rand" in name:
            raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", load)
    failure = library_failure()
    assert failure.title == "The graphics card can't be used without NVIDIA's cuBLASLt, cuRAND."
    assert 'pip install "onnxruntime-gpu[cuda,cudnn]"' in failure.hint
    monkeypatch.setattr(ctypes, "CDLL", lambda name: None)
    assert library_failure().title.endswith("without NVIDIA's CUDA 13.")
