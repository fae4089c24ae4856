"""Which family reads which checkpoint, by the `model_type` of its config.json."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.text import safe_name

if TYPE_CHECKING:  # which asks whether a family is known
    from mmgpt_desktop.engine.checkpoint import Checkpoint
    from mmgpt_desktop.engine.families.base import Family

_HERE = "mmgpt_desktop.engine.families."

FAMILIES: dict[str, str] = {
    "gemma3": _HERE + "gemma3:Gemma3",
    "idefics": _HERE + "idefics:Idefics",
    "idefics3": _HERE + "idefics3:Idefics3",
    "internvl": _HERE + "internvl:InternVL",
    "kosmos-2": _HERE + "kosmos2:Kosmos2",
    "llava": _HERE + "llava:Llava",
    "llava_onevision": _HERE + "llava_onevision:LlavaOnevision",
    "paligemma": _HERE + "paligemma:PaliGemma",
    "qwen2_5_vl": _HERE + "qwen:Qwen",
    "qwen2_vl": _HERE + "qwen:Qwen",
    "qwen3_vl": _HERE + "qwen:Qwen",
    "smolvlm": _HERE + "idefics3:Idefics3",
}


def require_known(model_type: str) -> None:
    """Raises BundleError for an unknown family."""
    if model_type not in FAMILIES:
        title = "Models of the family {family} are not known here."
        known = ", ".join(sorted(FAMILIES))
        raise BundleError(title, "These are: {known}.", family=safe_name(model_type), known=known)


def family_of(checkpoint: Checkpoint) -> Family:
    """Raises BundleError where its files are missing or damaged."""
    require_known(checkpoint.model_type)
    module, _, name = FAMILIES[checkpoint.model_type].partition(":")
    return cast("Family", getattr(import_module(module), name)(checkpoint))
