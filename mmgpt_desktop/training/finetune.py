"""`mmgpt-desktop teach`: fine-tune a bundle on a folder of one's own rows, on a CPU in minutes.

The folder holds photos and `rows.csv` or `rows.jsonl` with image, question and answer. So
that the model doesn't forget what it could, half of each batch rehearses: its own earlier
answers to general questions. The graphs of the new bundle are the old one's, for the new
weights lie in the file where the old ones lay.
"""

from __future__ import annotations

import csv
import io
import json
import random
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.utils.data import Dataset
from transformers import PrinterCallback, Trainer, TrainerCallback

from mmgpt_desktop.engine.folder.bundle import open_bundle
from mmgpt_desktop.engine.folder.tensor_files import read_header
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.imaging.images import load_photo
from mmgpt_desktop.imaging.pixels import ImageSpec, prepare
from mmgpt_desktop.imaging.video import spread
from mmgpt_desktop.languages import language_of, scripts_of, unknown_language
from mmgpt_desktop.messages import Photo
from mmgpt_desktop.model.decoder import stacked
from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration
from mmgpt_desktop.model.packing import WEIGHTS, load_packed, save_packed
from mmgpt_desktop.resources import resource_path
from mmgpt_desktop.text import decoded, reason_of
from mmgpt_desktop.training.embedded_bundle import change_manifest
from mmgpt_desktop.training.recipes import RunRecipe
from mmgpt_desktop.training.rows import END_ID, Collator, Packer, Sample, question_tokens
from mmgpt_desktop.training.train import trainer_arguments
from mmgpt_desktop.writing import sweep

TABLES = ("rows.csv", "rows.jsonl")
COLUMNS = ("image", "question", "answer")
FEWEST_ROWS = 8
HELD_OUT = 5
"""Each fifth photo is for measuring alone."""
GENERAL = (
    "Describe this picture.",
    "What is this?",
    "What colour is it?",
    "How many people are there?",
    "Is there a person?",
    "Where was this photo taken?",
)
"""What is rehearsed."""
EXAMINED = (
    "What is happening here?",
    "What objects are in the picture?",
    "What is on the left side of the picture?",
    "What fills most of the picture?",
    "Is there a tree?",
    "Is this indoors or outdoors?",
)
"""What is not, so that it shows what was forgotten."""
REHEARSED_PHOTOS = 24
MEASURED_ROWS = 100
"""Of the taught rows, as many are asked before and after: more would take minutes."""
SHOWN_CHANGES = 3
BATCH = 8
LEARNING_RATE = 2e-4
ANSWER_TOKENS = 32


Progress = Callable[[float, str], None]  # fraction 0..1, what is being done


@dataclass(frozen=True)
class Example:
    """One row of the table; `cells` is its photo as the frozen encoder sees it."""

    image: str
    question: str
    answer: str
    cells: tuple[Tensor, Tensor]


@dataclass(frozen=True)
class ExactAnswers:
    """How many of `rows` were answered exactly, in 0..1, before and after teaching."""

    rows: int
    before: float
    after: float


@dataclass(frozen=True)
class Change:
    """An earlier answer about a sample photo that is another one now."""

    question: str
    before: str
    after: str


@dataclass(frozen=True)
class TeachingReport:
    """What teaching did: to the rows that were taught, to those about photos that were kept
    apart, and to `examined` earlier answers about other things, of which `changed` are others.
    """

    rows: int
    taught: ExactAnswers
    apart: ExactAnswers
    examined: int
    changed: tuple[Change, ...]

    def __str__(self) -> str:
        return "\n".join([f"Taught on {self.rows} rows.", *self._learnt(), *self._forgotten()])

    def _learnt(self) -> Iterator[str]:
        taught, apart = self.taught, self.apart
        rows = f"the {taught.rows} rows" if taught.rows == self.rows else f"{taught.rows} rows"
        yield f"Learnt: of {rows} that it was taught, {_before_and_after(taught)}."
        if not apart.rows:
            yield "No photo was kept apart (that takes five): how it does on new ones is unknown."
            return
        yield (
            f"New photos: of {apart.rows} rows about photos that it was not taught, "
            f"{_before_and_after(apart)}."
        )
        if taught.after - taught.before >= 0.2 and apart.after <= apart.before:
            yield "So it knows your rows by heart, and no more: more photos would help."

    def _forgotten(self) -> Iterator[str]:
        same = self.examined - len(self.changed)
        yield (
            f"Forgotten: it was asked {self.examined} other questions about the sample photos, as "
            f"before. {same} answers are the same, {len(self.changed)} have changed."
        )
        for each in self.changed[:SHOWN_CHANGES]:
            yield f"  {each.question} Before: “{each.before}” Now: “{each.after}”"


def _before_and_after(score: ExactAnswers) -> str:
    return f"{100 * score.before:.0f} % were answered exactly before, {100 * score.after:.0f} % now"


def teach(
    folder: Path,
    bundle: Path,
    target: Path,
    *,
    steps: int | None = None,
    seed: int = 1,
    progress: Progress = lambda _share, _what: None,
) -> TeachingReport:
    """Write a new bundle to `target`. Raises AppError for a table that can't be used."""
    rows = read_rows(folder)
    if target.exists():
        title = "{path} is there already."
        raise AppError(title, "Choose another folder with --to.", path=target.name)
    manifest = open_bundle(bundle).manifest
    model = load_packed(bundle)
    tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))
    finetuner = Finetuner(model, tokenizer, manifest.image_spec())
    progress(0.0, "reads the photos")
    examples = [finetuner.example(folder, row) for row in rows]
    known, apart = split(examples)
    measured = spread(known, MEASURED_ROWS)
    progress(0.1, "asks what the model says now")
    photos = list({example.image: example.cells for example in known}.values())
    rehearsal = finetuner.answers(spread(photos, REHEARSED_PHOTOS), GENERAL)
    examined = finetuner.answers(_sample_photos(finetuner), EXAMINED)
    before = finetuner.exact(measured), finetuner.exact(apart)
    run = _run(steps or _steps(len(known)), seed)
    finetuner.learn(known, rehearsal, run, lambda share: progress(0.3 + 0.6 * share, "learns"))
    progress(0.9, "examines it")
    report = TeachingReport(
        rows=len(known),
        taught=ExactAnswers(len(measured), before[0], finetuner.exact(measured)),
        apart=ExactAnswers(len(apart), before[1], finetuner.exact(apart)),
        examined=len(examined),
        changed=finetuner.changed(examined),
    )
    write_bundle(model, bundle, target, report, [example.question for example in known])
    progress(1.0, "is done")
    return report


def read_rows(folder: Path) -> list[dict[str, str]]:
    """The table's rows, each checked; paths stay below the folder."""
    table = next((folder / name for name in TABLES if (folder / name).is_file()), None)
    if table is None:
        title = "{folder} has no rows.csv and no rows.jsonl."
        raise AppError(title, _COLUMNS_HINT, folder=folder.name)
    try:
        rows = list(_table_rows(table))
    except (OSError, ValueError, csv.Error) as error:
        title = "{name} can't be read ({reason})."
        hint = f"{_COLUMNS_HINT} A spreadsheet program saves it as “CSV UTF-8”."
        raise AppError(title, hint, name=table.name, reason=reason_of(error)) from error
    for number, row in enumerate(rows, start=1):
        _check_row(folder, table.name, number, row)
    if len(rows) < FEWEST_ROWS:
        title = "{name} has {count} rows; teaching needs at least {least}."
        raise AppError(title, name=table.name, count=len(rows), least=FEWEST_ROWS)
    return rows


_COLUMNS_HINT = "It needs the columns image, question and answer, one row for each question."


def _table_rows(table: Path) -> Iterator[dict[str, str]]:
    text = decoded(table.read_bytes())
    if table.suffix == ".csv":
        yield from _csv_rows(text)
        return
    for line in io.StringIO(text):
        if line.strip():
            row = json.loads(line)
            yield row if isinstance(row, dict) else {}


def _csv_rows(text: str) -> Iterator[dict[str, str]]:
    """Spreadsheet programs part columns by semicolons where numbers have commas, or by tabs."""
    heading = text.partition("\n")[0]
    parted = max(",;\t", key=heading.count)
    for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=parted):
        yield {str(name).strip().lower(): value for name, value in row.items()}


def _check_row(folder: Path, table: str, number: int, row: Mapping[str, Any]) -> None:
    for column in COLUMNS:
        value = row.get(column)
        if not isinstance(value, str) or not value.strip():
            title = "Row {number} of {table} has no {column}."
            raise AppError(title, _COLUMNS_HINT, number=number, table=table, column=column)
    path = (folder / row["image"]).resolve()
    if not path.is_relative_to(folder.resolve()):
        title = "Row {number} of {table} names a photo outside the folder."
        raise AppError(title, "Copy it there.", number=number, table=table)


def split(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """Examples to learn, and those of each fifth photo to measure with."""
    images = sorted({example.image for example in examples})
    kept_back = set(images[HELD_OUT - 1 :: HELD_OUT])
    known = [example for example in examples if example.image not in kept_back]
    return known, [example for example in examples if example.image in kept_back]


class _Told(TrainerCallback):
    """Reports each step's share of the whole."""

    def __init__(self, progress: Callable[[float], None]) -> None:
        self.progress = progress

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.progress(state.global_step / state.max_steps)


class Finetuner:
    """A model that learns and is examined; one thread."""

    def __init__(
        self, model: MMGPTForConditionalGeneration, tokenizer: Tokenizer, image: ImageSpec
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.image = image
        self._cells: dict[str, tuple[Tensor, Tensor]] = {}

    def example(self, folder: Path, row: Mapping[str, str]) -> Example:
        name = row["image"]
        if name not in self._cells:
            self._cells[name] = self.encode(load_photo(folder / name))
        return Example(name, row["question"].strip(), row["answer"].strip(), self._cells[name])

    @torch.inference_mode()
    def encode(self, photo: Photo) -> tuple[Tensor, Tensor]:
        """Fine [256, 120] and coarse [64, 352] cells."""
        pixels, _ = prepare(photo, self.image)
        fine, coarse = self.model.encoder.backbone(torch.from_numpy(pixels))
        return fine.flatten(2).mT[0].clone(), coarse.flatten(2).mT[0].clone()

    def answers(
        self, photos: Sequence[tuple[Tensor, Tensor]], questions: Sequence[str]
    ) -> list[Example]:
        """What the model says now to the questions."""
        return [
            Example("", question, self.answer(question, cells), cells)
            for cells in photos
            for question in questions
        ]

    @torch.inference_mode()
    def answer(self, question: str, cells: tuple[Tensor, Tensor]) -> str:
        """The greedy answer."""
        self.model.eval()
        keys, values = stacked(self.model.encode_cells(cells[0][None], cells[1][None])[0])
        ids = question_tokens(self.tokenizer, question)
        found = self.model.generate(
            torch.tensor([ids]),
            image_keys=keys,
            image_values=values,
            do_sample=False,
            max_new_tokens=ANSWER_TOKENS,
            eos_token_id=END_ID,
            pad_token_id=END_ID,
        )
        text: str = self.tokenizer.decode(found[0, len(ids) :].tolist())
        return text.strip()

    def exact(self, examples: Sequence[Example]) -> float:
        """The share of examples that are answered as they say, letter case aside."""
        right = [
            self.answer(example.question, example.cells).lower() == example.answer.lower()
            for example in examples
        ]
        return sum(right) / max(1, len(right))

    def changed(self, examples: Sequence[Example]) -> tuple[Change, ...]:
        """Those that are answered otherwise than they say, letter case aside."""
        now = [self.answer(example.question, example.cells) for example in examples]
        return tuple(
            Change(example.question, example.answer, answer)
            for example, answer in zip(examples, now, strict=True)
            if answer.lower() != example.answer.lower()
        )

    def learn(
        self,
        examples: Sequence[Example],
        rehearsal: Sequence[Example],
        run: RunRecipe,
        progress: Callable[[float], None] = lambda _share: None,
    ) -> None:
        """Fine-tune the decoder; every fusion gets its turns."""
        self.model.encoder.requires_grad_(False)
        with TemporaryDirectory() as folder:
            trainer = Trainer(
                model=self.model,
                args=trainer_arguments(Path(folder), run, checkpointed=False),
                train_dataset=_ExampleDataset(examples, rehearsal, self.tokenizer, run),
                data_collator=Collator(self.model.config),
                callbacks=[_Told(progress)],
            )
            trainer.remove_callback(PrinterCallback)
            trainer.train()
        self.model.eval()


class _ExampleDataset(Dataset[Sample]):
    """Examples and rehearsal in turn."""

    def __init__(
        self,
        examples: Sequence[Example],
        rehearsal: Sequence[Example],
        tokenizer: Tokenizer,
        run: RunRecipe,
    ) -> None:
        self.packer = Packer(tokenizer, length=64)
        rng = random.Random(run.seed)
        pools = [
            list(examples),
            [example for example in rehearsal if example.answer] or list(examples),
        ]
        self.order = [rng.choice(pools[sample % 2]) for sample in range(run.steps * run.batch)]

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, number: int) -> Sample:
        example = self.order[number]
        fine, coarse = (part.numpy() for part in example.cells)
        row = self.packer.single(example.question, example.answer)
        return Sample(number, example.image, fine, coarse, row)


def _run(steps: int, seed: int) -> RunRecipe:
    return RunRecipe(steps, BATCH, LEARNING_RATE, steps // 10, weight_decay=0.01, seed=seed)


def _steps(rows: int) -> int:
    """About eight times over the rows, in 60 to 400 steps of four."""
    return min(400, max(60, 2 * rows))


def _sample_photos(finetuner: Finetuner) -> list[tuple[Tensor, Tensor]]:
    photos = sorted(resource_path("samples").glob("*.jpg"))
    return [finetuner.encode(load_photo(path)) for path in photos]


def write_bundle(
    model: MMGPTForConditionalGeneration,
    bundle: Path,
    target: Path,
    report: TeachingReport,
    questions: Sequence[str],
) -> None:
    """The old bundle's files with new weights; nothing is left behind if that fails."""
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep(target.parent)
    with TemporaryDirectory(dir=target.parent, prefix=".teaching-") as folder:
        draft = Path(folder) / target.name
        shutil.copytree(bundle, draft, ignore=shutil.ignore_patterns("README.md"))
        save_packed(model, draft)
        if read_header(draft / WEIGHTS).tensors != read_header(bundle / WEIGHTS).tensors:
            raise AppError("The new weights don't fit the model's graphs.", "Export them anew.")
        old = open_bundle(bundle).manifest
        about = f"{old.name}, taught on {report.rows} rows of one's own."
        known = languages(old.languages, questions)
        change_manifest(draft, name=target.name, description=about, languages=known)
        text = f"# {target.name}\n\n{about}\n\n{report}\n"
        (draft / "README.md").write_text(text, encoding="utf-8")
        draft.rename(target)


def languages(known: Sequence[str], questions: Sequence[str]) -> list[str]:
    """What a model of these languages reads after it was taught the questions: none, and so
    any, where one of them is in a language that nobody here can name."""
    if not known:
        return []
    every = list(known)
    for question in questions:
        if unknown_language(question, every, "") is None:
            continue
        if not (language := language_of(question, scripts_of(every))):
            return []
        every.append(language)
    return every
