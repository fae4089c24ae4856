"""A trained painter as the folder that the app opens."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path

from mmgpt_desktop import __version__
from mmgpt_desktop.engine.folder.checksums import file_entry
from mmgpt_desktop.engine.painting.painter_folder import FAMILY, FORMAT
from mmgpt_desktop.model.painting.packed import PaintingModel
from mmgpt_desktop.model.painting.painter import MMGPTPainter
from mmgpt_desktop.model.painting.picture_coder import PictureCoder
from mmgpt_desktop.painted import PaintSettings
from mmgpt_desktop.training.embedded_bundle import MANIFEST
from mmgpt_desktop.training.painting.coder_training import CODER
from mmgpt_desktop.training.painting.painter_graphs import export_painter
from mmgpt_desktop.training.painting.painter_training import PAINTER
from mmgpt_desktop.writing import write_json

DESCRIPTION = (
    "Our own painter, in the way of DALL-E: a GPT of {millions} million parameters that writes"
    " pictures of {size} pixels."
)
TAUGHT = ("flowers", "clothes", "things", "fruit and vegetables", "dogs")


def pack_painter(work: Path, tokenizer: Path, out: Path) -> Path:
    """The last stages' models as one folder."""
    trained = PaintingModel(
        MMGPTPainter.from_pretrained(work / "painting" / PAINTER).eval(),
        PictureCoder.from_pretrained(work / "painting" / CODER).eval(),
    )
    build_painter(trained, tokenizer, out)
    return out


def build_painter(model: PaintingModel, tokenizer: Path, folder: Path) -> None:
    """Write weights, tokenizer, graphs and manifest below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_packed(folder)
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    packed = PaintingModel.load_packed(folder)
    export_painter(packed, folder)
    config = packed.painter.config
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    manifest = {
        "format": FORMAT,
        "family": FAMILY,
        "name": folder.name,
        "version": __version__,
        "description": DESCRIPTION.format(
            millions=round(packed.painter.num_parameters() / 1e6),
            size=packed.coder.config.picture_size,
        ),
        "files": {path.name: file_entry(path) for path in files if path.name != MANIFEST},
        "text_length": config.text_length,
        "vocabulary": config.vocab_size,
        "pad": config.pad_token_id,
        "layers": config.num_hidden_layers,
        "side": config.side,
        "codes": config.codes,
        "codes_per_cell": config.codes_per_cell,
        "size": packed.coder.config.picture_size,
        "settings": asdict(PaintSettings()),
        "languages": ["en", "zh"],
        "taught": list(TAUGHT),
    }
    write_json(folder / MANIFEST, manifest)
