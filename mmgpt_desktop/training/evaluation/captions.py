"""Caption metrics: pycocoevalcap's scorers that need no Java, on our `words`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from pycocoevalcap.bleu.bleu_scorer import BleuScorer
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge

from mmgpt_desktop.training.evaluation.metrics import Statistic, Values, mean
from mmgpt_desktop.training.evaluation.tasks import words

_ORDER = 4
_TINY, _SMALL = 1e-15, 1e-9  # as in pycocoevalcap, which never divides by zero


def caption_measures(
    references: Mapping[str, Sequence[str]], candidates: Mapping[str, str]
) -> dict[str, Statistic]:
    """CIDEr-D, BLEU-4 and ROUGE-L over photos, in the order of `references`.

    CIDEr-D's word weights are those of all references, for every draw.
    """
    truths = {image: [words(text) for text in texts] for image, texts in references.items()}
    given = {image: [words(candidates[image])] for image in references}
    _, cider = Cider().compute_score(truths, given)
    _, rouge = Rouge().compute_score(truths, given)
    bleu = BleuScorer(n=_ORDER)
    for image, texts in truths.items():
        bleu += (given[image][0], texts)
    return {"CIDEr-D": mean(cider), "BLEU-4": _corpus_bleu(bleu), "ROUGE-L": mean(rouge)}


def _corpus_bleu(scorer: BleuScorer) -> Statistic:
    """BLEU-4 (Papineni et al. 2002) from each photo's counts; the closest length is meant."""
    photos = scorer.ctest
    guessed = np.array([photo["guess"] for photo in photos], np.float64)  # [photo, order]
    correct = np.array([photo["correct"] for photo in photos], np.float64)
    written = np.array([photo["testlen"] for photo in photos], np.float64)
    closest = [min((abs(n - p["testlen"]), n) for n in p["reflen"])[1] for p in photos]
    wanted = np.array(closest, np.float64)

    def statistic(weights: Values) -> float:
        precisions = (weights @ correct + _TINY) / (weights @ guessed + _SMALL)
        ratio = (weights @ written + _TINY) / (weights @ wanted + _SMALL)
        brevity = math.exp(min(0.0, 1 - 1 / float(ratio)))
        return brevity * float(np.exp(np.log(precisions).mean()))

    return statistic
