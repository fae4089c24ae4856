"""The runtime of a public model: its family says which class runs it.

Importing one takes its library along, which is why families name them and import none.
"""

from __future__ import annotations

from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from mmgpt_desktop.engine.families.registry import family_class
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.engine.folder.layouts import GraphFiles
from mmgpt_desktop.messages import RuntimeName

if TYPE_CHECKING:
    from mmgpt_desktop.engine.checkpoint_onnx import CheckpointOnnx
    from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch


def checkpoint_torch(checkpoint: Checkpoint) -> CheckpointTorch:
    """For a checkpoint. Raises RuntimeFailure."""
    made: CheckpointTorch = resolve_name(family_class(checkpoint.model_type).torch_runtime)(
        checkpoint
    )
    return made


def checkpoint_onnx(
    checkpoint: Checkpoint,
    name: RuntimeName,
    *,
    files: GraphFiles | None = None,
    cache: Path | None = None,
) -> CheckpointOnnx:
    """For a folder of graphs. Options and errors as `CheckpointOnnx`."""
    kind = resolve_name(family_class(checkpoint.model_type).onnx_runtime)
    made: CheckpointOnnx = kind(checkpoint, name, files=files, cache=cache)
    return made
