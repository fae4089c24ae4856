"""How a checkpoint's numbers are stored: those that were packed to fewer bits can't be opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmgpt_desktop.engine.folder.model_files import read_object
from mmgpt_desktop.engine.folder.tensor_files import TensorFile
from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.text import safe_name

_MLX = "MLX"
_NAMES = {  # as people call what transformers calls so
    "aqlm": "AQLM",
    "auto-round": "AutoRound",
    "awq": "AWQ",
    "bitnet": "BitNet",
    "eetq": "EETQ",
    "exl2": "EXL2",
    "exl3": "EXL3",
    "fbgemm_fp8": "FP8 (FBGEMM)",
    "fp8": "FP8",
    "gptq": "GPTQ",
    "higgs": "HIGGS",
    "hqq": "HQQ",
    "mlx": _MLX,
    "mxfp4": "MXFP4",
    "mxfp8": "MXFP8",
    "nvfp4": "NVFP4",
    "quanto": "Quanto",
    "spqr": "SpQR",
    "vptq": "VPTQ",
}
_BESIDE = {  # settings of their own, which older files have instead
    "quantize_config.json": "GPTQ",
    "quant_config.json": "AWQ",
    "hf_quant_config.json": "NVIDIA ModelOpt",
}
_TENSORS = (  # endings that tell, in order
    (".SCB", "bitsandbytes"),
    (".absmax", "bitsandbytes"),
    (".weight_packed", "compressed-tensors"),
    (".W_q", "HQQ"),
    (".qzeros", "GPTQ or AWQ"),
    (".qweight", "GPTQ or AWQ"),
    (".weight_scale_inv", "FP8"),
    (".weight_scale", "FP8"),
    (".weight._data", "Quanto"),
)


def refuse_packed(folder: Path, config: Mapping[str, Any], files: Sequence[TensorFile]) -> None:
    """Raises BundleError for weights in fewer bits than any runtime here reads."""
    found = _said(config) or _beside(folder) or _seen(files)
    if found is None:
        return
    kind, bits = found
    hint = "Choose the model that it was made of, with its whole weights, or ONNX graphs of it."
    if bits:
        title = (
            "The model's weights are stored in {bits} bits each ({kind}), which can't be opened"
            " here."
        )
        raise BundleError(title, hint, bits=bits, kind=safe_name(kind))
    title = "The model's weights are stored in fewer bits ({kind}), which can't be opened here."
    raise BundleError(title, hint, kind=safe_name(kind))


def _said(config: Mapping[str, Any]) -> tuple[str, int | None] | None:
    """What config.json says, of the whole model or a part: the way, and bits."""
    parts = [config, *(part for part in config.values() if isinstance(part, dict))]
    for part in parts:
        for key in ("quantization_config", "quantization", "compression_config"):
            said = part.get(key)
            if isinstance(said, str) and said:
                said = {"quant_method": said}
            if isinstance(said, dict) and said:
                return _named(said), _bits(said)
    return None


def _named(said: Mapping[str, Any]) -> str:
    method = said.get("quant_method") or said.get("quant_library")
    if method is None and any(key.startswith("load_in_") for key in said):
        method = "bitsandbytes"
    if method is None and "group_size" in said:
        method = _MLX
    return _NAMES.get(str(method).lower(), str(method or "quantised"))


def _bits(said: Mapping[str, Any]) -> int | None:
    for key, bits in (("load_in_4bit", 4), ("load_in_8bit", 8)):
        if said.get(key) is True:
            return bits
    for key in ("bits", "w_bit", "nbits", "weight_bits"):
        if type(found := said.get(key)) is int and 0 < found <= 16:
            return found
    return None


def _beside(folder: Path) -> tuple[str, int | None] | None:
    for name, kind in _BESIDE.items():
        if (folder / name).is_file():
            return kind, _bits(read_object(folder / name))
    return None


def _seen(files: Iterable[TensorFile]) -> tuple[str, int | None] | None:
    """What the weights themselves show, where nobody says it."""
    for file in files:
        if file.metadata.get("format") == "mlx":
            return _MLX, None
        for ending, kind in _TENSORS:
            if any(name.endswith(ending) for name in file.tensors):
                return kind, None
    return None
