"""Tokenizers from strangers' files. Whatever the library does, what comes out is an AppError.

A panic of the library, which is written in Rust, is no Exception; and some rules never end
(a replacement that grows, a regular expression with too many ways). So a tokenizer is tried
once in another process before it may work in ours.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE

from mmgpt_desktop.engine.folder.model_files import (
    ANOTHER,
    TOKENIZER,
    missing,
    read_object,
    read_text,
    refuse_stand_in_file,
    unreadable,
)
from mmgpt_desktop.engine.isolated import OutOfBounds, Refused, run
from mmgpt_desktop.errors import BundleError, PromptError
from mmgpt_desktop.resources import resource_path
from mmgpt_desktop.settings import cache_path

_FILE_LIMIT = 256 << 20  # bytes; the largest known has 35 MB
TRIAL_S, TRIAL_BYTES = 60.0, 4 << 30
_MOST_TOKENS = 64  # for a byte of the texts below
# Beside ordinary ones, long runs with another end: slow for a regular expression that can divide
# them in many ways.
_RUNS = "".join(f"{each * 40}!" for each in ("a", "A ", "0", " ", "\n", "\t", ".", "-", "é", "你"))
_TEXTS = (
    "Hello, world! What's this?",
    "你好世界。",
    "👩‍👩‍👧 a\u0301",
    bytes(range(32, 127)).decode(),
    _RUNS,
)

CLIP_START, CLIP_END = "<|startoftext|>", "<|endoftext|>"
_VOCABULARY, _MERGES = "vocab.json", "merges.txt"
_CLIP_WORDS = r"'(?:[stmd]|re|ve|ll)|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"  # endings, words, digits, marks

tried = set[str]()  # by this process


def load_tokenizer(path: Path, *, remember: bool = True) -> Tokenizer:
    """A fast tokenizer, without padding or truncation; that it works may be remembered beyond
    this process. Raises BundleError."""
    if not path.is_file():
        raise missing(path.name)
    refuse_stand_in_file(path)
    _require_tried(path, remember)
    with _failures(BundleError("The model's tokenizer can't be read.", ANOTHER)):
        tokenizer = Tokenizer.from_file(str(path))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer


def load_clip_tokenizer(folder: Path) -> Tokenizer:
    """CLIP's, lower-case byte pairs (Radford et al., 2021): tokenizer.json, or what older
    checkpoints have in its place, the pairs alone, which need no trial. Raises BundleError."""
    if (folder / TOKENIZER).is_file():
        return load_tokenizer(folder / TOKENIZER)
    for name in (_VOCABULARY, _MERGES):
        if not (folder / name).is_file():
            raise missing(name)
    vocabulary = read_object(folder / _VOCABULARY)
    lines = read_text(folder / _MERGES).split("\n")
    parted = [line.partition(" ") for line in lines if line and not line.startswith("#version")]
    pairs = [(left, right) for left, _, right in parted]
    with _failures(BundleError("The model's tokenizer can't be read.", ANOTHER)):
        settings = {"unk_token": CLIP_END, "end_of_word_suffix": "</w>"}
        tokenizer = Tokenizer(BPE(vocabulary, pairs, continuing_subword_prefix="", **settings))
        tokenizer.normalizer = normalizers.Sequence(
            [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
        )
        split = pre_tokenizers.Split(Regex(_CLIP_WORDS), "removed", invert=True)
        spelt = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, spelt])
        return tokenizer


def encode(tokenizer: Tokenizer, text: str, *, special: bool = False) -> list[int]:
    """Token ids, with what the tokenizer adds around a text where `special`. Raises PromptError."""
    title = "The model's tokenizer breaks on this question."
    hint = "Ask in other words, or choose another model."
    with _failures(PromptError(title, hint)):
        return list(tokenizer.encode(text, add_special_tokens=special).ids)


def encode_with_ends(tokenizer: Tokenizer, text: str) -> tuple[list[int], list[int]]:
    """Token ids, and after how many characters of the text each token ends. Raises PromptError."""
    title = "The model's tokenizer breaks on these words."
    with _failures(PromptError(title, "Use other words, or choose another model.")):
        found = tokenizer.encode(text, add_special_tokens=False)
        return list(found.ids), [end for _, end in found.offsets]


def encode_with_places(tokenizer: Tokenizer, text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """Token ids with what the tokenizer adds around a text, and the first and last (exclusive)
    character of each token, both 0 for what is added. Raises PromptError."""
    title = "The model's tokenizer breaks on these words."
    with _failures(PromptError(title, "Use other words, or choose another model.")):
        found = tokenizer.encode(text, add_special_tokens=True)
        return list(found.ids), [(first, last) for first, last in found.offsets]


@contextlib.contextmanager
def _failures(failure: BundleError | PromptError) -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # the library raises plain Exception, and panics
        raise failure from error


def _require_tried(path: Path, remember: bool) -> None:
    """Try a tokenizer out, unless it ships or was tried before: its checksum is remembered.

    Raises BundleError.
    """
    if not tried:
        tried.update(map(_digest, resource_path("models").glob("*/tokenizer.json")))
    digest = _digest(path)
    known = cache_path() / "tokenizers" / digest
    with contextlib.suppress(OSError):  # a home that can't be read is no fault of the model
        if digest in tried or known.is_file():
            return
    try:
        run("try_tokenizer", str(path.resolve()), seconds=TRIAL_S, memory=TRIAL_BYTES)
    except Refused as error:
        raise BundleError("The model's tokenizer can't be read.", ANOTHER) from error
    except OutOfBounds as error:
        title = "The model's tokenizer does not come to an end with a short text."
        raise BundleError(title, "Don't use this model.") from error
    tried.add(digest)
    if not remember:
        return
    with contextlib.suppress(OSError):  # then it is tried again the next time
        known.parent.mkdir(parents=True, exist_ok=True)
        known.touch()


def _digest(path: Path) -> str:
    try:
        if path.stat().st_size > _FILE_LIMIT:
            raise BundleError("The model's {name} is far too large.", ANOTHER, name=path.name)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(path.name, error) from error


def try_out(path: str) -> None:
    """In the other process: take a few texts apart. Raises whatever the library does."""
    tokenizer = Tokenizer.from_file(path)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    for text in _TEXTS:
        tokens = tokenizer.encode(text).ids
        if len(tokens) > _MOST_TOKENS * len(text.encode()):
            raise ValueError("it makes far too many tokens of a short text")
