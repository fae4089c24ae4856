"""Reads the tensors of a checkpoint's safetensors files, one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.folder.tensor_files import read_header
from mmgpt_desktop.errors import BundleError

_BF16 = "BF16"
_TYPES = {"F32": np.float32, "F16": np.float16, _BF16: np.uint16, "F64": np.float64}


class SafetensorsWeights(Mapping[str, NDArray[np.float32]]):
    """All floating tensors in safetensors files, by name, as float32.

    Each is read from the disk when it is asked for and kept by nobody.
    Raises BundleError for a damaged file.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self._places = {
            name: (file, tensor)
            for file in files
            for name, tensor in read_header(file).tensors.items()
            if tensor.dtype in _TYPES
        }

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        file, tensor = self._places[name]
        kind = np.dtype(_TYPES[tensor.dtype])
        stored = np.fromfile(file, kind, tensor.numbers, offset=tensor.begin)
        if stored.size != tensor.numbers:  # it was cut since
            title = "The file {file} is damaged."
            raise BundleError(title, "Get the model anew.", file=file.name)
        if tensor.dtype == _BF16:  # the upper half of a float32
            stored = (stored.astype(np.uint32) << 16).view(np.float32)
        return np.asarray(stored.reshape(tensor.shape), np.float32)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class DecoderWeights:
    """A language model's tensors by the names of Llama's class, wherever they stand in a
    checkpoint ("model.text_model.layers.0...", "language_model.model.layers.0...").

    `names` are its own for parts of Llama's (`TextModel.tensors`).
    """

    def __init__(
        self, tensors: Mapping[str, NDArray[np.float32]], names: Mapping[str, str] | None = None
    ) -> None:
        self._tensors, self._names = tensors, names or {}
        ending = "embed_tokens.weight"
        found = [name.removesuffix(ending) for name in tensors if name.endswith(ending)]
        found = [
            prefix for prefix in found if prefix + "layers.0.self_attn.q_proj.weight" in tensors
        ]
        if not found:
            raise BundleError("There is no language model that is known among the weights.")
        self._prefix = min(found, key=len)

    def __contains__(self, name: str) -> bool:
        return self._stored(name) in self._tensors

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        return self._tensors[self._stored(name)]

    def _stored(self, name: str) -> str:
        return self._prefix + ".".join(self._names.get(part, part) for part in name.split("."))

    def table(self) -> NDArray[np.float32]:
        """Embeddings [vocabulary, width]."""
        return self._joined(f"{self._prefix}embed_tokens", "additional_embedding")

    def head(self) -> NDArray[np.float32]:
        """What makes logits, [vocabulary, width]: the embedding itself where there is none."""
        around = self._prefix.removesuffix("model.")
        for name in (f"{around}lm_head", "lm_head", "language_model.lm_head"):
            if f"{name}.weight" in self._tensors:
                return self._joined(name, "additional_fc")
        return self.table()

    def _joined(self, name: str, added: str) -> NDArray[np.float32]:
        """A matrix, with the rows of those tokens that Idefics adds."""
        whole, more = self._tensors[f"{name}.weight"], f"{name}.{added}.weight"
        return np.concatenate([whole, self._tensors[more]]) if more in self._tensors else whole
