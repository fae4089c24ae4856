"""Damages files by chance, has the product open them, and counts what comes of it. Unix.

    python -m tests.benchmarks.fuzz --seed 1 --minutes 5                # all kinds
    python -m tests.benchmarks.fuzz --seed 1 --case 123 session        # one case, once more

Right is that a file opens or is refused with a sentence. A case is made again from its seed, kind
and number alone.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

from mmgpt_desktop.text import in_columns
from tests.benchmarks.in_child import GOOD, Limits, Outcome, Result, run
from tests.benchmarks.kinds import KINDS, Kind

_MAKING = Limits(120, 4000)


@dataclass
class Tally:
    """Of one kind. `bad` has what went wrong, with the number of the first such case."""

    counts: Counter[Result] = field(default_factory=Counter)
    bad: dict[tuple[Result, str], list[int]] = field(default_factory=dict)
    slowest_s: float = 0.0
    most_megabytes: float = 0.0

    def add(self, number: int, outcome: Outcome) -> None:
        self.counts[outcome.result] += 1
        self.slowest_s = max(self.slowest_s, outcome.seconds)
        self.most_megabytes = max(self.most_megabytes, outcome.megabytes)
        if outcome.result not in GOOD:
            self.bad.setdefault((outcome.result, outcome.said), []).append(number)

    def figures(self) -> dict[str, Any]:
        return {
            "cases": self.counts.total(),
            **{result: self.counts[result] for result in Result},
            "slowest_s": round(self.slowest_s, 2),
            "most_mb": round(self.most_megabytes),
            "bad": [
                {"result": result, "said": said, "times": len(numbers), "case": numbers[0]}
                for (result, said), numbers in self.bad.items()
            ],
        }


class Bench:
    """Whole files of all kinds in a folder that goes away."""

    def __init__(self, seed: int, names: Sequence[str]) -> None:
        self.seed, self.names = seed, names
        self._folder = tempfile.TemporaryDirectory(prefix="mmgpt-fuzz-")
        self._root = Path(self._folder.name)
        os.environ |= {"HOME": self._folder.name, "HF_HUB_OFFLINE": "1"}
        os.environ |= {"QT_QPA_PLATFORM": "offscreen", "TOKENIZERS_PARALLELISM": "false"}
        self._whole: dict[str, list[Path]] = {}
        for name in names:
            for module in KINDS[name].modules:
                import_module(module)
            place = self._root / name
            place.mkdir()
            made = run(lambda name=name, place=place: KINDS[name].make(place), _MAKING)  # type: ignore[misc]
            if made.result is not Result.OPENED:
                raise SystemExit(f"The whole files of {name} can't be made: {made.said}")
            self._whole[name] = sorted(place.iterdir())
            for whole in self._whole[name]:
                self._open(KINDS[name], whole)

    def _open(self, kind: Kind, whole: Path) -> None:
        """A file that nobody damaged opens, else the cases say nothing."""
        if whole.suffix != ".toml":  # its logo is made with each case
            outcome = run(lambda: kind.open(whole), kind.limits)
            if outcome.result is not Result.OPENED:
                raise SystemExit(f"{whole.name} doesn't open as it is: {outcome.said}")

    def try_case(self, name: str, number: int, keep: Path | None = None) -> Outcome:
        kind, random = KINDS[name], Random(f"{self.seed} {name} {number}")
        whole = random.choice(self._whole[name])
        place = self._root / "case"
        place.mkdir()
        case = place / f"case{whole.suffix}"
        try:
            kind.damage(random, whole, case)
            outcome = run(lambda: kind.open(case), kind.limits)
            if keep is not None and outcome.result not in GOOD:
                keep.mkdir(parents=True, exist_ok=True)
                copy = shutil.copytree if case.is_dir() else shutil.copyfile
                copy(case, keep / f"{name}-{self.seed}-{number}{whole.suffix}")
            return outcome
        finally:
            shutil.rmtree(place)

    def close(self) -> None:
        self._folder.cleanup()


def fuzz(
    seed: int, names: Sequence[str], seconds: float, most: int, keep: Path | None = None
) -> dict[str, Tally]:
    """The kinds take turns, until the time is over or each had `most` cases."""
    bench, tallies = Bench(seed, names), {name: Tally() for name in names}
    try:
        for name, number in _turns(names, seconds, most):
            tallies[name].add(number, bench.try_case(name, number, keep))
    finally:
        bench.close()
    return tallies


def _turns(names: Sequence[str], seconds: float, most: int) -> Iterator[tuple[str, int]]:
    """Each kind has the same share of the time."""
    used, numbers = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0)
    end = time.monotonic() + seconds
    while time.monotonic() < end and (left := [name for name in names if numbers[name] < most]):
        name = min(left, key=used.__getitem__)
        started = time.monotonic()
        yield name, numbers[name]
        numbers[name] += 1
        used[name] += time.monotonic() - started


def table(tallies: dict[str, Tally]) -> str:
    heads = ("kind", "cases", *Result, "slowest", "most memory")
    rows = [
        (
            name,
            str(tally.counts.total()),
            *(str(tally.counts[result]) for result in Result),
            f"{tally.slowest_s:.1f} s",
            f"{tally.most_megabytes:.0f} MB",
        )
        for name, tally in tallies.items()
    ]
    lines = [in_columns([heads, *rows])]
    for name, tally in tallies.items():
        for (result, said), numbers in tally.bad.items():
            lines.append(f"{name} {numbers[0]}: {result}, {len(numbers)} x: {said}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.fuzz", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--cases", type=int, default=10**9, help="of each kind at most")
    parser.add_argument("--case", type=int, help="only this one, once more")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep what went wrong here")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures, too")
    options = parser.parse_args(arguments)
    if unknown := {*options.kinds} - KINDS.keys():
        parser.error(f"no such kind: {', '.join(sorted(unknown))}")
    names = options.kinds or [*KINDS]
    if options.case is not None:
        for name in names:
            bench = Bench(options.seed, [name])
            print(name, bench.try_case(name, options.case, options.keep))
            bench.close()
        return 0
    tallies = fuzz(options.seed, names, 60 * options.minutes, options.cases, options.keep)
    print(table(tallies))
    if options.json is not None:
        figures = {name: tally.figures() for name, tally in tallies.items()}
        report = {"seed": options.seed, "minutes": options.minutes, "kinds": figures}
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 1 if any(tally.bad for tally in tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
