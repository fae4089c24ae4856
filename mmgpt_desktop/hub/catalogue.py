"""The models that can be downloaded, as `resources/models.toml` lists them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mmgpt_desktop.decoding import DataDecoder
from mmgpt_desktop.engine.folder.model_files import is_plain_name
from mmgpt_desktop.resources import resource_path

# Whatever a repository holds: nothing that runs when it is opened (pickles, Python) is fetched.
_SAFE = (".safetensors", ".onnx", ".onnx_data", ".onnx.data", ".json", ".jinja", ".txt")
_BESIDE = ("*.json", "*.jinja", "*.txt")


@dataclass(frozen=True)
class CatalogueEntry:
    """A repository of a model hub. `gigabytes` is about what `weights` take, in 10^9 bytes.

    `gated` ones are handed out only to who accepted their owner's terms. What only draws is a
    pipeline of several models: `parts` are their folders.
    """

    repository: str
    name: str
    model_type: str
    licence: str
    gigabytes: float
    summary: str
    gated: bool = False
    weights: tuple[str, ...] = ("model*.safetensors",)
    parts: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Tells it from others of the catalogue, of the same repository too."""
        return self.repository if self.needs_torch else f"{self.repository}/onnx"

    @property
    def draws(self) -> bool:
        return bool(self.parts)

    @property
    def memory_gigabytes(self) -> float:
        """About what the loaded model takes: its weights, a picture and a conversation. Pipelines'
        weights are stored in half precision, and on the CPU they compute in float32."""
        return self.gigabytes * 2 + 1.7 if self.draws else self.gigabytes * 1.1 + 0.3

    @property
    def needs_torch(self) -> bool:
        """Whether its weights are a checkpoint, which ONNX Runtime can't open."""
        return any(pattern.endswith(".safetensors") for pattern in self.weights)

    def wants(self, path: str) -> bool:
        """Whether a repository's file is a part of this model."""
        if not path.endswith(_SAFE) or not all(map(is_plain_name, path.split("/"))):
            return False  # it might lead out of the model's folder, on Windows too
        folder, _, name = path.rpartition("/")
        beside = folder in ("", *self.parts) and any(fnmatchcase(name, each) for each in _BESIDE)
        return beside or self.holds_weights(path)

    def holds_weights(self, path: str) -> bool:
        return any(fnmatchcase(path, pattern) for pattern in self.weights)


@dataclass(frozen=True)
class _Catalogue:
    model: tuple[CatalogueEntry, ...]


def read_catalogue() -> tuple[CatalogueEntry, ...]:
    listed = tomllib.loads(resource_path("models.toml").read_text(encoding="utf-8"))
    catalogue: _Catalogue = DataDecoder(strict=True).decode(_Catalogue, listed)
    return catalogue.model
