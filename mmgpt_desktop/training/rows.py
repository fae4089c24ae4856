"""How a photo's questions and answers become rows of tokens, and rows a batch."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer
from torch.utils.data import Dataset

from mmgpt_desktop.model.configuration import ASSISTANT, END, PAD, SPECIAL_TOKENS, USER, MMGPTConfig
from mmgpt_desktop.model.modelling import IGNORED
from mmgpt_desktop.text import plainly_typed
from mmgpt_desktop.training.drills import dog_captions, drill, drilled_class
from mmgpt_desktop.training.features import FeatureStore
from mmgpt_desktop.training.mixture import Mixture
from mmgpt_desktop.training.parallel import Parallel
from mmgpt_desktop.training.photo_texts import PhotoTexts
from mmgpt_desktop.training.photo_views import unspoiled, view_of
from mmgpt_desktop.training.questions import QA
from mmgpt_desktop.training.wordings import CHINESE, ENGLISH, NO_PICTURE_IN

Cells = NDArray[np.floating[Any]]
PAD_ID, USER_ID, ASSISTANT_ID, END_ID = map(SPECIAL_TOKENS.index, (PAD, USER, ASSISTANT, END))

SHORTNESS = 0.5
"""An answer of n tokens counts as n ** (1 - this) in the loss: a caption has six times the
tokens of "yes", but should not teach six times as much."""


@dataclass(frozen=True)
class TokenLayout:
    """How a model's prompts are laid out: what stands before all turns about a photo, before and
    after a question, and after an answer; `blank` begins questions and answers. The app gives the
    model questions `typed` plainly (`plainly_typed`), or as they are."""

    asked: Sequence[int]
    answered: Sequence[int]
    end: int
    pad: int
    before: Sequence[int] = ()
    blank: str = ""
    typed: bool = False


MINI = TokenLayout((USER_ID,), (ASSISTANT_ID,), END_ID, PAD_ID, typed=True)


def question_tokens(tokenizer: Tokenizer, question: str) -> list[int]:
    """What an answer is written to, as in the app."""
    return [USER_ID, *tokenizer.encode(plainly_typed(question)).ids, ASSISTANT_ID]


@dataclass
class TokenRow:
    """Tokens of some conversations that don't see one another.

    Labels stand at the answers' tokens alone, and `weights` say what each counts in the
    loss. `pointed` are positions whose next token belongs to, or answers about, a thing with
    a known place.
    """

    ids: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    segments: list[int] = field(default_factory=list)
    pointed: list[tuple[int, str]] = field(default_factory=list)

    def add(self, turn: TokenRow, segment: int) -> None:
        start = len(self.ids)
        self.ids += turn.ids
        self.labels += turn.labels
        self.weights += turn.weights
        self.segments += [segment] * len(turn.ids)
        self.pointed += [(start + position, name) for position, name in turn.pointed]

    def pad(self, length: int, token: int = PAD_ID) -> None:
        missing = length - len(self.ids)
        self.ids += [token] * missing
        self.labels += [IGNORED] * missing
        self.weights += [0.0] * missing
        self.segments += [0] * missing


class Packer:
    """Fills rows of `length` tokens with conversations about one photo."""

    def __init__(self, tokenizer: Tokenizer, length: int, layout: TokenLayout = MINI) -> None:
        self._encode = lru_cache(maxsize=100_000)(tokenizer.encode)
        self.length, self.layout = length, layout

    def turn(self, question: str, answer: str, names: Sequence[str] = ()) -> TokenRow:
        """One question with its answer; `names` are of the things whose place is known."""
        layout = self.layout
        question = plainly_typed(question) if layout.typed else question
        answer = layout.blank + answer
        encoded: Encoding = self._encode(answer)
        asked = [*layout.asked, *self._encode(layout.blank + question).ids, *layout.answered]
        answered = [*encoded.ids, layout.end]
        weights = [0.0] * len(asked) + [len(answered) ** -SHORTNESS] * len(answered)
        turn = TokenRow(asked + answered, [IGNORED] * len(asked) + answered, weights)
        first = len(asked) - 1  # this token predicts the answer's first
        for name in names:
            places = _tokens_of(name, answer, encoded)
            if not places and answer.strip() != "no" and _spans(name, question):
                places = [0]
            turn.pointed += [(first + place, name) for place in places]
        return turn

    def single(self, question: str, answer: str) -> TokenRow:
        """A row of one turn; a turn that is too long is cut."""
        turn = self.turn(question, answer)
        length = self.length
        row = TokenRow(turn.ids[:length], turn.labels[:length], turn.weights[:length])
        row.segments = [1] * len(row.ids)
        row.pad(self.length, self.layout.pad)
        return row

    def row(
        self, draw: Callable[[], QA], rng: random.Random, names: Sequence[str] = ()
    ) -> TokenRow:
        """Different turns until the row is nearly full; most begin a conversation of their own."""
        before = list(self.layout.before)
        unlabelled = [IGNORED] * len(before), [0.0] * len(before)
        row, segment, drawn = TokenRow(before, *unlabelled, [1] * len(before)), 1, set[QA]()
        if before:
            segment = 2
        for attempt in range(12):
            pair = draw()
            if pair in drawn:
                continue
            drawn.add(pair)
            turn = self.turn(*pair, names)
            if len(row.ids) + len(turn.ids) > self.length:
                if attempt > 8 or len(row.ids) > 0.8 * self.length:
                    break
                continue
            if row.ids and rng.random() < 0.7:
                segment += 1
            row.add(turn, segment)
        row.pad(self.length, self.layout.pad)
        return row


def _spans(name: str, text: str) -> list[tuple[int, int]]:
    if name not in text.lower():
        return []
    if not name.isascii():  # Chinese words have no blanks around them
        return [found.span() for found in re.finditer(re.escape(name), text)]
    return [found.span() for found in re.finditer(rf"\b{re.escape(name)}s?\b", text.lower())]


def _tokens_of(name: str, text: str, encoded: Encoding) -> list[int]:
    """The tokens that write the name; a token's blank before the word is its own."""
    spans = _spans(name, text)
    return [
        place
        for place, (start, stop) in enumerate(encoded.offsets)
        if any(stop > first and start < last for first, last in spans)
    ]


@dataclass
class Sample:
    """A look at one photo: its cached cells `fine` [T, 120] and `coarse` [T / 4, 352], and a
    row of text about it.

    `masks` say where what the row points at lies, [T] each. The picture, or the encoder's
    class names, may be hidden; `named` is a class to put first among these, or -1. A
    `fusion` is that of its step. The row of a `described` sample is for the model to write, in the
    language of that name.
    """

    number: int
    image: str
    fine: Cells
    coarse: Cells
    row: TokenRow
    masks: list[Cells] = field(default_factory=list)
    has_image: bool = True
    has_names: bool = True
    named: int = -1
    fusion: str | None = None
    described: str = ""


@dataclass(frozen=True, eq=False)
class Look:
    """Fine and coarse cells of a photo, or where it is `varied` of a view of it."""

    cells: tuple[Cells, Cells]
    mirrored: bool
    varied: bool = False


class SampleDataset(Dataset[Sample]):
    """Item i is the i-th look at a photo: its cached cells and a row of text.

    `others` has some photos once more, in another language; each question about such a photo is
    drawn from one of the two, weighed as in the mixture's `languages`. `parallel` are sentences
    that some samples translate, without looking.

    Everything about a sample follows from the seed and i, so a run that is resumed at a
    step sees what it would have seen.
    """

    def __init__(
        self,
        photos: Sequence[PhotoTexts],
        features: FeatureStore,
        tokenizer: Tokenizer,
        mixture: Mixture,
        *,
        samples: int,
        length: int,
        seed: int = 0,
        mirror: bool = True,
        fusion: str | None = None,
        layout: TokenLayout = MINI,
        others: Sequence[PhotoTexts] = (),
        parallel: Sequence[Parallel] = (),
    ) -> None:
        self.photos = photos
        self.others = {each.image: each for each in others if mixture.languages.get(each.language)}
        self.features = features
        self.parallel = parallel
        self.shares, self.kinds, self.languages = mixture.shares, mixture.kinds, mixture.languages
        self.seed = seed
        self.fusion = fusion
        self.mirror = mirror and features.mirrored is not None
        self.packer = Packer(tokenizer, length, layout)
        self.order = _sample_order(photos, mixture.collections, samples, seed)

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, number: int) -> Sample:
        rng = random.Random(self.seed * 1_000_003 + number)
        photo = self.photos[self.order[number]]
        if self.parallel and rng.random() < self.shares.translated:
            return self._translation(photo, rng, number)
        if rng.random() < self.shares.drilled:
            return self._drill(photo, rng, number)
        has_image = rng.random() >= self.shares.no_picture
        look = self.look(photo.image, rng)
        told = self._told(photo)
        masks = {name: mask for each in told for name, mask in each.masks.items()}
        if look.varied:
            told = [replace(each, pairs=unspoiled(each.pairs)) for each in told]

        def draw() -> QA:
            spoken = self._drawn(told, rng)
            question, answer = spoken.draw(self.kinds, rng, mirror=look.mirrored)
            return question, answer if has_image else NO_PICTURE_IN[spoken.language]

        names = list(masks) if has_image and not look.varied else []
        row = self.packer.row(draw, rng, names)
        return Sample(
            number,
            photo.image,
            *look.cells,
            row,
            [_mask(masks[name], look.mirrored) for _, name in row.pointed],
            has_image=has_image,
            has_names=rng.random() >= self.shares.names_hidden,
            fusion=self.fusion,
        )

    def look(self, image: str, rng: random.Random) -> Look:
        """At a photo in training: as it is, mirrored, or a view of it."""
        flip = self.mirror and rng.random() < self.shares.mirrored
        if self.mirror and self.features.views and rng.random() < self.shares.varied:
            view = rng.randrange(len(self.features.views))
            cells = self.features.cells(image, view=view)
            return Look(cells, view_of(image, view).mirrored, varied=True)
        return Look(self.features.cells(image, mirrored=flip), flip)

    def _drill(self, photo: PhotoTexts, rng: random.Random, number: int) -> Sample:
        told = self._told(photo)
        named = drilled_class([each for one in told for each in dog_captions(one)], rng)
        row = self.packer.row(lambda: drill(self._drawn(told, rng), named, rng), rng)
        cells = self.features.cells(photo.image)
        return Sample(number, photo.image, *cells, row, named=named, fusion=self.fusion)

    def _translation(self, photo: PhotoTexts, rng: random.Random, number: int) -> Sample:
        def draw() -> QA:
            return rng.choice(self.parallel).turn(rng.choice((ENGLISH, CHINESE)), rng)

        row, cells = self.packer.row(draw, rng), self.features.cells(photo.image)
        return Sample(number, photo.image, *cells, row, has_image=False, fusion=self.fusion)

    def _told(self, photo: PhotoTexts) -> list[PhotoTexts]:
        """What is said of the photo, in each language."""
        other = self.others.get(photo.image)
        return [photo, other] if other else [photo]

    def _drawn(self, told: Sequence[PhotoTexts], rng: random.Random) -> PhotoTexts:
        """In a language by chance; where there is one alone, none is drawn."""
        if len(told) == 1:
            return told[0]
        return rng.choices(told, [self.languages.get(each.language, 0.0) for each in told])[0]


def _mask(mask: Cells, flip: bool) -> Cells:
    return (mask[:, ::-1] if flip else mask).reshape(-1).astype(np.float32)


def _sample_order(
    photos: Sequence[PhotoTexts], collections: Mapping[str, float], samples: int, seed: int
) -> list[int]:
    """Photo numbers in the order of samples: shuffled passes, collections weighted."""
    rng = random.Random(seed)
    order: list[int] = []
    while len(order) < samples:
        once = []
        for number, photo in enumerate(photos):
            share = collections.get(photo.collection, 1.0)
            times = int(share) + (rng.random() < share % 1)
            once += [number] * times
        rng.shuffle(once)
        order += once
    return order[:samples]


class Collator:
    """Samples of one step to a batch, as the model's `forward` takes it.

    A step trains one fusion: by chance, weighted as in `fusions`, but the same in a run that
    is resumed, for it follows from the seed and the number of the step's first sample.
    """

    def __init__(
        self, config: MMGPTConfig, fusions: Mapping[str, float] | None = None, seed: int = 0
    ) -> None:
        self.config = config
        self.fusions = fusions or dict.fromkeys(config.fusions, 1.0)
        self.seed = seed

    def __call__(self, samples: Sequence[Sample]) -> dict[str, Any]:
        rows = [sample.row for sample in samples]
        fusion = samples[0].fusion or self.draw_fusion(samples[0].number)
        pointed = [(i, position) for i, row in enumerate(rows) for position, _ in row.pointed]
        masks = [mask for sample in samples for mask in sample.masks]
        return {
            "fusion": fusion,
            "described": [
                (i, sample.image, sample.described)
                for i, sample in enumerate(samples)
                if sample.described
            ],
            "input_ids": torch.tensor([row.ids for row in rows]),
            "labels": torch.tensor([row.labels for row in rows]),
            "weights": torch.tensor([row.weights for row in rows]),
            "segments": torch.tensor([row.segments for row in rows]),
            "visible": self._visible(samples, fusion),
            "named": torch.tensor([sample.named for sample in samples]),
            "pointed": torch.tensor(pointed, dtype=torch.long).view(-1, 2),
            "masks": torch.from_numpy(np.array(masks, np.float32).reshape(-1, self.config.cells)),
            "fine": torch.from_numpy(np.stack([sample.fine for sample in samples])).float(),
            "coarse": torch.from_numpy(np.stack([sample.coarse for sample in samples])).float(),
        }

    def draw_fusion(self, number: int) -> str:
        names, weights = list(self.fusions), list(self.fusions.values())
        return random.Random(self.seed * 7_919 + number).choices(names, weights)[0]

    def _visible(self, samples: Sequence[Sample], fusion: str) -> torch.Tensor:
        has_image = torch.tensor([sample.has_image for sample in samples])
        has_names = torch.tensor([sample.has_names for sample in samples]) & has_image
        cells = has_image[:, None].expand(-1, self.config.places(fusion))
        names = has_names[:, None].expand(-1, self.config.name_cells)
        return torch.cat([cells, names], dim=1)
