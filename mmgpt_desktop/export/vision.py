"""The image encoder and projector of a checkpoint as one ONNX graph, through PyTorch's exporter.

Its inputs are what the family prepares of a photo (`ImageInputs`), its outputs the encoder's: for
most `image_features` float32 [token, width], what stands in the prompt for the photo.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.checkpoint_torch import load_model
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.engine.graphs.graph_file import forget_traces
from mmgpt_desktop.engine.image_encoder import ImageEncoder
from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.messages import Photo
from mmgpt_desktop.text import reason_of

OPSET = 20
_EXAMPLE_VIEWS = 3  # an example of one view would be exported as for one view only


def export_vision(checkpoint: Checkpoint, family: Family, path: Path) -> None:
    """Write the graph to `path`, and its weights beside it (`.data`), in float32.

    Raises RuntimeFailure where the exporter breaks, and where tensors are missing.
    """
    try:
        model = load_model(checkpoint, dtype=torch.float32)
        export_encoder(getattr(model, "model", model), type(family), _example(family), path)
    except RuntimeFailure:
        raise
    except Exception as error:  # the exporter's exceptions share no base but this
        title = "The image encoder could not be exported ({reason})."
        hint = "With PyTorch the model works as it is."
        raise RuntimeFailure(title, hint, reason=reason_of(error)) from error


def export_encoder(
    model: Any, family: type[Family], example: Mapping[str, NDArray[Any]], path: Path
) -> None:
    """Of a transformers model of that family, traced with a photo like `example`."""
    encoder: ImageEncoder = resolve_name(family.encoder)(model)
    axes = family.image_axes
    inputs = {name: _several(example[name], axis) for name, axis in axes.items()}
    _write(encoder.eval(), inputs, axes, path)


def _example(family: Family) -> Mapping[str, NDArray[Any]]:
    """What the family makes of a grey photo."""
    grey = np.full((64, 64, 3), 128, np.uint8)
    inputs = family.preprocess(Photo(grey, "grey", "grey"))
    return {**inputs.arrays, **inputs.for_graphs}


def _several(array: NDArray[Any], axis: int | None) -> Tensor:
    """With several views where there can be."""
    if axis is not None and array.shape[axis] == 1:
        array = np.repeat(array, _EXAMPLE_VIEWS, axis=axis)
    return torch.from_numpy(np.ascontiguousarray(array))


def _write(
    encoder: ImageEncoder, inputs: dict[str, Tensor], axes: Mapping[str, int | None], path: Path
) -> None:
    varying = {
        name: {} if axis is None else {axis: torch.export.Dim.DYNAMIC}
        for name, axis in axes.items()
    }
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's, about PyTorch's own insides
        program = torch.onnx.export(
            encoder,
            kwargs=inputs,
            input_names=list(inputs),
            output_names=list(encoder.outputs),
            dynamic_shapes=varying,
            opset_version=OPSET,
            dynamo=True,
            optimize=False,
            verbose=False,
        )
    assert program is not None
    program.save(path, external_data=True)
    graph = onnx.load(path, load_external_data=False)
    forget_traces(graph)
    onnx.save(graph, path)
