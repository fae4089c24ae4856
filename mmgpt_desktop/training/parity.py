"""Do the exported graphs compute what the PyTorch model computes?

For each fusion, on real photos: the largest difference of logits and attention along a
greedy answer that both runtimes are fed, and how many greedy answers are the same to the
last token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.families.mmgpt import MmgptFamily
from mmgpt_desktop.engine.folder.bundle import Bundle, open_bundle
from mmgpt_desktop.engine.generate import Answer, decode
from mmgpt_desktop.engine.onnx_runtime import OnnxRuntime
from mmgpt_desktop.engine.runtime import Encoded, Runtime
from mmgpt_desktop.engine.torch_runtime import TorchRuntime
from mmgpt_desktop.imaging.images import load_photo
from mmgpt_desktop.imaging.pixels import prepare
from mmgpt_desktop.messages import Message, RuntimeName
from mmgpt_desktop.training.embedded_bundle import load_trained
from mmgpt_desktop.training.features import photo_paths
from mmgpt_desktop.training.photo_texts import load_texts

QUESTION = "Describe this picture."


@dataclass(frozen=True)
class Parity:
    """Of one fusion: the largest absolute differences, and answers that are the same."""

    fusion: str
    photos: int
    logits: float
    attention: float
    identical: int

    def __str__(self) -> str:
        return (
            f"{self.fusion}, {self.photos} photos: logits differ by at most {self.logits:.1e}, "
            f"attention by {self.attention:.1e}; {self.identical} of {self.photos} greedy answers "
            "are identical."
        )


def compare(data: Path, bundle: Path, photos: int = 100, model: Path | None = None) -> str:
    """ONNX Runtime on the CPU against PyTorch, on photos spread over the data folder; with the
    `model` that the bundle was made of, what the packing of its weights changed, too."""
    chosen = _spread(photo_paths(data), photos)
    lines = map(str, compare_photos([data / image for image in chosen], bundle))
    kept = [answers_kept(data, bundle, model, photos)] if model else []
    return "\n".join([*lines, *kept])


def compare_photos(paths: Sequence[Path], folder: Path) -> list[Parity]:
    """Each fusion of the bundle."""
    bundle = open_bundle(folder)
    pair = _Pair(bundle, (OnnxRuntime(bundle, RuntimeName.ONNX_CPU), TorchRuntime(bundle)))
    pixels = [prepare(load_photo(path), bundle.manifest.image_spec())[0] for path in paths]
    return [pair.parity(pixels, fusion) for fusion in bundle.manifest.fusions]


def answers_kept(data: Path, folder: Path, trained: Path, photos: int) -> str:
    """How many descriptions of dev photos the packing of the weights leaves as they were: the
    bundle's beside those of the model that it was made of, both in PyTorch."""
    bundle = open_bundle(folder)
    fusion = bundle.manifest.fusion
    model = load_trained(trained, fusion)
    pair = _Pair(bundle, (TorchRuntime(bundle), TorchRuntime(bundle, model)))
    chosen, kept = _spread([photo.image for photo in load_texts(data, ["dev"])], photos), 0
    for image in chosen:
        pixels, _ = prepare(load_photo(data / image), bundle.manifest.image_spec())
        one, other = pair.answers(pair.encode(pixels, fusion))
        kept += one == other
    return f"{kept} of {len(chosen)} descriptions of dev photos are those of the unpacked weights."


def _spread(images: Sequence[str], number: int) -> Sequence[str]:
    return images[:: max(1, len(images) // number)][:number]


class _Pair:
    """Two runtimes that describe the same photos."""

    def __init__(self, bundle: Bundle, runtimes: tuple[Runtime, Runtime]) -> None:
        self._manifest, self._runtimes = bundle.manifest, runtimes
        self._family, self._cancel = MmgptFamily(bundle), CancelToken()
        self._prompt = self._family.build_prompt([Message("user", QUESTION)], 64).token_ids

    def encode(self, pixels: NDArray[np.float32], fusion: str) -> list[Encoded]:
        return [runtime.encode(pixels, fusion, self._cancel) for runtime in self._runtimes]

    def answers(self, encoded: Sequence[Encoded]) -> list[list[int]]:
        """Greedy ones."""
        pairs = zip(self._runtimes, encoded, strict=True)
        return [self._greedy(runtime, cells) for runtime, cells in pairs]

    def parity(self, photos: Sequence[NDArray[np.float32]], fusion: str) -> Parity:
        """Differences are along the first runtime's answers."""
        logits, attention, identical = [0.0], [0.0], 0
        for pixels in photos:
            encoded = self.encode(pixels, fusion)
            answer, other = self.answers(encoded)
            identical += answer == other
            ids = [*self._prompt, *answer]
            for feed in (ids, ids[:-1], self._prompt):
                ours, theirs = (
                    runtime.decode(feed, cells, None, attention=True, cancel=self._cancel)
                    for runtime, cells in zip(self._runtimes, encoded, strict=True)
                )
                assert ours.attention is not None
                assert theirs.attention is not None
                logits.append(float(np.abs(ours.logits - theirs.logits).max()))
                attention.append(float(np.abs(ours.attention - theirs.attention).max()))
        return Parity(fusion, len(photos), max(logits), max(attention), identical)

    def _greedy(self, runtime: Runtime, cells: Encoded) -> list[int]:
        tokens = decode(
            runtime,
            cells,
            Answer(self._prompt, self._manifest.sampling),
            stop_ids=self._family.stop_ids,
            context_length=self._manifest.decoder.context_length,
            attention=False,
            cancel=self._cancel,
        )
        return [token.token_id for token in tokens]
