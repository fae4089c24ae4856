"""Which family reads which checkpoint, and what runs it: each class says so itself.

Every module of this folder is a family, or several of a kind. What a family needs of one runtime
alone stands in `runtimes/`, and is imported with that runtime: by name, since it takes a library
along.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mmgpt_desktop.engine.folder.model_files import ANOTHER
from mmgpt_desktop.errors import AppError, BundleError, Cancelled
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.text import safe_name

if TYPE_CHECKING:  # which asks whether a family is known
    from mmgpt_desktop.engine.chat.family import Family
    from mmgpt_desktop.engine.checkpoint_onnx import CheckpointOnnx
    from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
    from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
    from mmgpt_desktop.engine.folder.layouts import GraphFiles


@cache
def families() -> Mapping[str, type[Family]]:
    """All that are known, by the `model_type` of a checkpoint's config.json."""
    from mmgpt_desktop.engine import families as folder
    from mmgpt_desktop.engine.chat.family import Family

    modules = [each.name for each in pkgutil.iter_modules(folder.__path__) if not each.ispkg]
    return {
        model_type: kind
        for name in modules
        for kind in vars(import_module(f"{folder.__name__}.{name}")).values()
        if isinstance(kind, type) and issubclass(kind, Family)
        for model_type in vars(kind).get("model_types", ())
    }


def family_class(model_type: str) -> type[Family]:
    """Raises BundleError for an unknown family."""
    if (found := families().get(model_type)) is not None:
        return found
    title = "Models of the family {family} are not known here."
    known = ", ".join(sorted(families()))
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
        raise BundleError(title, ANOTHER, family=safe_name(checkpoint.model_type)) from error


def family_of(checkpoint: Checkpoint) -> Family:
    """Raises BundleError where its files are missing or damaged."""
    kind = family_class(checkpoint.model_type)
    if not checkpoint.image_processor:
        title = "The model's {name} is missing, which says how it wants its pictures."
        hint = "Download the model again, or copy that file from the model it was made of."
        raise BundleError(title, hint, name="preprocessor_config.json")
    with settings_used(checkpoint):
        return kind(checkpoint)


def checkpoint_torch(checkpoint: Checkpoint, *, card: bool = True) -> CheckpointTorch:
    """Its runtime in PyTorch; `card` and errors as `CheckpointTorch`."""
    kind = pkgutil.resolve_name(family_class(checkpoint.model_type).torch_runtime)
    made: CheckpointTorch = kind(checkpoint, card=card)
    return made


def checkpoint_onnx(
    checkpoint: Checkpoint,
    name: RuntimeName,
    *,
    files: GraphFiles | None = None,
    cache: Path | None = None,
) -> CheckpointOnnx:
    """The runtime of a folder of graphs. Options and errors as `CheckpointOnnx`."""
    kind = pkgutil.resolve_name(family_class(checkpoint.model_type).onnx_runtime)
    made: CheckpointOnnx = kind(checkpoint, name, files=files, cache=cache)
    return made
