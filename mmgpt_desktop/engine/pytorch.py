"""Whether PyTorch is here (the light edition answers without it), and how its failures are told."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from mmgpt_desktop.engine.cuda_failures import torch_card_failure
from mmgpt_desktop.engine.folder.model_files import ANOTHER
from mmgpt_desktop.errors import AppError, Cancelled, RuntimeFailure
from mmgpt_desktop.text import reason_of, safe_name

LOADING = "PyTorch can't load the model ({reason})."
RUNNING = "PyTorch broke while it ran the model ({reason})."
_FIELD = re.compile(r"Validation error for field '(\w+)'")  # of transformers' configurations


def missing_torch() -> RuntimeFailure | None:
    """What to say where there is no PyTorch. Looks for it without the seconds of an import."""
    if importlib.util.find_spec("torch") is not None:
        return None
    return RuntimeFailure(
        "This needs PyTorch, which this light edition of the app doesn't carry.",
        "The full edition has it: install it from the source, as the README says.",
    )


def require_torch() -> None:
    """Raises RuntimeFailure where there is no PyTorch."""
    if (error := missing_torch()) is not None:
        raise error


def missing_diffusers() -> RuntimeFailure | None:
    """What to say where there is no diffusers, or no PyTorch for it."""
    if (error := missing_torch()) is not None:
        return error
    if importlib.util.find_spec("diffusers") is not None:
        return None
    title = "This model draws with the library diffusers, which is not installed."
    return RuntimeFailure(title, "Install it beside the app: pip install diffusers")


def require_diffusers() -> None:
    """Raises RuntimeFailure where one of them is missing."""
    if (error := missing_diffusers()) is not None:
        raise error


def require_whole(missing: Collection[str]) -> None:
    """Raises RuntimeFailure where weights lack these of a model that is to draw."""
    if missing:
        title = "The model's weights lack what draws; missing tensors: {count}, {name}."
        values = {"count": len(missing), "name": safe_name(min(missing))}
        raise RuntimeFailure(title, ANOTHER, **values)


@contextmanager
def torch_failures(title: str, hint: str) -> Iterator[None]:
    """What PyTorch raises in here becomes a RuntimeFailure, with `title` and `hint` where nothing
    better is known. It is a RuntimeError for nearly all."""
    try:
        yield
    except (AppError, Cancelled):
        raise
    except Exception as error:
        if (of_card := torch_card_failure(error)) is not None:
            raise of_card from error
        if field := _FIELD.search(str(error)):
            said = (
                "PyTorch can't load the model: its settings give {name} as something that can't be"
                " used."
            )
            raise RuntimeFailure(said, ANOTHER, name=safe_name(field[1])) from error
        if isinstance(error, IndexError) and "index out of range in self" in str(error):
            said = "The model's tokenizer writes tokens that its weights don't have."
            raise RuntimeFailure(said, ANOTHER) from error
        raise RuntimeFailure(title, hint, reason=reason_of(error)) from error
