"""How a photo's questions and answers become rows of tokens, and rows a batch."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from tokenizers import Encoding, Tokenizer
from torch.utils.data import Dataset

from mmgpt_desktop.model.configuration import (
    ASSISTANT,
    END,
    PAD,
    SPECIAL_TOKENS,
    USER,
    MMGPTConfig,
)
from mmgpt_desktop.model.modelling import IGNORED
from mmgpt_desktop.training import prompts
from mmgpt_desktop.training.data import PhotoTexts
from mmgpt_desktop.training.features import FeatureStore
from mmgpt_desktop.training.mixture import Mixture
from mmgpt_desktop.training.names import ANIMALS, answer_naming, class_names
from mmgpt_desktop.training.questions import QA

PAD_ID, USER_ID, ASSISTANT_ID, END_ID = map(SPECIAL_TOKENS.index, (PAD, USER, ASSISTANT, END))


@dataclass
class TokenRow:
    """Tokens of some conversations that don't see one another.

    Labels stand at the answers' tokens alone. `pointed` are positions whose next token
    belongs to, or answers about, a thing with a known place.
    """

    ids: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    segments: list[int] = field(default_factory=list)
    pointed: list[tuple[int, str]] = field(default_factory=list)

    def add(self, turn: TokenRow, segment: int) -> None:
        start = len(self.ids)
        self.ids += turn.ids
        self.labels += turn.labels
        self.segments += [segment] * len(turn.ids)
        self.pointed += [(start + position, name) for position, name in turn.pointed]

    def pad(self, length: int) -> None:
        missing = length - len(self.ids)
        self.ids += [PAD_ID] * missing
        self.labels += [IGNORED] * missing
        self.segments += [0] * missing


class Packer:
    """Fills rows of `length` tokens with conversations about one photo."""

    def __init__(self, tokenizer: Tokenizer, length: int) -> None:
        self._encode = lru_cache(maxsize=100_000)(tokenizer.encode)
        self.length = length

    def turn(self, question: str, answer: str, names: Sequence[str] = ()) -> TokenRow:
        """One question with its answer; `names` are of the things whose place is known."""
        encoded: Encoding = self._encode(answer)
        asked = [USER_ID, *self._encode(question).ids, ASSISTANT_ID]
        answered = [*encoded.ids, END_ID]
        turn = TokenRow(asked + answered, [IGNORED] * len(asked) + answered)
        first = len(asked) - 1  # this token predicts the answer's first
        for name in names:
            places = _tokens_of(name, answer, encoded)
            if not places and answer != "no" and _spans(name, question):
                places = [0]
            turn.pointed += [(first + place, name) for place in places]
        return turn

    def single(self, question: str, answer: str) -> TokenRow:
        """A row of one turn; a turn that is too long is cut."""
        turn = self.turn(question, answer)
        row = TokenRow(turn.ids[: self.length], turn.labels[: self.length], [], [])
        row.segments = [1] * len(row.ids)
        row.pad(self.length)
        return row

    def row(
        self, draw: Callable[[], QA], rng: random.Random, names: Sequence[str] = ()
    ) -> TokenRow:
        """Turns until the row is nearly full; most begin a conversation of their own."""
        row, segment = TokenRow(), 1
        for attempt in range(12):
            turn = self.turn(*draw(), names)
            if len(row.ids) + len(turn.ids) > self.length:
                if attempt > 8 or len(row.ids) > 0.8 * self.length:
                    break
                continue
            if row.ids and rng.random() < 0.7:
                segment += 1
            row.add(turn, segment)
        row.pad(self.length)
        return row


def _spans(name: str, text: str) -> list[tuple[int, int]]:
    if name not in text.lower():
        return []
    return [found.span() for found in re.finditer(rf"\b{re.escape(name)}s?\b", text.lower())]


def _tokens_of(name: str, text: str, encoded: Encoding) -> list[int]:
    """The tokens that write the name; a token's blank before the word is its own."""
    spans = _spans(name, text)
    return [
        place
        for place, (start, stop) in enumerate(encoded.offsets)
        if any(stop > first and start < last for first, last in spans)
    ]


_SIDES = {"left": "right", "right": "left", "Left": "Right", "Right": "Left"}


def mirrored(text: str) -> str:
    """The same said of the mirrored picture."""
    return re.sub(r"\b([Ll]eft|[Rr]ight)\b", lambda found: _SIDES[found[1]], text)


class VisitDataset(Dataset[dict[str, Any]]):
    """Item i is the i-th visit to a photo: its cached cells and a row of text.

    Everything about a visit follows from the seed and i, so a run that is resumed at a
    step sees what it would have seen.
    """

    def __init__(
        self,
        photos: Sequence[PhotoTexts],
        features: FeatureStore,
        tokenizer: Tokenizer,
        mixture: Mixture,
        *,
        visits: int,
        batch: int,
        length: int,
        seed: int = 0,
        mirror: bool = True,
    ) -> None:
        self.photos = photos
        self.features = features
        self.mixture = mixture
        self.batch = batch
        self.seed = seed
        self.mirror = mirror and features.mirrored is not None
        self.packer = Packer(tokenizer, length)
        self.names = class_names()
        self.order = _visit_order(photos, mixture.collections, visits, seed)

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, visit: int) -> dict[str, Any]:
        rng = random.Random(self.seed * 1_000_003 + visit)
        photo = self.photos[self.order[visit]]
        shares = self.mixture
        if rng.random() < shares.drilled:
            return self._drill(photo, rng, visit)
        has_image = rng.random() >= shares.no_picture
        flip = self.mirror and rng.random() < shares.mirrored

        def draw() -> QA:
            question, answer = photo.draw(shares.kinds, rng)
            if not has_image:
                return question, prompts.NO_PICTURE
            return (mirrored(question), mirrored(answer)) if flip else (question, answer)

        names = list(photo.masks) if has_image else []
        row = self.packer.row(draw, rng, names)
        fine, coarse = self.features.cells(photo.image, mirrored=flip)
        return {
            "fusion": self.fusion(visit // self.batch),
            "fine": fine,
            "coarse": coarse,
            "has_image": has_image,
            "has_names": rng.random() >= shares.names_hidden,
            "named": -1,
            "row": row,
            "masks": [_mask(photo, name, flip) for _, name in row.pointed],
        }

    def _drill(self, photo: PhotoTexts, rng: random.Random, visit: int) -> dict[str, Any]:
        """Any class put first among the encoder's guesses, and asked for: copying is learned
        for all names, not only for those of the training photos."""
        named = rng.randrange(len(self.names))
        questions = prompts.NAME + (prompts.NAME_ANIMAL if named in ANIMALS else ())

        def draw() -> QA:
            return rng.choice(questions), answer_naming(self.names[named])

        fine, coarse = self.features.cells(photo.image)
        return {
            "fusion": self.fusion(visit // self.batch),
            "fine": fine,
            "coarse": coarse,
            "has_image": True,
            "has_names": True,
            "named": named,
            "row": self.packer.row(draw, rng),
            "masks": [],
        }

    def fusion(self, step: int) -> str:
        """Which fusion a step would train: by chance, but the same in a resumed run."""
        names = list(self.mixture.fusions)
        weights = list(self.mixture.fusions.values())
        return random.Random(self.seed * 7_919 + step).choices(names, weights)[0]


def _mask(photo: PhotoTexts, name: str, flip: bool) -> Any:
    mask = photo.masks[name]
    return (mask[:, ::-1] if flip else mask).reshape(-1).astype(np.float32)


def _visit_order(
    photos: Sequence[PhotoTexts], collections: Mapping[str, float], visits: int, seed: int
) -> list[int]:
    """Photo numbers in the order of visits: shuffled passes, collections weighted."""
    rng = random.Random(seed)
    order: list[int] = []
    while len(order) < visits:
        once = []
        for number, photo in enumerate(photos):
            share = collections.get(photo.collection, 1.0)
            times = int(share) + (rng.random() < share % 1)
            once += [number] * times
        rng.shuffle(once)
        order += once
    return order[:visits]


class Collator:
    """Visits of one step to a batch, as the model's `forward` takes it.

    The Trainer shuffles the visits; the step trains the fusion of its first one.
    """

    def __init__(self, config: MMGPTConfig) -> None:
        self.config = config

    def __call__(self, visits: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        rows: list[TokenRow] = [visit["row"] for visit in visits]
        fusion = visits[0]["fusion"]
        pointed = [(i, position) for i, row in enumerate(rows) for position, _ in row.pointed]
        masks = [mask for visit in visits for mask in visit["masks"]]
        return {
            "fusion": fusion,
            "input_ids": torch.tensor([row.ids for row in rows]),
            "labels": torch.tensor([row.labels for row in rows]),
            "segments": torch.tensor([row.segments for row in rows]),
            "visible": self._visible(visits, fusion),
            "named": torch.tensor([visit["named"] for visit in visits]),
            "pointed": torch.tensor(pointed, dtype=torch.long).view(-1, 2),
            "masks": torch.from_numpy(np.array(masks, np.float32).reshape(-1, self.config.cells)),
            **{
                name: torch.from_numpy(np.stack([visit[name] for visit in visits])).float()
                for name in ("fine", "coarse")
            },
        }

    def _visible(self, visits: Sequence[Mapping[str, Any]], fusion: str) -> torch.Tensor:
        has_image = torch.tensor([visit["has_image"] for visit in visits])
        has_names = torch.tensor([visit["has_names"] for visit in visits]) & has_image
        cells = has_image[:, None].expand(-1, self.config.grid_of(fusion) ** 2)
        names = has_names[:, None].expand(-1, self.config.name_cells)
        return torch.cat([cells, names], dim=1)
