"""A GPT that reads a sentence and writes a picture's codes, cell by cell.

DALL-E (Ramesh et al., 2021): text and codes are one sequence, and each cell follows from all before
it. A cell has several codes, which a small network draws one after the other, as in RQ-Transformer
(Lee et al., 2022), so that a picture takes as many steps as it has cells. Some training sentences
are left out, so that what the words add can be made stronger ("classifier-free guidance", Ho &
Salimans, 2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the name everybody uses)
from transformers import PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

from mmgpt_desktop.model.decoder import Block, KeyValue, feed_forward, rotary
from mmgpt_desktop.model.painting.painter_config import PainterConfig

_HIDDEN = -1e9


class CodeSampling(NamedTuple):
    """How a cell's codes are drawn, for B pictures.

    `noise` [B, codes of a cell, codes] is added to what the logits over `temperature` are (Gumbel
    noise makes that a draw, zeros the likeliest code). Codes that are less likely than `least` of
    the likeliest are never drawn (min-p: Nguyen et al., 2024). With `guidance` 1 the words count as
    in training, with more the picture without them is moved away from.
    """

    noise: Tensor
    temperature: Tensor
    least: Tensor
    guidance: Tensor


class Stroke(NamedTuple):
    """One cell of B pictures: codes [B, codes of a cell]; each layer's keys and values, of 2 B
    rows; attention to the text [B, layer, head, text]."""

    codes: Tensor
    presents: list[KeyValue]
    attention: Tensor


class _Read(NamedTuple):
    """Hidden states [B, S, width]; each layer's keys and values, and weights [B, head, S, T]."""

    x: Tensor
    presents: list[KeyValue]
    weights: list[Tensor]


class MMGPTPainter(PreTrainedModel):
    """Text tokens in, codes of a picture out."""

    config_class = PainterConfig
    config: PainterConfig
    main_input_name = "input_ids"

    def __init__(self, config: PainterConfig) -> None:
        super().__init__(config)
        self.gpt = config.gpt()
        width, parts = config.hidden_size, config.codes_per_cell
        self.words = nn.Embedding(config.vocab_size, config.embedding_size)
        self.read_words = nn.Linear(config.embedding_size, width, bias=False)
        self.code_table = nn.Embedding(parts * config.codes, config.embedding_size)
        self.read_codes = nn.Linear(parts * config.embedding_size, width, bias=False)
        self.start = nn.Parameter(torch.zeros(width))
        self.place = nn.Parameter(torch.zeros(config.cells, width))
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            Block(self.gpt, looks=False) for _ in range(config.num_hidden_layers)
        )
        self.norm = nn.RMSNorm(width, eps=1e-5)
        self.drawer = _CodeDrawer(config)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """As in our GPT."""
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.RMSNorm):
            nn.init.ones_(module.weight)
        elif isinstance(module, MMGPTPainter):
            nn.init.normal_(module.start, std=0.02)
            nn.init.normal_(module.place, std=0.02)
        elif isinstance(module, Block):
            std = 0.02 / (2 * self.config.num_hidden_layers) ** 0.5
            nn.init.normal_(module.self_attention.output.weight, std=std)
            nn.init.normal_(module.mlp.get_submodule("2").weight, std=std)  # type: ignore[arg-type]

    def forward(
        self, input_ids: Tensor, codes: Tensor, labels: Tensor | None = None, **_: Any
    ) -> CausalLMOutput:
        """Text [B, text], padded at its end, and codes [B, cells, codes of a cell]; each cell's
        logits [B, cells, codes of a cell, codes] follow from what is before it."""
        visible = self.visible(input_ids)
        drawn = self._before(codes)
        mask = torch.cat([visible, visible.new_ones(drawn.shape[:2])], dim=1)[:, None, None]
        length = mask.shape[-1]
        order = torch.ones(length, length, dtype=torch.bool, device=codes.device).tril()
        itself = torch.eye(length, dtype=torch.bool, device=codes.device)
        x = torch.cat([self.read_words(self.words(input_ids)), drawn], dim=1)
        read = self._through(self.dropout(x), 0, None, order & mask | itself)
        logits = self.drawer(
            read.x[:, input_ids.shape[1] :], self._embedded(codes), self.code_table
        )
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits.flatten(0, 2).float(), labels.flatten())
        return CausalLMOutput(loss=loss, logits=logits)

    def visible(self, input_ids: Tensor) -> Tensor:
        """Which of the text's tokens are none of the padding, [B, text]."""
        return input_ids != self.config.pad_token_id

    def read(self, input_ids: Tensor) -> list[KeyValue]:
        """The text [B, text] as each layer's keys and values, of 2 B rows: after the B sentences
        come as many empty ones."""
        empty = torch.full_like(input_ids, self.config.pad_token_id)
        return self._read(torch.cat([input_ids, empty])).presents

    def text_states(self, input_ids: Tensor, layers: Sequence[int]) -> Tensor:
        """What these layers tell of the text [B, text] to whoever draws: their values, side by
        side, [B, text, layers * width]."""
        presents = self._read(input_ids).presents
        told = [presents[layer][1] for layer in layers]
        return torch.cat([each.transpose(1, 2).flatten(2) for each in told], dim=-1)

    def _read(self, rows: Tensor) -> _Read:
        """Text [B, text]; what pads it sees itself."""
        length = rows.shape[1]
        order = torch.ones(length, length, dtype=torch.bool, device=rows.device).tril()
        itself = torch.eye(length, dtype=torch.bool, device=rows.device)
        mask = order & self.visible(rows)[:, None, None] | itself
        return self._through(self.read_words(self.words(rows)), 0, None, mask)

    def paint(
        self, before: Tensor, cell: Tensor, visible: Tensor, past: list[KeyValue], how: CodeSampling
    ) -> Stroke:
        """The codes of the pictures' `cell` (its number, [1]).

        `before` [B, codes of a cell] are those of the cell before it (of the first one anything),
        `visible` [B, text] is of the text, and `past` is what was read and drawn so far.
        """
        batch = before.shape[0]
        x = self.read_codes(self._embedded(before[:, None])) + self.place[cell - 1]
        x = torch.where((cell == 0)[:, None], self.start, x)
        shown = torch.cat([visible, torch.zeros_like(visible)])
        drawn = past[0][0].shape[2] - visible.shape[1] + 1
        mask = F.pad(shown, (0, drawn), value=True)[:, None, None]
        read = self._through(torch.cat([x, x]), past[0][0].shape[2], past, mask)
        told, untold = read.x[:batch, 0], read.x[batch:, 0]
        codes = self.drawer.draw(told, untold, how, self.code_table)
        words = torch.stack(read.weights, dim=1)[:batch, :, :, 0, : visible.shape[1]]
        return Stroke(codes, read.presents, words)

    def _before(self, codes: Tensor) -> Tensor:
        """What each cell's position reads, [B, cells, width]: the cell before it, and its place."""
        drawn = self.read_codes(self._embedded(codes[:, :-1])) + self.place[:-1]
        return torch.cat([self.start.expand(len(codes), 1, -1), drawn], dim=1)

    def _embedded(self, codes: Tensor) -> Tensor:
        """Codes [..., codes of a cell] to [..., codes of a cell * embedding]."""
        found: Tensor = self.code_table(codes + self._first_rows(codes)).flatten(-2)
        return found

    def _first_rows(self, codes: Tensor) -> Tensor:
        """Each place in a cell has rows of its own in the table."""
        return torch.arange(codes.shape[-1], device=codes.device) * self.config.codes

    def _through(self, x: Tensor, start: int, past: list[KeyValue] | None, mask: Tensor) -> _Read:
        """x [B, S, width] through all blocks."""
        positions = torch.arange(start, start + x.shape[1], device=x.device)
        cos_sin = rotary(self.gpt, positions)
        presents, seen = [], []
        for number, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            earlier = past[number] if past is not None else None
            y, present, weights = block.self_attention(block.norm_self(x), cos_sin, earlier, mask)
            x = x + block.dropout(y)
            x = x + block.dropout(block.mlp(block.norm_mlp(x)))
            presents.append(present)
            seen.append(weights)
        return _Read(self.norm(x), presents, seen)


class _CodeDrawer(nn.Module):
    """Draws a cell's codes one after the other, each knowing those before it."""

    def __init__(self, config: PainterConfig) -> None:
        super().__init__()
        self.codes, self.parts = config.codes, config.codes_per_cell
        width, size = config.hidden_size, config.embedding_size
        self.read = nn.Linear(self.parts * size, width, bias=False)
        self.turn = nn.Parameter(torch.zeros(self.parts, width))
        self.norm_mlp = nn.RMSNorm(width, eps=1e-5)
        self.mlp = feed_forward(width)
        self.norm = nn.RMSNorm(width, eps=1e-5)
        self.write = nn.Linear(width, size, bias=False)
        self.bias = nn.Parameter(torch.zeros(self.parts, self.codes))

    def forward(self, x: Tensor, embedded: Tensor, table: nn.Embedding) -> Tensor:
        """x [..., width] and the cell's own codes, embedded [..., codes of a cell * embedding], to
        logits [..., codes of a cell, codes]."""
        known = embedded.unflatten(-1, (self.parts, -1))
        turns = [
            self._logits(x, torch.cat([known[..., :n, :], 0 * known[..., n:, :]], dim=-2), n, table)
            for n in range(self.parts)
        ]
        return torch.stack(turns, dim=-2)

    def draw(self, told: Tensor, untold: Tensor, how: CodeSampling, table: nn.Embedding) -> Tensor:
        """What was made of the text and of none, [B, width] each, to codes [B, codes of a cell]."""
        none = torch.zeros_like(told[:, None, : table.weight.shape[1]])
        known, drawn = [none] * self.parts, list[Tensor]()
        for number in range(self.parts):
            before = torch.cat(known, dim=1)
            with_text, without = (self._logits(x, before, number, table) for x in (told, untold))
            code = _chosen(without + how.guidance * (with_text - without), how, number)
            known[number] = table(code + number * self.codes)[:, None]
            drawn.append(code)
        return torch.stack(drawn, dim=-1)

    def _logits(self, x: Tensor, known: Tensor, number: int, table: nn.Embedding) -> Tensor:
        """Of code `number`; `known` [..., codes of a cell, embedding] is 0 from it on."""
        y = x + self.read(known.flatten(-2)) + self.turn[number]
        y = self.write(self.norm(y + self.mlp(self.norm_mlp(y))))
        rows = table.weight[number * self.codes : (number + 1) * self.codes]
        logits: Tensor = y @ rows.mT * rows.shape[1] ** 0.5 + self.bias[number]
        return logits


def _chosen(logits: Tensor, how: CodeSampling, number: int) -> Tensor:
    """A code [B] by logits [B, codes]."""
    warm = logits / how.temperature
    floor = warm.amax(dim=-1, keepdim=True) + how.least.log()
    warm = torch.where(warm < floor, _HIDDEN, warm)
    return (warm + how.noise[:, number]).argmax(dim=-1)
