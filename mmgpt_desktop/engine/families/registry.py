"""Which family reads which checkpoint, by the `model_type` of its config.json."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, cast

from mmgpt_desktop.errors import AppError, BundleError, Cancelled
from mmgpt_desktop.text import safe_name

if TYPE_CHECKING:  # which asks whether a family is known
    from mmgpt_desktop.engine.families.family import Family
    from mmgpt_desktop.engine.folder.checkpoint import Checkpoint

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


@contextmanager
def settings_used(checkpoint: Checkpoint) -> Iterator[None]:
    """A stranger's settings may hold anything: whatever they break in here is a BundleError."""
    try:
        yield
    except (AppError, Cancelled, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic in a Rust library is no Exception
        title = "The settings of this model ({family}) are damaged or don't fit together."
        hint = "Download the model again, or choose another one."
        raise BundleError(title, hint, family=safe_name(checkpoint.model_type)) from error


def family_of(checkpoint: Checkpoint) -> Family:
    """Raises BundleError where its files are missing or damaged."""
    require_known(checkpoint.model_type)
    if not checkpoint.image_processor:
        title = "The model's {name} is missing, which says how it wants its pictures."
        hint = "Download the model again, or copy that file from the model it was made of."
        raise BundleError(title, hint, name="preprocessor_config.json")
    module, _, name = FAMILIES[checkpoint.model_type].partition(":")
    family = getattr(import_module(module), name)
    with settings_used(checkpoint):
        return cast("Family", family(checkpoint))
