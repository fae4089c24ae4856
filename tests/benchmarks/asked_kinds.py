"""What kinds of questions people ask, and how many of them are refused for their kind.

    .venv/bin/python -m tests.benchmarks.asked_kinds --data DATA

Prints for each collection of the data how many of its questions by people are of which kind, and a
sample of those that an embedded model refuses: whether it is right to do so is judged by eye.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

from mmgpt_desktop.question_kinds import BEYOND, kind_of
from mmgpt_desktop.text import in_columns
from mmgpt_desktop.training.photo_texts import read_rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with texts.jsonl")
    parser.add_argument("--sample", type=int, default=60, help="refused questions to print")
    options = parser.parse_args()
    asked: dict[str, list[str]] = defaultdict(list)
    for row in read_rows(options.data):
        if row["kind"] == "vqa":
            asked[str(row["source"])].append(str(row["question"]).strip())
    print(in_columns(table(asked)))
    refused = sorted({each for many in asked.values() for each in many if kind_of(each) in BEYOND})
    print(f"\n{len(refused)} different ones are refused, such as these:")
    for question in sorted(random.Random(0).sample(refused, min(options.sample, len(refused)))):
        print(f"{kind_of(question):<12}{question}")


def table(asked: Mapping[str, list[str]]) -> list[list[str]]:
    """A row for each kind, a column for each collection; those refused stand at the end."""
    counts = {name: Counter(map(kind_of, many)) for name, many in asked.items()}
    kinds = sorted({kind for count in counts.values() for kind in count})
    kinds.sort(key=BEYOND.__contains__)
    rows = [["kind", *counts]]
    rows += [
        [str(kind), *(_share(each[kind], each.total()) for each in counts.values())]
        for kind in kinds
    ]
    refused = [sum(each[kind] for kind in BEYOND) for each in counts.values()]
    totals = [each.total() for each in counts.values()]
    return [*rows, ["refused", *map(_share, refused, totals)], ["all", *map(str, totals)]]


def _share(count: int, total: int) -> str:
    return f"{count} ({100 * count / total:.1f} %)"


if __name__ == "__main__":
    main()
