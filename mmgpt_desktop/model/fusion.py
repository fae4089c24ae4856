"""From the encoder's maps to what the text reads: cells or latents, class names, a graph."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmgpt_desktop.model.configuration import MMGPTConfig
from mmgpt_desktop.model.decoder import KeyValue, attend, by_photo, feed_forward, halves
from mmgpt_desktop.model.encoder import COARSE_CHANNELS, FINE_CHANNELS


class Mixed(NamedTuple):
    """How cells were mixed before the text reads them, for people to see.

    `edges` [B, T, T] is what each node of the graph of cells read from each; `reading`
    [B, latents, T] what each latent of the resampler read from the cells, rows sum to 1.
    """

    edges: Tensor | None = None
    reading: Tensor | None = None


def over_cells(weights: Tensor, cells: int, reading: Tensor | None) -> Tensor:
    """Weights [..., S, positions] over what the text reads, as weights [..., S, cells] over cells.

    A latent's weight goes to the cells that it read, by `reading` [..., latents, cells]; the
    names are left out.
    """
    if reading is None:
        return weights[..., :cells]
    return weights[..., : reading.shape[-2]] @ reading


class CellEmbedder(nn.Module):
    """Both stages of the encoder as one grid of cells of the decoder's width."""

    def __init__(self, config: MMGPTConfig) -> None:
        super().__init__()
        self.grid = config.grid_size
        self.norm_fine = nn.LayerNorm(FINE_CHANNELS)
        self.fine = nn.Linear(FINE_CHANNELS, config.hidden_size, bias=False)
        self.coarse = nn.Linear(COARSE_CHANNELS, config.hidden_size, bias=False)
        self.position = nn.Parameter(torch.zeros(config.cells, config.hidden_size))
        self.norm = nn.RMSNorm(config.hidden_size, eps=1e-5)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """fine [B, T, 120], coarse [B, T / 4, 1280] to cells [B, T, d]."""
        half = self.grid // 2
        wide = self.coarse(coarse).view(-1, half, 1, half, 1, self.coarse.out_features)
        wide = wide.expand(-1, -1, 2, -1, 2, -1).reshape(-1, self.grid**2, wide.shape[-1])
        cells: Tensor = self.norm(self.fine(self.norm_fine(fine)) + wide + self.position)
        return cells


class NameEmbedder(nn.Module):
    """The encoder's likeliest classes, as the tokens of their names.

    The decoder can copy them, so it can name what no training text names. `tokens`
    [class, class_tokens] is filled from the tokenizer before training and shipped with the
    weights: the name in each language of the configuration, one after the other. A `slot` is a
    class's rank, a language and a place in the name, so it tells the languages apart.
    """

    tokens: Tensor

    def __init__(self, config: MMGPTConfig) -> None:
        super().__init__()
        self.classes = config.name_classes
        table = torch.full((config.classes, config.class_tokens), config.pad_token_id or 0)
        self.register_buffer("tokens", table)
        self.slot = nn.Parameter(torch.zeros(config.name_cells, config.hidden_size))
        self.certainty = nn.Parameter(torch.zeros(1, 1, config.hidden_size))
        self.norm = nn.RMSNorm(config.hidden_size, eps=1e-5)

    def forward(self, class_logits: Tensor, embedding: nn.Embedding) -> tuple[Tensor, Tensor]:
        """Class logits [B, classes] to name cells, and the embeddings of the tokens that they
        stand for; both [B, name_cells, d]."""
        log_probability, found = class_logits.float().log_softmax(dim=-1).topk(self.classes)
        words = embedding(self.tokens[found])  # (B, classes, class_tokens, d)
        known = log_probability[:, :, None, None] * self.certainty
        return self.norm((words + known).flatten(1, 2) + self.slot), words.flatten(1, 2)


class NameCopier(nn.Module):
    """Lets the decoder write a class name's token as it stands: a pointer (See et al., 2017).

    What the last hidden state points at is added to it as the token's own embedding, which
    is also the token's row of the output layer. It may point at nothing.
    """

    def __init__(self, config: MMGPTConfig) -> None:
        super().__init__()
        self.heads, self.names = config.num_attention_heads, config.name_cells
        self.query = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.key = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.nothing = nn.Parameter(torch.zeros(1))
        self.strength = nn.Parameter(torch.zeros(1))

    def start(self) -> None:
        """Pointing at nothing is likelier than at all names' tokens with a score of 0."""
        nn.init.constant_(self.nothing, 5.0)
        nn.init.constant_(self.strength, 3.0)

    def project(self, names: Tensor, words: Tensor, cells: int) -> KeyValue:
        """Name cells and their tokens' embeddings as keys and values, in the form of an image
        layer's: [B, nh, cells + names, hd], zero at the cells."""
        value = nn.functional.rms_norm(words.float(), words.shape[-1:]).to(words.dtype)
        key, value = (
            nn.functional.pad(x, (0, 0, cells, 0)).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for x in (self.key(names), value)
        )
        return key, value

    def forward(
        self, hidden: Tensor, copied: KeyValue, visible: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """What to add to `hidden` [B, S, d], and the weights [B, S, T]; one for all heads.

        `visible` [B, T] hides some of the names. Of fewer pictures than rows, the weights are
        in the form of `by_photo`.
        """
        key, value = (x.transpose(1, 2).flatten(2) for x in copied)  # (B, T, d)
        rows = by_photo(hidden, key.shape[0])
        scores = self.query(rows) @ key.transpose(1, 2) / hidden.shape[-1] ** 0.5
        first = torch.arange(key.shape[1], device=key.device) < key.shape[1] - self.names
        scores = scores.masked_fill(first, float("-inf"))
        if visible is not None:
            scores = scores.masked_fill(~visible[:, None], float("-inf"))
        nothing = self.nothing.to(scores.dtype).expand(*scores.shape[:2], 1)
        weights = torch.cat([nothing, scores], dim=-1).softmax(dim=-1)[..., 1:]
        read = (weights.to(value.dtype) @ value).reshape(hidden.shape)
        return self.strength * read, weights


class GraphRound(nn.Module):
    """One round of attention along the edges of a graph of cells.

    Graph attention (Velickovic et al., 2018) with scaled dot products for scores.
    """

    def __init__(self, config: MMGPTConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.heads = config.graph_heads
        self.norm = nn.RMSNorm(width, eps=1e-5)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
        """Nodes [B, N, d] along `edges` (True [B, 1, N, N]); also the weights [B, nh, N, N]."""
        batch, nodes, width = x.shape
        heads = self.query_key_value(self.norm(x)).view(batch, nodes, 3, self.heads, -1)
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)
        y, weights = attend(query, (key, value), edges)
        y = y.transpose(1, 2).reshape(batch, nodes, width)
        return x + nn.functional.gelu(self.output(y), approximate="tanh"), weights


class CellGraph(nn.Module):
    """Cells and class names as nodes; a few rounds of messages before the text reads them.

    A cell has edges to itself, to its eight neighbours, to the `similar_cells` cells that
    look most like it, and to every name; a name has edges to every node.
    """

    neighbours: Tensor

    def __init__(self, config: MMGPTConfig) -> None:
        super().__init__()
        self.similar = config.similar_cells
        self.rounds = nn.ModuleList(GraphRound(config) for _ in range(config.graph_rounds))
        self.norm = nn.RMSNorm(config.hidden_size, eps=1e-5)
        self.grid = config.grid_size
        self.register_buffer("neighbours", self.find_neighbours(), persistent=False)

    def find_neighbours(self) -> Tensor:
        """True [T, T] where two cells touch."""
        place = torch.arange(self.grid**2)
        row, column = place // self.grid, place % self.grid
        return ((row[:, None] - row).abs() <= 1) & ((column[:, None] - column).abs() <= 1)

    def forward(self, cells: Tensor, names: Tensor, looks: Tensor) -> tuple[Tensor, Tensor]:
        """Nodes [B, T + names, d] after the rounds, and the mean edge weights [B, T, T].

        `looks` [B, T, c] is what similarity is measured on, by cosine.
        """
        edges = self.edges(looks, names.shape[1])[:, None]
        nodes = torch.cat([cells, names], dim=1)
        shown = []
        for graph_round in self.rounds:
            nodes, weights = graph_round(nodes, edges)
            shown.append(weights.mean(dim=1))
        count = cells.shape[1]
        return self.norm(nodes), torch.stack(shown).mean(dim=0)[:, :count, :count]

    def edges(self, looks: Tensor, names: int) -> Tensor:
        """True [B, T + names, T + names] from the row's node to what it reads."""
        unit = nn.functional.normalize(looks, dim=-1)
        alike = unit @ unit.transpose(-1, -2)
        weakest = alike.topk(self.similar + 1).values[..., -1:]  # itself is among them
        near = self.neighbours | (alike >= weakest)
        return nn.functional.pad(near, (0, names, 0, names), value=True)


class ResamplerLayer(nn.Module):
    """Latents read the cells and one another; then each is worked on by itself."""

    def __init__(self, config: MMGPTConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.heads = config.num_attention_heads
        self.norm = nn.RMSNorm(width, eps=1e-5)
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(width, 2 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)
        self.norm_mlp = nn.RMSNorm(width, eps=1e-5)
        self.mlp = feed_forward(width)

    def forward(self, latents: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Latents [B, L, d] after reading cells [B, T, d]; also the weights [B, nh, L, T + L]."""
        own = self.norm(latents)
        offered = halves(self.key_value(torch.cat([cells, own], dim=1)))
        query, key, value = (
            x.unflatten(2, (self.heads, -1)).transpose(1, 2) for x in (self.query(own), *offered)
        )
        y, weights = attend(query, (key, value), None)
        latents = latents + self.output(y.transpose(1, 2).flatten(2))
        return latents + self.mlp(self.norm_mlp(latents)), weights


class Resampler(nn.Module):
    """Learned latents read the cells, so that the text reads few positions, not all cells.

    The perceiver resampler (Alayrac et al., "Flamingo", 2022).
    """

    def __init__(self, config: MMGPTConfig) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.zeros(config.resampler_latents, config.hidden_size))
        self.layers = nn.ModuleList(ResamplerLayer(config) for _ in range(config.resampler_layers))
        self.norm = nn.RMSNorm(config.hidden_size, eps=1e-5)

    def forward(self, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Cells [B, T, d] to latents [B, L, d], and `Mixed.reading` [B, L, T].

        That is what the last layer's heads read, in the mean; what latents read of one
        another there has no place, and is left out.
        """
        latents = self.latents.expand(cells.shape[0], -1, -1)
        for layer in self.layers:
            latents, weights = layer(latents, cells)
        reading = weights.mean(dim=1)[..., : cells.shape[1]]
        return self.norm(latents), reading / reading.sum(dim=-1, keepdim=True).clamp(min=1e-12)


class CellJoiner(nn.Module):
    """Squares of four cells as one, so that the concatenated sequence stays short."""

    def __init__(self, config: MMGPTConfig) -> None:
        super().__init__()
        self.grid = config.grid_size
        self.join = nn.Linear(4 * config.hidden_size, config.hidden_size, bias=False)
        self.norm = nn.RMSNorm(config.hidden_size, eps=1e-5)

    def forward(self, cells: Tensor) -> Tensor:
        """Cells [B, T, d] to [B, T / 4, d]."""
        half, width = self.grid // 2, cells.shape[-1]
        squares = cells.view(-1, half, 2, half, 2, width).transpose(2, 3)
        joined: Tensor = self.norm(self.join(squares.reshape(-1, half * half, 4 * width)))
        return joined
