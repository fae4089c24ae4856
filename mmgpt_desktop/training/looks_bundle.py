"""What a run of mmgpt-small has learnt: how much of dev it answers, its files as they ship."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from mmgpt_desktop.embedded import FACTS
from mmgpt_desktop.engine.folder.measured import ModelFacts
from mmgpt_desktop.model.adapters import save_adapters
from mmgpt_desktop.question_kinds import CANT_TELL
from mmgpt_desktop.training.calibrate import dev_questions, judge
from mmgpt_desktop.training.features import FeatureStore
from mmgpt_desktop.training.look_answers import answers, check
from mmgpt_desktop.training.looks import freeze, opened
from mmgpt_desktop.writing import write_json

DESCRIPTION = (
    "A small language model that was taught to look at photos: it understands questions in any "
    "English words, and knows little."
)


def check_looks(
    data: Path, work: Path, language: Path, bundle: Path, start: Path, limit: int = 100
) -> str:
    """A line for each task of the dev split, up to `limit` questions of each."""
    model, tokenizer = opened(language, bundle, start)
    freeze(model)
    features = FeatureStore.open(work / "features")
    return "\n".join(check(model.eval(), features, tokenizer, data, limit))


def pack_looks(
    data: Path, work: Path, language: Path, bundle: Path, start: Path, out: Path
) -> Path:
    """Write the adapters in `start` as they ship, and what was measured of them: the certainty is
    fitted on the dev split."""
    model, tokenizer = opened(language, bundle, start)
    save_adapters(model, out, packed=True)
    freeze(model)
    features = FeatureStore.open(work / "features")
    fitted = judge(answers(model.eval(), features, tokenizer, dev_questions(data)), tokenizer)
    print(fitted.how())
    facts = ModelFacts(DESCRIPTION, fitted.certainty, ("en",), tuple(sorted(CANT_TELL)))
    write_json(out / FACTS, asdict(facts))
    return out
