"""What was measured of a model of the app's own, beside its settings: `facts.json`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mmgpt_desktop.decoding import DataDecoder, Mistake
from mmgpt_desktop.embedded import FACTS
from mmgpt_desktop.engine.folder.bundle import Certainty
from mmgpt_desktop.engine.folder.model_files import read_object, unreadable
from mmgpt_desktop.question_kinds import QuestionKind


@dataclass(frozen=True)
class ModelFacts:
    """As in a bundle's manifest; of a public model nobody measured anything."""

    description: str = ""
    certainty: Certainty | None = None
    languages: tuple[str, ...] = ()
    beyond: tuple[QuestionKind, ...] = ()


def read_facts(folder: Path) -> ModelFacts:
    """None known where there is no such file. Raises BundleError for a damaged one."""
    if not (folder / FACTS).is_file():
        return ModelFacts()
    try:
        found: ModelFacts = DataDecoder(strict=True).decode(ModelFacts, read_object(folder / FACTS))
    except Mistake as mistake:
        raise unreadable(FACTS, mistake) from mistake
    return found
