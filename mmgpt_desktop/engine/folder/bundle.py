"""A model's folder: its manifest, and whether its files are whole."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.folder.checksums import verify
from mmgpt_desktop.engine.folder.model_files import ANOTHER, is_plain_name, lies_inside, read_text
from mmgpt_desktop.errors import AppError, BundleError
from mmgpt_desktop.imaging.pixels import ImageSpec
from mmgpt_desktop.messages import FusionInfo, HeadChoice, Sampling
from mmgpt_desktop.resources import resource_path
from mmgpt_desktop.text import safe_name

FORMAT = 2
FAMILIES = ("mmgpt",)
TOKENIZER = "tokenizer.json"
WEIGHTS = "model.safetensors"

_REINSTALL = "Install the app again, or choose another model folder."

_HUGE = 1e15
_BOUNDS: dict[str, tuple[float, float]] = {  # by the name of a number in the manifest
    "layers": (1, 512),
    "heads": (1, 512),
    "head_dim": (1, 4096),
    "context_length": (1, 1 << 20),
    "vocabulary": (1, 1 << 22),
    "size": (1, 4096),
    "std": (1e-6, 1e6),
    "max_aspect": (1, 1e6),
    "rows": (1, 512),
    "columns": (1, 512),
    "image_layers": (1, 512),
    "max_new_tokens": (1, 1 << 20),
    "beams": (1, 64),
}

T = TypeVar("T")


@dataclass(frozen=True)
class FileEntry:
    sha256: str
    bytes: int


@dataclass(frozen=True)
class DecoderSizes:
    """Sizes of the decoder, the same for all fusions."""

    layers: int
    heads: int
    head_dim: int
    context_length: int
    vocabulary: int


@dataclass(frozen=True)
class SpecialTokens:
    pad: int
    user: int
    assistant: int
    end: int


@dataclass(frozen=True)
class FusionSpec:
    """A fusion's graphs, by file name; fusions may share one."""

    info: FusionInfo
    image_encoder: str
    decoder: str

    @property
    def tensors(self) -> int:
        """Image keys, values and attention: one for each image layer, and the copier's."""
        return self.info.image_layers + 1


@dataclass(frozen=True)
class Certainty:
    """How an answer's certainty comes from its tokens' probabilities, before which the logits
    are divided by `temperature`.

    The odds of the probabilities' geometric mean are taken to `power`, times `scale`: so that
    it is the chance to be right (Platt, 1999). A short answer whose certainty is below
    `doubt`, and a description below `doubt_long`, is in doubt.
    """

    temperature: float
    doubt: float
    doubt_long: float
    power: float = 1.0
    scale: float = 1.0

    def of(self, mean: float) -> float:
        """From the geometric mean, 0 to 1."""
        if not 0 < mean < 1:
            return mean
        odds = self.scale * math.pow(mean / (1 - mean), self.power)
        return 1 - 1 / (1 + odds)


@dataclass(frozen=True)
class Manifest:
    """`manifest.json`, checked. `image` has the grid of the default `fusion`; of `languages`
    there are none where nobody said which ones the model reads."""

    name: str
    family: str
    version: str
    description: str
    files: dict[str, FileEntry]
    image: ImageSpec
    decoder: DecoderSizes
    fusion: str
    fusions: dict[str, FusionSpec]
    special_tokens: SpecialTokens
    sampling: Sampling
    certainty: Certainty
    languages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bundle:
    """An opened folder; `open_bundle` made sure that its files exist at their full length."""

    path: Path
    manifest: Manifest

    def file(self, name: str) -> Path:
        return self.path / name

    def verify(self, progress: Callable[[float], None], cancel: CancelToken) -> None:
        """Compare every checksum; `progress` gets fractions. Raises BundleError, Cancelled."""
        sums = {name: entry.sha256 for name, entry in self.manifest.files.items()}
        with remedy_for(self.path):
            verify(self.path, sums, progress, cancel)


def open_bundle(path: Path) -> Bundle:
    """Read the manifest and look for each file; the checksums are `Bundle.verify`'s work."""
    with remedy_for(path):
        manifest = _manifest(_read_json(_folder(path) / "manifest.json"))
        for name, entry in manifest.files.items():
            _check_size(path / name, entry)
        return Bundle(path, manifest)


@contextmanager
def remedy_for(folder: Path) -> Iterator[None]:
    """Only what comes with the app is mended by installing it again: of another model the
    sentences say to get that one again."""
    try:
        yield
    except AppError as error:
        if error.hint_template.startswith("Install the app") and not ships(folder):
            error.hint_template = ANOTHER
        raise


def ships(folder: Path) -> bool:
    """Whether a model comes with the app, so that its files are as trusted as the app's."""
    try:
        return folder.resolve().is_relative_to(resource_path("models").resolve())
    except (OSError, ValueError):  # a name that can't be
        return False


def _folder(path: Path) -> Path:
    shown = safe_name(str(path))
    try:
        is_folder = path.is_dir()
    except OSError as error:  # a path that is too long, or behind a locked folder
        raise _unreadable(f"folder {shown}", error) from error
    if not is_folder:
        raise BundleError("There is no model folder {path}.", _REINSTALL, path=shown)
    return path


def _read_json(path: Path) -> dict[str, Any]:
    if not path.exists():
        title = "The folder {path} holds no model: manifest.json is missing."
        raise BundleError(title, _REINSTALL, path=safe_name(str(path.parent)))
    try:
        data = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise _bad_manifest("it is not JSON") from error
    if not isinstance(data, dict):
        raise _bad_manifest("it is not a JSON object")
    return data


def _check_size(path: Path, entry: FileEntry) -> None:
    if not lies_inside(path.name, path.parent):
        raise _bad_manifest("it names files outside its folder")
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        title = "The model's file {name} is missing."
        raise BundleError(title, _REINSTALL, name=path.name) from error
    except OSError as error:
        raise _unreadable(path.name, error) from error
    if not path.is_file() or size != entry.bytes:
        title = "The model's file {name} is cut short or too long: {size} bytes, not {expected}."
        values = {"name": path.name, "size": size, "expected": entry.bytes}
        raise BundleError(title, _REINSTALL, **values)


def _manifest(data: dict[str, Any]) -> Manifest:
    version = data.get("format")
    if type(version) is not int or version < 1:  # a JSON true would equal 1
        raise _bad_manifest("its format is unknown")
    if version > FORMAT:
        title = "This model was made for a newer version of MMGPT Desktop."
        raise BundleError(title, "Update the app, or choose another model folder.")
    if version < FORMAT:
        title = "This model was made for an older version of MMGPT Desktop."
        raise BundleError(title, _REINSTALL)
    family = _value(data, "family", str)
    if family not in FAMILIES:
        title = "This version of MMGPT Desktop can't run models of the family {family}."
        raise BundleError(title, "Update the app.", family=safe_name(family))
    decoder = _record(DecoderSizes, _value(data, "decoder", dict))
    files = _files(_value(data, "files", dict))
    fusions = _fusions(_value(data, "fusions", dict), decoder, files)
    fusion = _value(data, "fusion", str)
    if fusion not in fusions:
        raise _bad_manifest("its fusion is none of its fusions")
    grid = {"rows": fusions[fusion].info.rows, "columns": fusions[fusion].info.columns}
    return Manifest(
        name=_value(data, "name", str),
        family=family,
        version=_value(data, "version", str),
        description=_value(data, "description", str),
        files=files,
        image=_record(ImageSpec, {**_value(data, "image", dict), **grid}),
        decoder=decoder,
        fusion=fusion,
        fusions=fusions,
        special_tokens=_record(SpecialTokens, _value(data, "special_tokens", dict)),
        sampling=_record(Sampling, _value(data, "sampling", dict)),
        certainty=_certainty(_value(data, "certainty", dict)),
        languages=_languages(data.get("languages", [])),
    )


def _files(data: dict[str, Any]) -> dict[str, FileEntry]:
    if not all(map(is_plain_name, data)):
        raise _bad_manifest("it names files outside its folder")
    files = {name: _record(FileEntry, _value(data, name, dict)) for name in data}
    _check_listed((TOKENIZER, WEIGHTS), files)
    return files


def _check_listed(names: Iterable[str], files: dict[str, FileEntry]) -> None:
    for name in names:
        if name not in files:
            raise _bad_manifest(f"it does not list {safe_name(name)}")


def _fusions(
    data: dict[str, Any], decoder: DecoderSizes, files: dict[str, FileEntry]
) -> dict[str, FusionSpec]:
    fusions = {name: _fusion(name, _value(data, name, dict), decoder) for name in data}
    for spec in fusions.values():
        _check_listed((spec.image_encoder, spec.decoder), files)
    return fusions


def _fusion(name: str, data: dict[str, Any], decoder: DecoderSizes) -> FusionSpec:
    grid, layers = _value(data, "grid", dict), _value(data, "image_layers", int)
    heads = head_choice(_value(data, "attention", dict), layers, decoder.heads)
    rows, columns = _value(grid, "rows", int), _value(grid, "columns", int)
    return FusionSpec(
        FusionInfo(name, layers, decoder.heads, rows, columns, heads),
        _value(data, "image_encoder", str),
        _value(data, "decoder", str),
    )


def _languages(given: object) -> tuple[str, ...]:
    if isinstance(given, list) and all(isinstance(each, str) for each in given):
        return tuple(given)
    raise _bad_manifest("its languages are no list of names")


def _certainty(data: dict[str, Any]) -> Certainty:
    certainty = _record(Certainty, data)
    if not certainty.temperature > 0:  # NaN too
        raise _bad_manifest("its temperature is not above 0")
    return certainty


def head_choice(data: dict[str, Any], layers: int, heads: int) -> HeadChoice:
    """From a record of a model of that size. Raises BundleError."""
    chosen = _value(data, "heads", list)
    for pair in chosen:
        if not isinstance(pair, list) or [type(i) for i in pair] != [int, int]:
            raise _bad_manifest("a chosen head is not a pair of layer and head")
        if not (0 <= pair[0] < layers and 0 <= pair[1] < heads):
            raise _bad_manifest("it chooses a head that the model has not")
    return HeadChoice(tuple((layer, head) for layer, head in chosen), _value(data, "how", str))


def _record(kind: type[T], data: dict[str, Any]) -> T:
    """A dataclass of plain numbers and strings from a JSON object; unknown keys are let be."""
    hints = get_type_hints(kind)
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    given = {name: _value(data, name, hints[name]) for name in data if name in known}
    try:
        return kind(**given)
    except TypeError as error:
        raise _bad_manifest(f"a {kind.__name__} is not complete") from error


def _value(data: dict[str, Any], key: str, kind: type[T]) -> T:
    value = data.get(key)
    accepted = (int, float) if kind is float else (kind,)
    if isinstance(value, accepted) and not isinstance(value, bool):
        if kind in (int, float):
            _check_number(key, value)  # type: ignore[arg-type]
        return value  # type: ignore[return-value]
    raise _bad_manifest(f"{safe_name(key)} is missing or of the wrong kind")


def _check_number(key: str, value: float) -> None:
    """What a model of the size of this app's can have: a larger number would have no end."""
    least, most = _BOUNDS.get(key, (0, _HUGE))
    if value < 0:
        raise _bad_manifest(f"{safe_name(key)} is negative")
    if not least <= value <= most:  # NaN too
        raise _bad_manifest(f"{safe_name(key)} is not between {least:g} and {most:g}")


def _bad_manifest(reason: str) -> BundleError:
    title = "The model's manifest.json can't be used: {reason}."
    return BundleError(title, _REINSTALL, reason=reason)


def _unreadable(name: str, error: OSError) -> BundleError:
    title = "The model's {name} can't be read ({reason})."
    return BundleError(title, _REINSTALL, name=name, reason=error.strerror or str(error))
