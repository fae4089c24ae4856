"""The image encoder and projector of a checkpoint as one ONNX graph, through PyTorch's exporter.

Its input is `pixel_values` as the family prepares a photo, its output `image_features`
float32 [token, width]: what stands in the prompt for the photo.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from transformers import AutoModelForImageTextToText

from mmgpt_desktop.engine.checkpoint import Checkpoint
from mmgpt_desktop.engine.families.base import Family
from mmgpt_desktop.errors import BundleError, RuntimeFailure
from mmgpt_desktop.messages import Photo
from mmgpt_desktop.text import reason_of

PIXELS, FEATURES = "pixel_values", "image_features"
OPSET = 20
_LARGE = 1024  # values; smaller tensors keep their precision
_EXAMPLE_VIEWS = 3  # an example of one view would be exported as for one view only


class _Tower(nn.Module):
    """The model's own way from pixels to features."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor) -> Tensor:
        found = self.model.get_image_features(pixel_values=pixel_values).pooler_output
        features: Tensor = torch.cat(found) if isinstance(found, list | tuple) else found
        return features.flatten(0, -2)


class _Idefics3(nn.Module):
    """Views that are whole squares, as ours are: so nothing depends on where their padding is."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.vision, self.connector = model.vision_model, model.connector
        self.register_buffer("places", _places(self.vision.embeddings), persistent=False)

    def forward(self, pixel_values: Tensor) -> Tensor:
        embeddings = self.vision.embeddings
        patches = embeddings.patch_embedding(pixel_values[0]).flatten(2).mT  # (N, patch, width)
        states = patches + embeddings.position_embedding(self.places)
        states = self.vision.encoder(inputs_embeds=states, attention_mask=None).last_hidden_state
        features: Tensor = self.connector(self.vision.post_layernorm(states))
        return features.flatten(0, 1)


def _places(embeddings: Any) -> Tensor:
    """The position ids of a whole view, as the embeddings themselves make them."""
    caught = list[Tensor]()
    hook = embeddings.position_embedding.register_forward_pre_hook(
        lambda _module, arguments: caught.append(arguments[0])
    )
    side, patches = embeddings.image_size, embeddings.image_size // embeddings.patch_size
    with torch.inference_mode():
        seen = torch.ones(1, patches, patches, dtype=torch.bool)
        embeddings(torch.zeros(1, 3, side, side), seen)
    hook.remove()
    return caught[0].clone()


# For each model_type: what is exported, and the axis of the pixels that counts views, if any.
_ENCODERS: dict[str, tuple[Callable[[Any], nn.Module], int | None]] = {
    "gemma3": (_Tower, 0),
    "idefics3": (_Idefics3, 1),
    "internvl": (_Tower, 0),
    "llava": (_Tower, None),
    "paligemma": (_Tower, None),
    "smolvlm": (_Idefics3, 1),
}
EXPORTABLE = frozenset(_ENCODERS)
# Where PyTorch's exporter (2.13, transformers 5.23) stops, and what stops it: sizes that are
# computed from the photo's own shape.
_DEPENDENT = "Could not extract specialized integer from data-dependent expression"
_STOPPED = {
    "llava_onevision": f"{_DEPENDENT} u0",
    "qwen2_5_vl": f"{_DEPENDENT} u4",
    "qwen3_vl": "Could not guard on data-dependent expression Eq(u7, 0)",
}


def export_vision(checkpoint: Checkpoint, family: Family, path: Path) -> None:
    """Write the graph to `path`, and its weights beside it (`.data`), in float32.

    Raises BundleError for a family whose encoder can't be exported, RuntimeFailure where the
    exporter breaks.
    """
    if checkpoint.model_type not in _ENCODERS:
        title = "The image encoder of {family} models can't be exported yet ({reason})."
        hint = "These can: {known}. With PyTorch the model works as it is."
        kind, known = checkpoint.model_type, ", ".join(sorted(EXPORTABLE))
        reason = _STOPPED.get(kind, "nobody tried")
        raise BundleError(title, hint, family=kind, reason=reason, known=known)
    axis = _ENCODERS[checkpoint.model_type][1]
    try:
        model = AutoModelForImageTextToText.from_pretrained(
            checkpoint.path, dtype=torch.float32, use_safetensors=True, local_files_only=True
        ).eval()
        export_encoder(model.model, checkpoint.model_type, _example(family, axis), path)
    except Exception as error:  # the exporter's exceptions share no base but this
        title = "The image encoder could not be exported ({reason})."
        hint = "With PyTorch the model works as it is."
        raise RuntimeFailure(title, hint, reason=reason_of(error)) from error


def export_encoder(model: Any, kind: str, example: Tensor, path: Path) -> None:
    """Of a transformers model of that `model_type`, traced with pixels like `example`."""
    make, axis = _ENCODERS[kind]
    _write(make(model).eval(), example, axis, path)


def _example(family: Family, axis: int | None) -> Tensor:
    """A grey photo's pixels, with several views where there can be."""
    grey = np.full((64, 64, 3), 128, np.uint8)
    pixels = family.see(Photo(grey, "grey", "grey")).inputs[PIXELS]
    if axis is not None:
        pixels = np.repeat(pixels, _EXAMPLE_VIEWS, axis=axis)
    return torch.from_numpy(np.ascontiguousarray(pixels, np.float32))


def _write(module: nn.Module, example: Tensor, axis: int | None, path: Path) -> None:
    views = {} if axis is None else {axis: torch.export.Dim.DYNAMIC}
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's, about PyTorch's own insides
        program = torch.onnx.export(
            module,
            (example,),
            input_names=[PIXELS],
            output_names=[FEATURES],
            dynamic_shapes={PIXELS: views} if views else None,
            opset_version=OPSET,
            dynamo=True,
            optimize=False,
            verbose=False,
        )
    assert program is not None
    program.save(path, external_data=True)
    graph = onnx.load(path, load_external_data=False)
    for node in graph.graph.node:  # traces of where the exporter found it: longer than the graph
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    onnx.save(graph, path)


def halve(path: Path) -> None:
    """Store the weights as float16; ONNX Runtime widens them when it loads the graph."""
    model = onnx.load(path)
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < _LARGE:
            continue
        name, stored = tensor.name, f"{tensor.name}.float16"
        half = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(half, stored))
        casts.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    _save(model, path)


def _save(model: onnx.ModelProto, path: Path) -> None:
    """With all weights in one file beside the graph, made anew."""
    data = path.with_name(f"{path.name}.data")
    data.unlink(missing_ok=True)
    onnx.save(model, path, save_as_external_data=True, location=data.name, size_threshold=_LARGE)


def quantise(path: Path) -> None:
    """Matrices to int8 a row, and their inputs as they come (ONNX Runtime's dynamic kind)."""
    from onnxruntime.quantization import QuantType, quantize_dynamic  # type: ignore[import-untyped]

    quantize_dynamic(
        path,
        path,
        op_types_to_quantize=["MatMul"],
        per_channel=True,
        weight_type=QuantType.QInt8,
    )
    _save(onnx.load(path), path)
