"""Whether PyTorch is here: the light edition of the app answers without it."""

from __future__ import annotations

import importlib.util

from mmgpt_desktop.errors import RuntimeFailure


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
