"""A transformers checkpoint's folder: its settings, and whether its weights are whole.

Only JSON, text and safetensors are read: nothing in the folder is run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.text import safe_name

CONFIG = "config.json"
TOKENIZER = "tokenizer.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"

_ANOTHER = "Download the model again, or choose another one."
_HEADER_LIMIT = 100_000_000  # bytes of a safetensors file's own header, by its specification


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """An opened folder: its JSON files read; mappings are empty where it has no such file.

    `chat_template` is the Jinja source that makes a prompt of messages. `processor` is
    processor_config.json, `image_processor` the settings of pictures from
    preprocessor_config.json or from within `processor`. `weights` are the safetensors files,
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
        """What to call the model: its folder's name, or the repository's in huggingface_hub's
        cache ("models--owner--name/snapshots/<commit>")."""
        path = self.path.absolute()
        if path.parent.name == "snapshots":
            return safe_name(path.parent.parent.name.rpartition("--")[2])
        return safe_name(path.name)

    def tokenizer(self) -> Tokenizer:
        """The fast tokenizer, without padding or truncation. Raises BundleError."""
        path = self.path / TOKENIZER
        if not path.is_file():
            raise BundleError("The model's {name} is missing.", _ANOTHER, name=TOKENIZER)
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises plain Exception
            raise BundleError("The model's tokenizer can't be read.", _ANOTHER) from error
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer


def is_checkpoint(path: Path) -> bool:
    """Whether a folder looks like a checkpoint, or like ONNX graphs beside its settings."""
    return (path / CONFIG).is_file()


def has_weights(path: Path) -> bool:
    return (path / WEIGHTS).is_file() or (path / INDEX).is_file()


def open_checkpoint(path: Path) -> Checkpoint:
    """Read a folder's settings and look at each of its safetensors files.

    Raises BundleError for whatever is missing, damaged or not to be trusted.
    """
    checkpoint = read_checkpoint(path)
    weights = weight_files(path)
    return replace(checkpoint, weights=weights, parameters=sum(map(_parameters, weights)))


def read_checkpoint(path: Path) -> Checkpoint:
    """As `open_checkpoint`, but the weights may lie elsewhere, or be ONNX graphs."""
    shown = safe_name(str(path))
    if not _is_folder(path):
        raise BundleError("There is no model folder {path}.", _ANOTHER, path=shown)
    if not is_checkpoint(path):
        title = "The folder {path} holds no model: {name} is missing."
        raise BundleError(title, _ANOTHER, path=shown, name=CONFIG)
    config = _read(path, CONFIG)
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or not model_type:
        raise BundleError("The model's {name} does not say its model_type.", _ANOTHER, name=CONFIG)
    processor = _read(path, "processor_config.json")
    tokenizer_config = _read(path, "tokenizer_config.json")
    nested = processor.get("image_processor")
    return Checkpoint(
        path=path,
        model_type=model_type,
        config=config,
        image_processor=_read(path, "preprocessor_config.json")
        or (nested if isinstance(nested, dict) else {}),
        processor=processor,
        generation=_read(path, "generation_config.json"),
        tokenizer_config=tokenizer_config,
        chat_template=_chat_template(path, processor, tokenizer_config),
    )


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a path that is too long, or behind a locked folder
        return False


def _chat_template(path: Path, *configs: Mapping[str, Any]) -> str | None:
    """As transformers looks for it: a file of its own, then within the other settings."""
    file = path / "chat_template.jinja"
    if file.is_file():
        return _text(file)
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
    if not isinstance(named, dict) or not named:
        title = "The model has no weights as safetensors: {name} is missing."
        hint = "Weights in other forms may run code of strangers, so they are never opened."
        raise BundleError(title, hint, name=WEIGHTS)
    shards = sorted({str(name) for name in named.values()})
    for name in shards:
        if name != Path(name).name or "\\" in name or name in ("", ".", ".."):
            title = "The model's {name} names files outside its folder."
            raise BundleError(title, _ANOTHER, name=INDEX)
        if not (path / name).is_file():
            raise BundleError("The model's {name} is missing.", _ANOTHER, name=safe_name(name))
    return tuple(path / name for name in shards)


def _parameters(file: Path) -> int:
    """How many numbers a safetensors file holds, which must reach as far as its header says.

    8 bytes give the header's length, little-endian; the header is JSON, in which each tensor
    has its `shape`, and its `data_offsets` in the bytes that follow (the safetensors format's
    specification).
    """
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(min(length, _HEADER_LIMIT)))
        tensors = [each for name, each in header.items() if name != "__metadata__"]
        expected = 8 + length + max((each["data_offsets"][1] for each in tensors), default=0)
        parameters = sum(math.prod(each["shape"]) for each in tensors)
        size = file.stat().st_size
    except OSError as error:
        raise _unreadable(file.name, error) from error
    except (ValueError, RecursionError, TypeError, LookupError, AttributeError) as error:
        title = "The model's {name} is damaged: it is no safetensors file."
        raise BundleError(title, _ANOTHER, name=safe_name(file.name)) from error
    if size != expected:
        title = "The model's file {name} is cut short or too long: {size} bytes, not {expected}."
        values = {"name": safe_name(file.name), "size": size, "expected": expected}
        raise BundleError(title, _ANOTHER, **values)
    return int(parameters)


def _read(path: Path, name: str) -> dict[str, Any]:
    """A JSON object of the folder; empty if there is no such file."""
    file = path / name
    if not file.is_file():
        return {}
    try:
        data = json.loads(_text(file))
    except (ValueError, RecursionError) as error:
        raise BundleError("The model's {name} is not JSON.", _ANOTHER, name=name) from error
    if not isinstance(data, dict):
        raise BundleError("The model's {name} is not a JSON object.", _ANOTHER, name=name)
    return data


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise _unreadable(file.name, error) from error
    except UnicodeDecodeError as error:
        raise BundleError("The model's {name} is not text.", _ANOTHER, name=file.name) from error


def _unreadable(name: str, error: OSError) -> BundleError:
    title = "The model's {name} can't be read ({reason})."
    return BundleError(title, _ANOTHER, name=safe_name(name), reason=error.strerror or str(error))
