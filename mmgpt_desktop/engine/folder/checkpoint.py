"""A transformers checkpoint's folder: its settings, and whether its weights are whole.

Only JSON, text and safetensors are read: nothing in the folder is run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from mmgpt_desktop.engine.families.registry import family_class
from mmgpt_desktop.engine.folder.layouts import is_graphs
from mmgpt_desktop.engine.folder.model_files import (
    ANOTHER,
    CONFIG,
    INDEX,
    TOKENIZER,
    WEIGHTS,
    is_plain_name,
    missing,
    model_name,
    read_object,
    read_text,
)
from mmgpt_desktop.engine.folder.recognise import (
    model_folder,
    refuse_adapter,
    refuse_other_kinds,
    refuse_text_alone,
)
from mmgpt_desktop.engine.folder.storage import refuse_packed
from mmgpt_desktop.engine.folder.tensor_files import TensorFile, read_header
from mmgpt_desktop.engine.folder.tokenizing import load_tokenizer
from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.text import safe_name


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """An opened folder: its JSON files read; mappings are empty where it has no such file.

    `chat_template` is the Jinja source that makes a prompt of messages. `processor` is
    processor_config.json, `image_processor` the settings of pictures from within `processor`
    or, where it has none, from preprocessor_config.json. `weights` are the safetensors files,
    which hold so many `parameters`; none if the folder was only read.
    """

    path: Path
    model_type: str
    config: Mapping[str, Any]
    image_processor: Mapping[str, Any]
    processor: Mapping[str, Any]
    generation: Mapping[str, Any]
    tokenizer_config: Mapping[str, Any]
    chat_template: str | None
    weights: tuple[Path, ...] = ()
    parameters: int = 0

    @property
    def name(self) -> str:
        return model_name(self.path)

    def tokenizer(self) -> Tokenizer:
        """The fast tokenizer, without padding or truncation. Raises BundleError."""
        return load_tokenizer(self.path / TOKENIZER)


def has_weights(path: Path) -> bool:
    return (path / WEIGHTS).is_file() or (path / INDEX).is_file()


def open_checkpoint(path: Path) -> Checkpoint:
    """Read a folder's settings and look at each of its safetensors files.

    Raises BundleError for whatever is missing, damaged, stored in a way that isn't known here,
    or not to be trusted.
    """
    checkpoint = read_checkpoint(path)
    family_class(checkpoint.model_type)  # which refuses what isn't known
    refuse_adapter(checkpoint.path)
    weights = weight_files(checkpoint.path)
    files = [read_header(file) for file in weights]
    refuse_packed(checkpoint.path, checkpoint.config, files)
    return replace(checkpoint, weights=weights, parameters=_parameters(files))


def read_checkpoint(path: Path) -> Checkpoint:
    """As `open_checkpoint`, but the weights may lie elsewhere, or be ONNX graphs."""
    path = model_folder(path)
    if not (path / CONFIG).is_file():
        title = "The folder {path} holds a model of the app's own kind, and no checkpoint."
        raise BundleError(title, "Choose a public model's folder.", path=safe_name(str(path)))
    config = _read(path, CONFIG)
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or not model_type:
        refuse_other_kinds(path)
        raise BundleError("The model's {name} does not say its model_type.", ANOTHER, name=CONFIG)
    if not has_weights(path) and not is_graphs(path):
        refuse_other_kinds(path)
    refuse_text_alone(model_type, config)
    processor = _read(path, "processor_config.json")
    tokenizer_config = _read(path, "tokenizer_config.json")
    return Checkpoint(
        path=path,
        model_type=model_type,
        config=config,
        image_processor=_image_processor(path, processor),
        processor=processor,
        generation=_read(path, "generation_config.json"),
        tokenizer_config=tokenizer_config,
        chat_template=_chat_template(path, processor, tokenizer_config),
    )


def _image_processor(path: Path, processor: Mapping[str, Any]) -> Mapping[str, Any]:
    """As transformers 5 chooses: what stands within processor_config.json goes first."""
    nested = processor.get("image_processor")
    return nested if isinstance(nested, dict) else _read(path, "preprocessor_config.json")


def _chat_template(path: Path, *configs: Mapping[str, Any]) -> str | None:
    """As transformers looks for it: a file of its own, then within the other settings."""
    file = path / "chat_template.jinja"
    if file.is_file():
        return read_text(file)
    for data in (_read(path, "chat_template.json"), *configs):
        template = data.get("chat_template")
        if isinstance(template, list):  # several, by name
            named = {each.get("name"): each for each in template if isinstance(each, dict)}
            template = named.get("default", {}).get("template")
        if isinstance(template, str):
            return template
    return None


def weight_files(path: Path) -> tuple[Path, ...]:
    """The safetensors files that the folder says it has; others may lie beside them.

    Raises BundleError.
    """
    if (path / WEIGHTS).is_file():
        return (path / WEIGHTS,)
    named = _read(path, INDEX).get("weight_map")
    if isinstance(named, dict) and not all(isinstance(name, str) for name in named.values()):
        raise BundleError("The model's {name} is damaged.", ANOTHER, name=INDEX)
    if not isinstance(named, dict) or not named:
        title = "The model has no weights as safetensors: {name} is missing."
        hint = "Weights in other forms may run code of strangers, so they are never opened."
        raise BundleError(title, hint, name=WEIGHTS)
    shards = sorted(set(named.values()))
    for name in shards:
        if not is_plain_name(name):
            title = "The model's {name} names files outside its folder."
            raise BundleError(title, ANOTHER, name=INDEX)
        if not (path / name).is_file():
            raise missing(name)
    return tuple(path / name for name in shards)


def _parameters(files: Sequence[TensorFile]) -> int:
    return sum(tensor.numbers for file in files for tensor in file.tensors.values())


def _read(path: Path, name: str) -> dict[str, Any]:
    """A JSON object of the folder; empty if there is no such file."""
    file = path / name
    return read_object(file) if file.is_file() else {}
