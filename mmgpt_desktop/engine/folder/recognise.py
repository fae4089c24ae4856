"""What people choose as a model: the folder that is meant, or what it is instead.

Only names are looked at, and a few settings: nothing is opened, and nothing is run.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import count, islice
from pathlib import Path
from typing import Any

from mmgpt_desktop.engine.folder.model_files import (
    ANOTHER,
    CONFIG,
    MANIFEST,
    PIPELINE,
    read_object,
    read_text,
)
from mmgpt_desktop.errors import BundleError, DrawsOnly
from mmgpt_desktop.text import reason_of, safe_name

PUBLIC = "public"  # the "kind" in the manifest of an export

_LOOKED_AT = 2000  # names of a folder: it may be anybody's disk
_INNER = 20  # folders of a folder
_VISITED, _DEPTH = 300, 4  # folders that are searched for models, and how deep
_NAMED = 6  # models in a sentence
_CACHED = ("snapshots", "blobs", "refs")  # within a repository of the hub's cache

# What other programs' models are known by, the surest first.
_PROGRAMS = (
    ("ONNX Runtime GenAI", ("genai_config.json",)),
    ("llama.cpp (GGUF)", ("*.gguf", "*.ggml", "ggml-*.bin", "*.llamafile")),
    ("OpenVINO", ("openvino_*.xml", "openvino_*.bin", "*.xml+*.bin")),
    ("Core ML", ("*.mlmodel", "*.mlpackage", "*.mlmodelc")),
    ("LiteRT (TensorFlow Lite)", ("*.tflite", "*.litertlm", "*.task")),
    ("MLC", ("mlc-chat-config.json", "ndarray-cache.json", "tensor-cache.json",
             "params_shard_*.bin")),
    ("ExecuTorch", ("*.pte",)),
    ("MNN", ("*.mnn",)),
    ("ncnn", ("*.ncnn.param", "*.ncnn.bin")),
    ("TensorRT", ("*.engine", "*.plan", "rank0.engine")),
    ("RKNN", ("*.rknn", "*.rkllm")),
    ("ExLlamaV2", ("cal_data.safetensors",)),
    ("TensorFlow or Keras", ("saved_model.pb", "*.h5", "*.keras")),
    ("JAX (Flax)", ("flax_model*.msgpack",)),
    ("PaddlePaddle", ("*.pdparams", "*.pdmodel")),
    ("NeMo", ("*.nemo",)),
    ("Ollama", ("sha256-*", "Modelfile")),
)  # fmt: skip
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle", "*.mar")
_ADAPTERS = ("adapter_model.safetensors", "*lora*.safetensors")  # without what describes them
_UNMERGED = (  # these have no numbers for a model's own weights
    *("PREFIX_TUNING", "PROMPT_TUNING", "MULTITASK_PROMPT_TUNING", "P_TUNING"),
    *("ADAPTION_PROMPT", "CPT"),
)
_PACKED = ("*.zip", "*.tar", "*.tar.*", "*.tgz", "*.7z", "*.rar", "*.gz", "*.zst", "*.xz")
_UNFINISHED = ("*.incomplete", "*.crdownload", "*.part", "*.aria2", "*.download", "*.!qB")
_TEXT_ALONE = (
    "bert bloom cohere cohere2 deepseek_v2 deepseek_v3 ernie4_5 falcon gemma gemma2 gemma3_text glm"
    " glm4 gpt2 gpt_neo gpt_neox gpt_oss gptj granite internlm2 llama mamba mistral mixtral mpt"
    " olmo olmo2 opt phi phi3 qwen qwen2 qwen2_moe qwen3 qwen3_moe roberta smollm3 stablelm"
    " starcoder2 t5 xlm-roberta"
)  # families, apart from those that say it themselves
_WRITES_TEXT = re.compile(
    r".*For(CausalLM|MaskedLM|Seq2SeqLM|SequenceClassification|TokenClassification)"
    r"|.*(LMHeadModel|BertModel|RobertaModel)"
)


def model_folder(path: Path) -> Path:
    """The folder of the model that the user means: `path`, or the one within it.

    Of a repository in the hub's cache it is the snapshot that its refs name. Raises BundleError,
    which says what lies there where that is no model that can be opened.
    """
    shown = safe_name(str(path))
    try:
        if path.is_file():
            raise _single_file(path)
        if not path.is_dir():
            raise BundleError("There is no model folder {path}.", ANOTHER, path=shown)
        if path.name in _CACHED and (path.parent / "snapshots").is_dir():
            path = path.parent
        if _is_cached(path):
            return _snapshot(path)
        if _is_model(path):
            return path
        return _within(path)
    except PermissionError as error:
        title = "The folder {path} can't be looked at ({reason})."
        raise BundleError(title, ANOTHER, path=shown, reason=reason_of(error)) from error
    except (OSError, ValueError) as error:  # no such name can be
        raise BundleError("There is no model folder {path}.", ANOTHER, path=shown) from error


def manifest_kind(folder: Path) -> str | None:
    """What a manifest of ours says the folder is: "bundle" or `PUBLIC`; None without one, and for
    a stranger's manifest.json. One that can't be read is a bundle's, where it stands alone."""
    if not (folder / MANIFEST).is_file():
        return None
    try:
        data = json.loads(read_text(folder / MANIFEST))
    except (BundleError, ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        if _bundled(folder) and not (folder / CONFIG).is_file():
            return "bundle"
        return PUBLIC if _first(_names(folder), ("decoder.onnx",)) else None
    if data.get("kind") == PUBLIC:
        return PUBLIC
    if {"family", "fusions"} <= data.keys() or _bundled(folder):
        return "bundle"
    return PUBLIC if "kind" not in data and _lists_files(data) else None


def refuse_other_kinds(folder: Path) -> None:
    """Raises BundleError where a folder's names, or its settings, say what else it holds than
    weights as safetensors or graphs that are known here."""
    names = _names(folder)
    refuse_adapter(folder)
    if PIPELINE in names:
        title = "The folder {path} holds a diffusers model, which makes pictures out of words."
        hint = "Choose a model that answers questions about pictures."
        draws = DrawsOnly(title, hint, path=_shown(folder))
        draws.folder = folder
        raise draws
    if "config_sentence_transformers.json" in names or "modules.json" in names:
        title = "The folder {path} holds a sentence-transformers model, which only compares texts."
        hint = "Choose a model that answers questions about pictures."
        raise BundleError(title, hint, path=_shown(folder))
    programs = map(_program, ([folder.name], names, *_names_within(folder)))
    if program := next(filter(None, programs), None):
        title = "The folder {path} holds a model for {program}, which can't be opened here."
        hint = "Choose the same model as safetensors, or as ONNX graphs."
        raise BundleError(title, hint, path=_shown(folder), program=program)
    if name := _first(names, _UNFINISHED):
        title = "The download of {name} has not ended: the model is not whole."
        raise BundleError(title, "Let it end, or start it again.", name=safe_name(name))
    if name := _first(names, _PICKLED):
        title = (
            "The model has no weights as safetensors, only {name}, which may run a stranger's code:"
            " it is never opened."
        )
        hint = "Choose the same model with its weights as safetensors."
        raise BundleError(title, hint, name=safe_name(name))


def refuse_adapter(folder: Path) -> None:
    """Raises BundleError where a folder holds what a model learnt, and not the model: with its
    weights beside it too, since transformers would look for the other model then."""
    if not (folder / "adapter_config.json").is_file():
        return
    settings = read_object(folder / "adapter_config.json")
    base, kind = settings.get("base_model_name_or_path"), settings.get("peft_type")
    kind = {"LORA": "LoRA", None: "LoRA"}.get(kind if isinstance(kind, str | None) else "?", kind)
    named = safe_name(base) if isinstance(base, str) and base else "another model"
    raise _adapter(folder, str(kind), named)


def _adapter(folder: Path, kind: str, base: str) -> BundleError:
    title = "The folder {path} holds an adapter ({kind}) for {base}, and not the whole model."
    hint = "Merge both into one model (PEFT's merge_and_unload), and choose that one's folder."
    if kind in _UNMERGED:
        hint = "Choose a whole model's folder."
    return BundleError(title, hint, path=_shown(folder), kind=safe_name(kind), base=base)


def refuse_text_alone(family: str, config: dict[str, Any]) -> None:
    """Raises BundleError for a model that has no eyes, as far as its config.json tells."""
    if any("vision" in key or "image" in key for key in config):
        return
    named = config.get("architectures")
    kinds = [each for each in named if isinstance(each, str)] if isinstance(named, list) else []
    if family in _TEXT_ALONE.split() or any(map(_WRITES_TEXT.fullmatch, kinds)):
        title = "The model (of the family {family}) reads text alone: it can't look at pictures."
        hint = "Choose a model that answers questions about pictures."
        raise BundleError(title, hint, family=safe_name(family))


def _is_model(path: Path) -> bool:
    """Whether a folder looks like a model that may be opened."""
    return manifest_kind(path) is not None or (path / CONFIG).is_file()


def _lists_files(data: dict[str, Any]) -> bool:
    """Whether a manifest without a kind has the numbers of ours."""
    files = data.get("files", {})
    entries = files.values() if isinstance(files, dict) else [None]
    sized = all(isinstance(each, dict) and "bytes" in each for each in entries)
    return sized and type(data.get("format")) is int


def _bundled(folder: Path) -> bool:
    """Whether the files are those of the app's own kind of model."""
    names = _names(folder)
    return "tokenizer.json" in names and bool(_first(names, ("decoder.*.onnx",)))


def _is_cached(path: Path) -> bool:
    """A repository of the hub's cache."""
    return (path / "snapshots").is_dir() and path.name.count("--") > 0


def _snapshot(root: Path) -> Path:
    """The snapshot of the main branch, or else of another, or else the latest."""
    kind, _, name = root.name.partition("--")
    shown = safe_name(name.replace("--", "/"))
    if kind == "datasets":
        title = "{name} is a data set of the hub, and no model."
        raise BundleError(title, "Choose a model's folder.", name=shown)
    if kind == "spaces":
        title = "{name} is a program of the hub (a Space), and no model."
        raise BundleError(title, "Choose a model's folder.", name=shown)
    found = [each for each in _folders(root / "snapshots") if _names(each)]
    named = [_commit(root / "refs" / "main"), *map(_commit, sorted((root / "refs").rglob("*")))]
    order = {commit: index for index, commit in reversed(list(enumerate(filter(None, named))))}
    found.sort(key=lambda each: (order.get(each.name, len(order)), -each.stat().st_mtime))
    for each in found:
        if _is_model(each):
            return each
    if found:
        return _within(found[0])
    title = "The download of {name} has not ended: the model is not whole."
    raise BundleError(title, "Let it end, or start it again.", name=shown)


def _commit(ref: Path) -> str:
    try:
        return read_text(ref, 200).strip() if ref.is_file() else ""
    except BundleError:
        return ""


def _within(path: Path) -> Path:
    """The only model in a folder that is none. Raises BundleError."""
    names = _names(path)
    if "adapter_config.json" not in names and PIPELINE not in names:
        found = _models_within(path)
        if len(found) == 1:
            return found[0]
        if found:
            title = "The folder {path} holds several models: {names}."
            listed = ", ".join(safe_name(_called(each)) for each in found[:_NAMED])
            more = ", …" if len(found) > _NAMED else ""
            hint = "Choose the folder of one of them."
            raise BundleError(title, hint, path=_shown(path), names=listed + more)
    raise _no_model(path, names)


def _models_within(path: Path) -> list[Path]:
    """Folders with a model each, the nearest first."""
    found, waiting = list[Path](), [(each, 1) for each in _folders(path)]
    for folder, depth in islice(_growing(waiting), _VISITED):
        # A data set, a download that has not ended, or a folder of another user.
        with contextlib.suppress(BundleError, OSError):
            if _is_cached(folder):
                found.append(_snapshot(folder))
            elif _says_model(folder):
                found.append(folder)
            elif depth < _DEPTH:
                waiting += [(each, depth + 1) for each in _folders(folder)]
    return found


def _growing(items: list[tuple[Path, int]]) -> Iterator[tuple[Path, int]]:
    """The items of a list that grows meanwhile."""
    for index in count():
        if index == len(items):
            return
        yield items[index]


def _says_model(folder: Path) -> bool:
    """As `_is_model`, among folders that nobody chose: many programs have a config.json."""
    if manifest_kind(folder) is not None:
        return True
    try:
        return "model_type" in read_object(folder / CONFIG)
    except BundleError:
        return False


def _no_model(path: Path, names: Sequence[str]) -> BundleError:
    shown = _shown(path)
    try:
        refuse_other_kinds(path)
    except BundleError as error:
        return error
    if not names:
        return BundleError("The folder {path} is empty: it holds no model.", ANOTHER, path=shown)
    if path.name.startswith(("datasets--", "spaces--")) or "dataset_infos.json" in names:
        title = "The folder {path} holds a data set or a program of the hub, and no model."
        return BundleError(title, "Choose a model's folder.", path=shown)
    if name := _first(names, _PACKED):
        title = "The folder {path} holds no model that is unpacked, only {name}."
        hint = "Unpack it, then choose the folder that it gives."
        return BundleError(title, hint, path=shown, name=safe_name(name))
    if _first(names, _ADAPTERS):
        return _adapter(path, "LoRA", "another model")
    if name := _first(names, ("*.safetensors", "*.onnx")):
        title = "The folder {path} holds no model: {config} is missing beside its weights ({name})."
        hint = "Put the model's other files beside it, or download the whole model."
        return BundleError(title, hint, path=shown, name=safe_name(name), config=CONFIG)
    title = "The folder {path} holds no model: {name} is missing."
    hint = "A model's folder has config.json, tokenizer.json, and weights or graphs beside them."
    return BundleError(title, hint, path=shown, name=CONFIG)


def _single_file(path: Path) -> BundleError:
    name = safe_name(path.name)
    lower = path.name.lower()
    if _first([lower], _PACKED):
        title = "{name} is a packed file, and a model is a folder."
        return BundleError(title, "Unpack it, then choose the folder that it gives.", name=name)
    if (program := _program([path.name])) is not None:
        title = "{name} is a model for {program}, which can't be opened here."
        hint = "Choose the same model as safetensors, or as ONNX graphs."
        return BundleError(title, hint, name=name, program=program)
    if _first([lower], _PICKLED):
        title = "{name} may run a stranger's code when it is opened, so it never is."
        hint = "Choose the same model with its weights as safetensors."
        return BundleError(title, hint, name=name)
    title = "There is no model folder {path}: it is a single file."
    hint = "Choose the folder that it lies in, with all the model's files."
    return BundleError(title, hint, path=_shown(path))


def _program(names: Sequence[str]) -> str | None:
    """Whose models have such files."""
    for program, patterns in _PROGRAMS:
        for pattern in patterns:
            if all(_first(names, (part,)) for part in pattern.split("+")):
                return program
    return None


def _names_within(folder: Path) -> Iterator[list[str]]:
    """The names in each of a folder's folders, and in theirs."""
    inner = _folders(folder)[:_INNER]
    yield from map(_names, inner)
    yield from (_names(below) for each in inner for below in _folders(each)[:_INNER])


def _first(names: Sequence[str], patterns: Sequence[str]) -> str | None:
    """Of names, in the order of the patterns."""
    matched = (name for pattern in patterns for name in names if fnmatchcase(name, pattern))
    return next(matched, None)


def _names(folder: Path) -> list[str]:
    """The names in a folder that has not too many; hidden ones and papers don't count."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in islice(entries, _LOOKED_AT))
    except OSError:
        return []
    return [name for name in names if not name.startswith(".")]


def _folders(folder: Path) -> list[Path]:
    return [path for name in _names(folder) if (path := folder / name).is_dir()]


def _called(folder: Path) -> str:
    """A repository's name, where it is in the hub's cache."""
    if folder.parent.name == "snapshots":
        return folder.parent.parent.name.partition("--")[2].replace("--", "/")
    return folder.name


def _shown(path: Path) -> str:
    return safe_name(str(path))
