"""The encoder learns the names of the data's own labels, behind ImageNet's: a linear layer on its
pooled cells, which takes a minute where the decoder would need many hours. The decoder reads and
copies these names as it does the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from mmgpt_desktop.model.configuration import MMGPTConfig
from mmgpt_desktop.model.encoder import EfficientNetLite2
from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration
from mmgpt_desktop.model.packing import load_model
from mmgpt_desktop.training.chinese_names import named
from mmgpt_desktop.training.features import FeatureStore
from mmgpt_desktop.training.imagenet_names import in_mid_sentence, name_tokens, padded
from mmgpt_desktop.training.label_kinds import label_section, plain_label
from mmgpt_desktop.training.photo_texts import PhotoTexts, images_of, read_rows
from mmgpt_desktop.training.wordings import CHINESE

NAMED = "named"
BATCH, RATE = 256, 1e-2
APART = 0.02
_PHOTOS = 512  # read at once


class NameInBoth(NamedTuple):
    """A name in both languages."""

    english: str
    chinese: str

    def in_language(self, language: str) -> str:
        return self.chinese if language == CHINESE else self.english


@dataclass(frozen=True)
class PooledPhotos:
    """Pooled cells [N, 1280] of some photos, how strongly the encoder takes them for any of the
    classes that it has [N], and the number of their label among the new ones, -1 for none [N]."""

    pooled: Tensor
    known: Tensor
    labels: Tensor

    def part(self, rows: Tensor) -> PooledPhotos:
        return PooledPhotos(self.pooled[rows], self.known[rows], self.labels[rows])


def add_classes(
    data: Path, work: Path, start: Path, room: int = 7, rounds: int = 20, decay: float = 1e-3
) -> str:
    """Write the model `work/named`: the one in `start`, whose encoder has more classes, with
    `room` for so many tokens of each name. Says how many dev photos they name rightly."""
    torch.manual_seed(0)
    features = FeatureStore.open(work / "features")
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    old = load_model(start).eval()
    shown = labels_shown(data)
    languages, room = old.config.languages, max(room, old.config.name_tokens)
    labels = sorted({each for each in shown.values() if fits(each, tokenizer, languages, room)})
    places = {label: place for place, label in enumerate(labels)}
    numbers = {image: places[each] for image, each in shown.items() if each in places}
    train, dev = (images_of(data, split) for split in ("train", "dev"))
    layer = learn(
        [read(old.encoder, features, train, numbers, mirrored=turned) for turned in (False, True)],
        len(labels),
        rounds,
        decay,
    )
    with_classes(old, layer, labels, tokenizer, room).save_pretrained(work / NAMED)
    return f"{len(labels)} classes. " + measured(layer, read(old.encoder, features, dev, numbers))


def labels_shown(data: Path) -> dict[str, NameInBoth]:
    """What photos of one thing show, by the photo; not those without a Chinese name."""
    found = {}
    for row in read_rows(data):
        if row["kind"] == "label":
            sections = label_section(PhotoTexts(row["image"]).collection)
            english = plain_label(row["answer"])
            chinese = named(english, sections)
            if chinese:
                found[row["image"]] = NameInBoth(english, chinese)
    return found


def fits(label: NameInBoth, tokenizer: Tokenizer, languages: Sequence[str], room: int) -> bool:
    """Whether its name takes no more than so many tokens."""
    return all(
        len(in_mid_sentence(tokenizer, label.in_language(each), each)) <= room for each in languages
    )


@torch.no_grad()
def read(
    encoder: EfficientNetLite2,
    features: FeatureStore,
    images: Sequence[str],
    numbers: Mapping[str, int],
    *,
    mirrored: bool = False,
) -> PooledPhotos:
    """The photos' cached cells, pooled as for the encoder's own classes."""
    parts = []
    for first in range(0, len(images), _PHOTOS):
        cells = [features.cells(each, mirrored=mirrored)[1] for each in images[first:][:_PHOTOS]]
        wide = encoder.widened(torch.from_numpy(np.stack(cells)).float())
        parts.append((wide.mean(dim=(2, 3)), encoder.classify(wide).logsumexp(dim=1)))
    pooled, known = (torch.cat(each) for each in zip(*parts, strict=True))
    return PooledPhotos(pooled, known, torch.tensor([numbers.get(each, -1) for each in images]))


def learn(looks: Sequence[PooledPhotos], classes: int, rounds: int, decay: float) -> nn.Linear:
    """A layer for so many classes. What the encoder has is one class to it, whose logit is known:
    that of all other photos."""
    photos = PooledPhotos(
        *(torch.cat([getattr(each, part) for each in looks]) for part in vars(looks[0]))
    )
    layer = nn.Linear(photos.pooled.shape[1], classes)
    nn.init.zeros_(layer.weight)
    optimizer = torch.optim.AdamW(layer.parameters(), RATE, weight_decay=decay)
    steps = -(-len(photos.known) // BATCH)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, rounds * steps)
    for _ in range(rounds):
        for rows in torch.randperm(len(photos.known)).split(BATCH):
            optimizer.zero_grad()
            _loss(layer, photos.part(rows)).backward()
            optimizer.step()
            falling.step()
    return layer


def _loss(layer: nn.Linear, photos: PooledPhotos) -> Tensor:
    return functional.cross_entropy(_scores(layer, photos), photos.labels + 1)


def _scores(layer: nn.Linear, photos: PooledPhotos) -> Tensor:
    return torch.cat([photos.known[:, None], layer(photos.pooled)], dim=1)


def with_classes(
    old: MMGPTForConditionalGeneration,
    layer: nn.Linear,
    labels: Sequence[NameInBoth],
    tokenizer: Tokenizer,
    room: int,
) -> MMGPTForConditionalGeneration:
    """The model with these classes, and their names, behind ImageNet's; all with `room`."""
    config, state = old.config, old.state_dict()
    for name, rows in layer.state_dict(prefix="encoder.classifier.").items():
        state[name] = torch.cat([state[name], rows])
    names = [
        padded(tokenizer, [label.in_language(language) for label in labels], language, room)
        for language in config.languages
    ]
    known = name_tokens(tokenizer, room, config.languages)
    state["names.tokens"] = torch.cat([known, torch.cat(names, dim=1)])
    state["names.slot"] = with_room(state["names.slot"], config.name_tokens, room)
    grown = {"classes": config.classes + len(labels), "name_tokens": room}
    model = MMGPTForConditionalGeneration(MMGPTConfig(**(config.to_dict() | grown)))
    model.load_state_dict(state)
    return model


def with_room(slots: Tensor, length: int, room: int) -> Tensor:
    """Names' places of `room` tokens, which were of `length`: the new ones begin as the last."""
    places = slots.unflatten(0, (-1, length))
    more = places[:, -1:].expand(-1, room - length, -1)
    apart = torch.randn_like(more) * APART
    return torch.cat([places, more + apart], dim=1).flatten(0, 1)


@torch.no_grad()
def measured(layer: nn.Linear, photos: PooledPhotos) -> str:
    """How many photos with a label are given it, and how many without are given one."""
    said, labelled = _scores(layer, photos).argmax(dim=1) - 1, photos.labels >= 0
    right, wrong = (said == photos.labels)[labelled], (said >= 0)[~labelled]
    return (
        f"Of {len(right)} dev photos {_share(right):.1%} are named by them; of {len(wrong)} other "
        f"photos {_share(wrong):.1%}, wrongly."
    )


def _share(which: Tensor) -> float:
    return int(which.sum()) / max(len(which), 1)
