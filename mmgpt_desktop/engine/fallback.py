"""What runtimes are called, and what is said when one takes over from another."""

from __future__ import annotations

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.messages import RuntimeInfo, RuntimeName
from mmgpt_desktop.note import NO_NOTE, Note

_LABELS = {
    RuntimeName.ONNX_CUDA: "ONNX Runtime on the graphics card",
    RuntimeName.ONNX_CPU: "ONNX Runtime",
    RuntimeName.TORCH: "PyTorch",
}


def runtime_label(info: RuntimeInfo) -> str:
    """What runs a model, in English."""
    if info.runtime is RuntimeName.TORCH and info.on_card:
        return "PyTorch on the graphics card"
    return _LABELS[info.runtime]


def fallback_note(name: RuntimeName, failure: AppError | None, *, left_card: bool) -> Note:
    """Why this runtime runs the model, if another failed; with `left_card` PyTorch itself did."""
    if failure is None:
        return NO_NOTE
    if name is RuntimeName.TORCH and left_card:
        return on_processor_instead(failure)
    return took_over(_LABELS[name], failure)


def took_over(what: str, failure: AppError) -> Note:
    """Instead of what failed."""
    return Note("{what} took over: {reason}", {"what": what, "reason": failure.note})


def on_processor_instead(failure: AppError) -> Note:
    """PyTorch, instead of itself on the graphics card."""
    return Note("PyTorch on the processor took over: {reason}", {"reason": failure.note})
