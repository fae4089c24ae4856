"""Stage 5: the model describes training photos, and learns from how well it did.

Cross-entropy teaches to go on from people's words; here the model goes on from its own, as
when it is asked. Self-critical training (Rennie et al., 2017): captions are sampled, and each
is made likelier as far as its CIDEr-D exceeds the mean of the photo's others (Luo, 2020). Photos
with a label map and no captions can be described too: there counts what is named rightly
(`truth`). In the same step other photos go on as in stage 4, so that nothing else is forgotten.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.model.configuration import CONCAT
from mmgpt_desktop.model.decoder import stacked
from mmgpt_desktop.model.modelling import IGNORED, MMGPTForConditionalGeneration
from mmgpt_desktop.training.consensus import Consensus
from mmgpt_desktop.training.evaluation.tasks import words
from mmgpt_desktop.training.labels import LabelMaps
from mmgpt_desktop.training.many_answers import decode_rows, until_end
from mmgpt_desktop.training.mixture import Mixture
from mmgpt_desktop.training.photo_texts import PhotoTexts, ask, trained_words
from mmgpt_desktop.training.recipes import RewardRecipe
from mmgpt_desktop.training.rows import END_ID, Sample, SampleDataset, TokenRow, question_tokens
from mmgpt_desktop.training.train import FusionTrainer, Source, prepared, run_to_the_end
from mmgpt_desktop.training.truth import Mapped, Truth, mapped_photos
from mmgpt_desktop.training.wordings import CHINESE, ENGLISH

ANSWER_TOKENS = 20
FINISHED = "."
"""Stands for the end of a caption as if it were a word: to break off is no agreement."""
FEWEST_REFERENCES = 3
WORTH_OF_TRUTH = 3.0
"""A description that agrees with its label map in everything has this reward. CIDEr-D goes to
10, but scatters as much among one photo's captions."""


def reward(
    data: Path, work: Path, recipe: RewardRecipe, mixture: Mixture, start: Path | None = None
) -> Path:
    """Train on from the model in `start`, by default the trained one; returns the folder of the
    finished model."""
    model = prepared(start or work / "model", recipe)
    source = Source.open(data, work, recipe)
    trainer = RewardTrainer(model, source, mixture, work / "rewarding")
    return run_to_the_end(trainer, work / "rewarded")


class DescribedSamples(Dataset[Sample]):
    """Ordinary samples, and now and then a photo that the model shall describe: one with captions,
    or in `mapped` of these cases one with a label map."""

    def __init__(self, ordinary: SampleDataset, judges: Judges, recipe: RewardRecipe) -> None:
        self.ordinary = ordinary
        self.share = recipe.described
        self.mapped = recipe.mapped
        self.images = {language: list(found) for language, found in judges.references.items()}
        self.weights = [ordinary.languages.get(language, 1.0) for language in self.images]
        self.maps = list(judges.truth.photos)

    def __len__(self) -> int:
        return len(self.ordinary)

    def __getitem__(self, number: int) -> Sample:
        rng = random.Random(self.ordinary.seed * 1_000_003 - number)
        if rng.random() >= self.share:
            return self.ordinary[number]
        language, row = ENGLISH, TokenRow()
        if self.maps and rng.random() < self.mapped:
            image = rng.choice(self.maps)
        else:
            language = rng.choices(list(self.images), self.weights)[0]
            image = rng.choice(self.images[language])
        row.pad(self.ordinary.packer.length)
        cells = self.ordinary.look(image, rng).cells
        return Sample(number, image, *cells, row, described=language)


class Judges:
    """Say what a caption is worth: by the photo's captions in its language, or by its label map.

    What is compared are words, in Chinese characters.
    """

    def __init__(self, photos: Sequence[PhotoTexts], mapped: Mapping[str, Mapped]) -> None:
        """`photos` may be there once in each language. Raises AppError where there are no
        captions."""
        by_language = {
            language: caption_words([each for each in photos if each.language == language])
            for language in (ENGLISH, CHINESE)
        }
        self.references = {language: found for language, found in by_language.items() if found}
        if not self.references:
            title = "No training photo has {number} captions, which rewarding compares with."
            raise AppError(title, number=FEWEST_REFERENCES)
        self.consensus = {each: Consensus(found) for each, found in self.references.items()}
        self.truth = Truth(mapped)

    def has_map(self, image: str) -> bool:
        return image in self.truth.photos

    def score(
        self, image: str, caption: Sequence[str], finished: bool, language: str = ENGLISH
    ) -> float:
        """0 to 10, and of photos with a label map to `WORTH_OF_TRUTH`; a caption that was not
        `finished` has half of that, and misses the end's n-grams."""
        if self.has_map(image):
            worth = WORTH_OF_TRUTH if finished else WORTH_OF_TRUTH / 2
            return worth * self.truth.score(image, caption)
        return self.consensus[language].score(image, [*caption] + [FINISHED] * finished)


class RewardTrainer(FusionTrainer):
    """Fills the rows of described photos with sampled captions, weighed by their advantage.

    The log's `reward` is the mean CIDEr-D of the captions sampled since the last entry, `reward_zh`
    that of the Chinese ones, `truth` that of the descriptions of photos with a label map.
    """

    def __init__(
        self,
        model: MMGPTForConditionalGeneration,
        source: Source,
        mixture: Mixture,
        checkpoints: Path,
    ) -> None:
        super().__init__(model, source, mixture, checkpoints)
        recipe = source.recipe
        assert isinstance(recipe, RewardRecipe)
        ordinary = self.train_dataset
        assert isinstance(ordinary, SampleDataset)
        photos = ordinary.photos
        mapped = mapped_photos(photos, LabelMaps(source.data)) if recipe.mapped else {}
        self.judges = Judges([*photos, *ordinary.others.values()], mapped)
        self.train_dataset = DescribedSamples(ordinary, self.judges, recipe)
        self.tokenizer = source.tokenizer
        self.recipe = recipe
        self.rewards: dict[str, list[float]] = {"reward": [], "reward_zh": [], "truth": []}

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if described := inputs.pop("described"):
            self._describe(model, inputs, described)
        return super().compute_loss(model, inputs, *args, **kwargs)

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        for name, rewards in self.rewards.items():
            if "loss" in logs and rewards:
                logs[name] = round(sum(rewards) / len(rewards), 4)
                rewards.clear()
        super().log(logs, *args, **kwargs)

    def _describe(
        self,
        model: MMGPTForConditionalGeneration,
        inputs: dict[str, Any],
        described: Sequence[tuple[int, str, str]],
    ) -> None:
        """Write captions into the batch's described rows, asked for in each row's language."""
        for language in dict.fromkeys(language for _, _, language in described):
            rows = {row: image for row, image, own in described if own == language}
            self._describe_in(language, model, inputs, rows)

    def _describe_in(
        self,
        language: str,
        model: MMGPTForConditionalGeneration,
        inputs: dict[str, Any],
        rows: Mapping[int, str],
    ) -> None:
        rng = random.Random(self.state.global_step)
        question = ask("caption", "", rng, trained_words(rng, language), language)
        asked = question_tokens(self.tokenizer, question)
        fine, coarse = inputs["fine"][list(rows)], inputs["coarse"][list(rows)]
        count = self.recipe.samples
        answers = sample(model, (fine, coarse), asked, count, inputs["fusion"])
        length = inputs["input_ids"].shape[1]
        for place, (row, image) in enumerate(rows.items()):
            written = answers[place * count : (place + 1) * count]
            captions = fitting(written, length, len(asked))
            scores = [self.score(image, caption, language) for caption in captions]
            self.rewards[self._rewarded_as(image, language)] += scores
            filled = self._filled(asked, captions, advantages(scores))
            filled.pad(length)
            for name, values in (
                ("input_ids", filled.ids),
                ("labels", filled.labels),
                ("weights", filled.weights),
                ("segments", filled.segments),
            ):
                inputs[name][row] = torch.tensor(values[:length])

    def _rewarded_as(self, image: str, language: str) -> str:
        if self.judges.has_map(image):
            return "truth"
        return "reward_zh" if language == CHINESE else "reward"

    def score(self, image: str, caption: Sequence[int], language: str = ENGLISH) -> float:
        finished = caption[-1] == END_ID
        text = self.tokenizer.decode([token for token in caption if token != END_ID])
        return self.judges.score(image, words(text).split(), finished, language)

    def _filled(
        self, asked: list[int], captions: Sequence[list[int]], worth: Sequence[float]
    ) -> TokenRow:
        row = TokenRow()
        for segment, (caption, advantage) in enumerate(zip(captions, worth, strict=True), 1):
            labels = [IGNORED] * len(asked) + caption
            weights = [0.0] * len(asked) + [self.recipe.reward * advantage] * len(caption)
            row.add(TokenRow(asked + caption, labels, weights), segment)
        return row


def caption_words(photos: Sequence[PhotoTexts]) -> dict[str, list[list[str]]]:
    """The words of each photo's captions, where it has some."""
    found = {
        photo.image: [[*words(caption).split(), FINISHED] for _, caption in captions]
        for photo in photos
        if (captions := photo.pairs.get("caption"))
    }
    return {image: texts for image, texts in found.items() if len(texts) >= FEWEST_REFERENCES}


def advantages(scores: Sequence[float]) -> list[float]:
    """How far each score exceeds the mean of the others."""
    total, others = sum(scores), len(scores) - 1
    return [score - (total - score) / others if others else 0.0 for score in scores]


def fitting(captions: Sequence[list[int]], length: int, asked: int) -> Sequence[list[int]]:
    """The first captions that a row of `length` tokens takes whole, each after a question."""
    ends = itertools.accumulate(asked + len(caption) for caption in captions)
    return captions[: sum(end <= length for end in ends)]


@torch.no_grad()
def sample(
    model: MMGPTForConditionalGeneration,
    cells: tuple[Tensor, Tensor],
    asked: Sequence[int],
    number: int,
    fusion: str,
) -> list[list[int]]:
    """`number` answers about each photo, one after the other, with their end if they have one.

    `cells` are the photos' fine and coarse maps, as for `encode_cached`.
    """
    eager = torch.compiler.set_stance("force_eager")  # each length would be compiled anew
    # What is cached without gradients would be missed by a step that wants them.
    half = torch.autocast(cells[0].device.type, torch.bfloat16, cache_enabled=False)
    with eager, half:
        image, _ = model.encode_cached(*cells, fusion)
        keys, values = stacked(image)
        rows = keys.shape[1] * number
        if fusion == CONCAT:  # where the picture is a part of each row's past
            keys, values = (part.repeat_interleave(number, dim=1) for part in (keys, values))
        prompts = torch.tensor([list(asked)] * rows, device=keys.device)
        steps = decode_rows(model, (keys, values), prompts, _drawn, ANSWER_TOKENS, fusion)
        tokens = torch.cat([ids for ids, _ in steps], dim=1)
    return [until_end(row) for row in tokens.tolist()]


def _drawn(logits: Tensor) -> Tensor:
    return torch.multinomial(logits.float().softmax(dim=-1), 1)
