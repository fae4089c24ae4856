"""A trained painter as the folder that the app opens."""

from __future__ import annotations

import itertools
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.nn import functional as F  # noqa: N812 (the name everybody uses)

from mmgpt_desktop import __version__
from mmgpt_desktop.attention.word_maps import prompt_words, token_texts
from mmgpt_desktop.engine.folder.checksums import file_entry
from mmgpt_desktop.engine.folder.model_files import TOKENIZER
from mmgpt_desktop.engine.folder.tokenizing import encode_with_ends
from mmgpt_desktop.engine.painting.known_words import KnownWords
from mmgpt_desktop.engine.painting.painter_folder import FAMILY, FORMAT, WORDS
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.model.painting.packed import PaintingModel, replace_coder
from mmgpt_desktop.model.painting.painter import MMGPTPainter
from mmgpt_desktop.model.painting.painter_config import PictureCoderConfig
from mmgpt_desktop.model.painting.picture_coder import PictureCoder
from mmgpt_desktop.painted import PaintSettings
from mmgpt_desktop.resources import mini_path
from mmgpt_desktop.training.embedded_bundle import MANIFEST, change_manifest
from mmgpt_desktop.training.painting.enlarger_training import last_coder
from mmgpt_desktop.training.painting.painter_graphs import export_painter
from mmgpt_desktop.training.painting.painter_training import PAINTER
from mmgpt_desktop.training.painting.prompts import prompts
from mmgpt_desktop.writing import write_json

DESCRIPTION = (
    "Our own painter, in the way of DALL-E: a GPT of {millions} million parameters that writes"
    " pictures of {size} pixels."
)
_RARE = 3
_MOST_APART = 0.5
_LEAST_VARIED = 0.1  # pictures of random codes: less than any that was trained draws
TAUGHT = ("flowers", "clothes")  # what comes out well; the rest it was told of too


def pack_painter(data: Path, work: Path, tokenizer: Path, out: Path) -> Path:
    """The last stages' models as one folder, with the smaller decoder and what enlarges if there
    are such."""
    trained = PaintingModel(
        MMGPTPainter.from_pretrained(work / "painting" / PAINTER).eval(), last_coder(work)
    )
    said = itertools.chain.from_iterable(prompts(data, "train").values())
    build_painter(trained, tokenizer, out, words_of(said, tokenizer))
    return out


def export_painter_again(painter: Path) -> None:
    """Write a painter's graphs anew from its own weights, which stay as they are."""
    model = PaintingModel.load_packed(painter)
    export_painter(model, painter)
    size = model.coder.config.drawn_size
    change_manifest(painter, size=size, description=_described(model))


def put_coder(work: Path, painter: Path) -> str:
    """Give a painter the last stages' coder. Raises AppError if its codes are not those that it
    writes, or mean something else."""
    before, after = PaintingModel.load_packed(painter).coder, last_coder(work)
    same = _codes_of(before.config) == _codes_of(after.config)
    if not same or _apart(before, after) > _MOST_APART:
        raise AppError("The coder has other codes than the painter.", "Train one for its decoder.")
    replace_coder(painter, after)
    export_painter_again(painter)
    return f"Written: {painter}. What leans on it has to be packed anew: flow-bundle."


@torch.inference_mode()
def _apart(one: PictureCoder, other: PictureCoder, pictures: int = 16) -> float:
    """How far what both draw of the same codes is apart: the mean error against the deviation."""
    side, random = one.config.side, torch.Generator().manual_seed(0)
    shape = pictures, side, side, one.config.codes_per_cell
    codes = torch.randint(one.config.codes, shape, generator=random)
    first, second = (F.adaptive_avg_pool2d(e.decode(codes), 2 * side) for e in (one, other))
    return float((first - second).square().mean() / first.var().clamp(min=_LEAST_VARIED))


def _codes_of(config: PictureCoderConfig) -> tuple[int, int, list[int]]:
    return config.side, config.codes_per_cell, list(config.levels)


def _described(model: PaintingModel) -> str:
    millions = round(model.painter.num_parameters() / 1e6)
    return DESCRIPTION.format(millions=millions, size=model.coder.config.drawn_size)


def words_of(said: Iterable[str], tokenizer: Path) -> KnownWords:
    """In how many prompts each word stands; not those that are too rare to have been learnt."""
    tokens = Tokenizer.from_file(str(tokenizer))
    counts: Counter[str] = Counter()
    for prompt in said:
        _, ends = encode_with_ends(tokens, prompt)
        found = prompt_words(token_texts(prompt, ends))
        counts.update({word.text.casefold() for word, _ in found})
    return KnownWords({word: count for word, count in counts.items() if count >= _RARE})


def build_painter(
    model: PaintingModel, tokenizer: Path, folder: Path, words: KnownWords | None = None
) -> None:
    """Write weights, graphs, the words that were taught and manifest in `folder`; the tokenizer
    too, unless it is that of the app's own model."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_packed(folder)
    sum_of_it = file_entry(tokenizer)["sha256"]
    shared = sum_of_it == file_entry(mini_path() / TOKENIZER)["sha256"]
    if not shared:
        shutil.copyfile(tokenizer, folder / TOKENIZER)
    if words is not None:
        words.write(folder / WORDS)
    packed = PaintingModel.load_packed(folder)
    export_painter(packed, folder)
    config = packed.painter.config
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    manifest = {
        "format": FORMAT,
        "family": FAMILY,
        "name": folder.name,
        "version": __version__,
        "description": _described(packed),
        "files": {path.name: file_entry(path) for path in files if path.name != MANIFEST},
        "text_length": config.text_length,
        "vocabulary": config.vocab_size,
        "pad": config.pad_token_id,
        "layers": config.num_hidden_layers,
        "side": config.side,
        "codes": config.codes,
        "codes_per_cell": config.codes_per_cell,
        "size": packed.coder.config.drawn_size,
        "settings": asdict(PaintSettings()),
        "languages": ["en", "zh"],
        "taught": list(TAUGHT),
        "tokenizer": sum_of_it if shared else "",
    }
    write_json(folder / MANIFEST, manifest)
