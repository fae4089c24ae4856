"""CIDEr-D as a reward: how far a caption agrees with what people wrote of the same photo.

Vedantam et al., 2015, as pycocoevalcap counts it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from pycocoevalcap.cider.cider_scorer import CiderScorer, cook_refs, cook_test


class Consensus:
    """Scores captions one at a time against the `references` of many photos, each a list of words.

    An n-gram weighs the less, the more photos have it in a reference.
    """

    def __init__(self, references: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self._references = {
            photo: cook_refs(map(" ".join, sentences)) for photo, sentences in references.items()
        }
        self._scorer = CiderScorer()
        self._scorer.document_frequency = Counter()  # its own would keep each n-gram asked for
        self._scorer.crefs = list(self._references.values())
        self._scorer.compute_doc_freq()

    def score(self, photo: str, words: Sequence[str]) -> float:
        """CIDEr-D, 0 to 10."""
        self._scorer.ctest = [cook_test(" ".join(words))]
        # It pairs this with the first; their number is that of the photos, which the weights need.
        self._scorer.crefs = [self._references[photo]] * len(self._references)
        (score,) = self._scorer.compute_cider()
        return float(score)
