"""How answers are scored: which of them are right, and a row of what that comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmgpt_desktop.training.evaluation.answering import Answered
from mmgpt_desktop.training.evaluation.metrics import Statistic, balanced, bootstrap, mean
from mmgpt_desktop.training.evaluation.table import Row
from mmgpt_desktop.training.evaluation.tasks import TITLES, TWO_SIDED, PhotoQuestion

Answers = Mapping[PhotoQuestion, Answered]


def row_of(
    task: str,
    measure: str,
    photos: Sequence[str],
    model: Statistic,
    blind: Mapping[str, Statistic] | None = None,
    *,
    percent: bool = True,
) -> Row:
    """`photos` are the items'; all statistics are over the same ones."""
    others = {name: bootstrap(statistic, photos) for name, statistic in (blind or {}).items()}
    return Row(task, measure, len(photos), bootstrap(model, photos), others, percent)


def by_title(questions: Sequence[PhotoQuestion]) -> dict[str, list[PhotoQuestion]]:
    """In the table's order."""
    found: dict[str, list[PhotoQuestion]] = {title: [] for title in TITLES.values()}
    for question in questions:
        found[question.title].append(question)
    return {title: asked for title, asked in found.items() if asked}


def measure_of(kind: str) -> str:
    return {"action": "exact verb"}.get(kind, "balanced" if kind in TWO_SIDED else "exact")


def accuracy(asked: Sequence[PhotoQuestion], answers: Answers) -> Statistic:
    return accuracy_of(asked, right_ones(asked, answers))


def accuracy_of(asked: Sequence[PhotoQuestion], right: Sequence[bool]) -> Statistic:
    """Of questions of one kind."""
    if asked[0].kind in TWO_SIDED:
        return balanced(right, [question.answers[0] for question in asked])
    return mean(right)


def right_ones(asked: Sequence[PhotoQuestion], answers: Answers) -> list[bool]:
    return [question.is_right(answers[question].text) for question in asked]
