"""WordNet's own files, as Debian's `wordnet-base` has them: synsets, hypernyms, glosses.

The format is that of the manual page wndb(5WN): one synset a line in `data.POS`, its gloss
after a bar; `index.POS` names each lemma's synsets, the most frequent sense first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mmgpt_desktop.errors import AppError

FOLDER = Path("/usr/share/wordnet")
PARTS_OF_SPEECH = ("noun", "verb", "adj", "adv")

_HYPERNYM = ("@", "@i")  # a kind of, an instance of
_MARKERS = ("(a)", "(p)", "(ip)")  # where an adjective may stand
_ENDINGS = {  # of plurals, as in morphy(7WN)
    "ses": "s",
    "xes": "x",
    "zes": "z",
    "ches": "ch",
    "shes": "sh",
    "men": "man",
    "ies": "y",
    "s": "",
}


@dataclass(frozen=True)
class Synset:
    """Words with one meaning; `number` is the offset that pointers name. `gloss` has the
    definition, then the examples in quotes."""

    number: int
    lemmas: tuple[str, ...]
    hypernyms: tuple[int, ...]
    gloss: str


def is_installed(folder: Path = FOLDER) -> bool:
    return all((folder / f"data.{part}").is_file() for part in PARTS_OF_SPEECH)


def read_synsets(folder: Path, part: str) -> Iterator[Synset]:
    """The synsets of one part of speech, in the file's order."""
    for line in _lines(folder / f"data.{part}"):
        yield _synset(line)


@dataclass(frozen=True, eq=False)
class Nouns:
    """The nouns' hierarchy. Depths count nodes: the root's is 1."""

    hypernyms: Mapping[int, Sequence[int]]
    senses: Mapping[str, Sequence[int]]
    irregular: Mapping[str, str]

    @classmethod
    def read(cls, folder: Path = FOLDER) -> Nouns:
        synsets = {synset.number: synset.hypernyms for synset in read_synsets(folder, "noun")}
        senses = dict(map(_index_entry, _lines(folder / "index.noun")))
        exceptions = folder / "noun.exc"
        irregular = (
            dict(_exception(line) for line in _lines(exceptions)) if exceptions.exists() else {}
        )
        return cls(synsets, senses, irregular)

    @cached_property
    def _ancestors(self) -> dict[int, dict[int, int]]:
        return {}

    @cached_property
    def _depths(self) -> dict[int, int]:
        return {}

    def synsets(self, word: str) -> Sequence[int]:
        """A word's senses, of its singular too; none for what is no noun."""
        word = word.lower().strip()
        candidates = [word, self.irregular.get(word, word)]
        candidates += [
            word.removesuffix(ending) + singular
            for ending, singular in _ENDINGS.items()
            if word.endswith(ending)
        ]
        found = [number for each in candidates for number in self.senses.get(each, ())]
        return tuple(dict.fromkeys(found))

    def ancestors(self, number: int) -> Mapping[int, int]:
        """Every synset above this one, itself included, with the shortest way to it."""
        if number not in self._ancestors:
            ways = {number: 0}
            for parent in self.hypernyms[number]:
                for above, steps in self.ancestors(parent).items():
                    ways[above] = min(steps + 1, ways.get(above, steps + 1))
            self._ancestors[number] = ways
        return self._ancestors[number]

    def depth(self, number: int) -> int:
        """Nodes on the longest way from the root."""
        if number not in self._depths:
            parents = [self.depth(parent) for parent in self.hypernyms[number]]
            self._depths[number] = 1 + max(parents, default=0)
        return self._depths[number]

    def similarity(self, one: int, other: int) -> float:
        """Wu and Palmer 1994, "Verb semantics and lexical selection": 2 d / (2 d + a + b).

        d is the depth of the deepest common hypernym, a and b are the steps up to it.
        """
        ways, others = self.ancestors(one), self.ancestors(other)
        shared = ways.keys() & others.keys()
        if not shared:
            return 0.0
        depth, steps = max((self.depth(n), -ways[n] - others[n]) for n in shared)
        return 2 * depth / (2 * depth - steps)

    def word_similarity(self, one: str, other: str) -> float:
        """Of the two senses that are nearest; equal words count 1, known or not."""
        if one == other:
            return 1.0
        pairs = [(a, b) for a in self.synsets(one) for b in self.synsets(other)]
        return max((self.similarity(a, b) for a, b in pairs), default=0.0)


def _lines(path: Path) -> Iterator[str]:
    """The lines of a file without its licence, whose lines begin with blanks."""
    try:
        with path.open(encoding="utf-8") as lines:
            yield from (line for line in lines if not line.startswith("  "))
    except OSError as error:
        title = "WordNet's file {name} can't be read."
        hint = "Install it first: sudo apt install wordnet-base"
        raise AppError(title, hint, name=path.name) from error


def _synset(line: str) -> Synset:
    data, _, gloss = line.partition(" | ")
    number, _, _, words, *rest = data.split()
    count = int(words, 16)
    lemmas = tuple(_lemma(word) for word in rest[: 2 * count : 2])
    pointers = rest[2 * count + 1 :]
    symbols = pointers[: 4 * int(rest[2 * count]) : 4]
    targets = pointers[1 : 4 * len(symbols) : 4]
    hypernyms = [int(t) for s, t in zip(symbols, targets, strict=True) if s in _HYPERNYM]
    return Synset(int(number), lemmas, tuple(hypernyms), " ".join(gloss.split()))


def _lemma(word: str) -> str:
    for marker in _MARKERS:
        word = word.removesuffix(marker)
    return word.replace("_", " ")


def _index_entry(line: str) -> tuple[str, tuple[int, ...]]:
    """`lemma pos synsets pointers [symbol ...] senses tagged offset ...`."""
    lemma, _, synsets, *rest = line.split()
    return _lemma(lemma), tuple(int(number) for number in rest[-int(synsets) :])


def _exception(line: str) -> tuple[str, str]:
    plural, singular, *_ = line.split()
    return _lemma(plural), _lemma(singular)
