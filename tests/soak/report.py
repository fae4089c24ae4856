"""What a soak found, and which of its limits were broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.soak.measures import Lateness, Sample

WARM_MINUTES = 10  # until then caches fill; memory may only grow by GROWTH after it
GROWTH = 0.02
SLOWEST_S = 60.0  # an answer that takes longer is stuck
MORE_THREADS, MORE_FILES = 4, 8  # at rest, than after the warm-up
P99_MS, BUSY_MS, STALL_MS = 100.0, 1_000.0, 2_000.0
OTHERS = 0.25  # where other programs have more of the machine, being late tells little of ours


@dataclass(eq=False)
class Answers:
    """How the questions ended."""

    ended: Counter[str] = field(default_factory=Counter)  # by kind: done, cancelled, failed
    slowest: float = 0.0  # seconds
    stuck: int = 0


@dataclass(frozen=True, eq=False)
class Report:
    """`expected` are errors that were asked for, as with a damaged file; `unexpected` are bugs.

    `samples` were taken at rest: the first before the visitor came, the last after it left.
    """

    seed: int
    minutes: float
    acts: Counter[str]
    answers: Answers
    expected: Counter[str]
    unexpected: Counter[str]
    lateness: Lateness
    samples: Sequence[Sample]
    others: float  # the share of the machine that other programs had
    left: Sequence[str]  # temporary files
    ended_in_time: bool

    @property
    def warm(self) -> Sample:
        """After the warm-up; in a shorter soak, the first that had seen the visitor."""
        later = [sample for sample in self.samples[1:] if sample.minute >= WARM_MINUTES]
        return (later or self.samples[1:] or self.samples)[0]

    @property
    def growth(self) -> float | None:
        """Of memory after the warm-up, as a share; None if the soak was too short to tell."""
        last = self.samples[-1]
        if last.minute <= self.warm.minute or self.warm.minute < WARM_MINUTES:
            return None
        return last.megabytes / self.warm.megabytes - 1

    @property
    def judges_figures(self) -> bool:
        """Time and memory are shown in a short soak, and judged in a long one: a test may have to
        share its machine, and caches fill meanwhile."""
        return self.minutes >= WARM_MINUTES

    def broken(self) -> Iterator[str]:
        """A sentence for each limit that does not hold."""
        limits = [*self._faults(), *(self._figures() if self.judges_figures else ())]
        yield from (sentence for breaks, sentence in limits if breaks)

    def _faults(self) -> Iterator[tuple[bool, str]]:
        stuck, bugs = self.answers.stuck, self.unexpected.total()
        yield stuck > 0, f"{stuck} answers were stuck for over {SLOWEST_S:.0f} s"
        yield bugs > 0, f"{bugs} unexpected errors"
        yield bool(self.left), f"{len(self.left)} temporary files were left"
        yield not self.ended_in_time, "closing the window took too long"

    def _figures(self) -> Iterator[tuple[bool, str]]:
        last, warm, late = self.samples[-1], self.warm, self.lateness
        growth, alone = self.growth or 0.0, self.others < OTHERS
        threads, files = last.threads - warm.threads, last.files - warm.files
        yield growth > GROWTH, f"memory grew by {growth:.1%} after {warm.minute:.0f} minutes"
        yield threads > MORE_THREADS, f"{threads} more threads than after the warm-up"
        yield files > MORE_FILES, f"{files} more open files than after the warm-up"
        yield (
            late.busy_max > BUSY_MS,
            f"the window's thread was busy for {late.busy_max:.0f} ms on end",
        )
        yield (
            alone and late.p99 > P99_MS,
            f"the window's lateness at the 99th percentile is {late.p99:.0f} ms",
        )
        yield alone and late.max > STALL_MS, f"the window stood still for {late.max:.0f} ms"

    def as_text(self) -> str:
        answers, late, last = self.answers, self.lateness, self.samples[-1]
        growth = "too short to tell" if self.growth is None else f"{self.growth:+.1%}"
        rows = [
            ("minutes, seed", f"{self.minutes:.1f}, {self.seed}"),
            ("what was done", f"{self.acts.total()}: {_listed(self.acts)}"),
            ("questions answered", f"{answers.ended['done']}"),
            ("cancelled, failed, stuck", _three(answers)),
            ("slowest answer, s", f"{answers.slowest:.1f}"),
            ("errors that had to come", f"{self.expected.total()}"),
            *((f"  {count} times", what) for what, count in self.expected.most_common()),
            ("unexpected errors", f"{self.unexpected.total()}"),
            *((f"  {count} times", what) for what, count in self.unexpected.most_common()),
            ("lateness p99, max, ms", f"{late.p99:.0f}, {late.max:.0f} (busy {late.busy_max:.0f})"),
            *((f"  {each.seconds:.2f} s, {each.busy:.2f} busy", each.where) for each in late.worst),
            ("machine used by others", f"{self.others:.0%}"),
            ("own memory at rest, MB", " ".join(f"{each.megabytes:.0f}" for each in self.samples)),
            ("pages of files, MB", " ".join(f"{each.mapped:.0f}" for each in self.samples)),
            (f"growth since minute {self.warm.minute:.0f}", growth),
            ("threads: start, warm, end", _steps(self.samples[0], self.warm, last, "threads")),
            ("open files: start, warm, end", _steps(self.samples[0], self.warm, last, "files")),
            ("temporary files left", ", ".join(self.left) or "none"),
        ]
        lines = [f"{name:30} {value}" for name, value in rows]
        good = "All limits hold." if self.judges_figures else "No fault; too short for figures."
        verdict = [f"BROKEN: {sentence}." for sentence in self.broken()] or [good]
        return "\n".join(lines + verdict)

    def as_json(self) -> dict[str, object]:
        late = self.lateness
        return {
            "seed": self.seed,
            "minutes": self.minutes,
            "acts": dict(self.acts),
            "answers": {**self.answers.ended, "stuck": self.answers.stuck},
            "slowest_answer_s": self.answers.slowest,
            "errors": {"expected": dict(self.expected), "unexpected": dict(self.unexpected)},
            "lateness_ms": {"p99": late.p99, "max": late.max, "busy_max": late.busy_max},
            "others": self.others,
            "stalls": [vars(stall) for stall in late.worst],
            "at_rest": [vars(sample) for sample in self.samples],
            "growth": self.growth,
            "temporary_files_left": list(self.left),
            "ended_in_time": self.ended_in_time,
            "broken": list(self.broken()),
        }


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def _three(answers: Answers) -> str:
    return f"{answers.ended['cancelled']}, {answers.ended['failed']}, {answers.stuck}"


def _steps(first: Sample, warm: Sample, last: Sample, name: str) -> str:
    return ", ".join(str(getattr(sample, name)) for sample in (first, warm, last))
