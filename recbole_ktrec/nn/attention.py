"""The user's vector from a history in its order: recent items count for more, and attention adds what the order says.

    W_u = sum over j of exp(-d (l - j)) h_j + O z_l        z = transformer(P h + position), each step sees those before

h are the vectors of the history, the newest the l-th, d is learned. O is 0 at the start, so that the untrained model is
a decayed sum of texts. The transformer is that of SASRec (Kang and McAuley 2018).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from recbole_ktrec.nn.sequences import by_length

#: Width in which attention works; history vectors may be longer.
_INNER = 128
_FIRST_DECAY = 0.5


@dataclass(frozen=True)
class AttentionForm:
    """Form of the transformer.

    Attributes:
        length: of the longest sequence that is read.
        layers, heads: how many it has.
        dropout: in training.
    """

    length: int
    layers: int = 2
    heads: int = 2
    dropout: float = 0.2


class AttentionEncoder(nn.Module):
    """Reads histories in their order.

    Args:
        width: of the vectors of the history.
        form: of the transformer.
    """

    def __init__(self, width: int, form: AttentionForm) -> None:
        super().__init__()
        inner = form.heads * math.ceil(min(width, _INNER) / form.heads)
        self.inward, self.outward = nn.Linear(width, inner, bias=False), nn.Linear(inner, width, bias=False)
        self.position = nn.Parameter(torch.randn(form.length, inner) * 0.02)
        self.norm, self.dropout = nn.LayerNorm(inner), nn.Dropout(form.dropout)
        layer = nn.TransformerEncoderLayer(inner, form.heads, 2 * inner, form.dropout, "gelu", batch_first=True)
        self.transformer = nn.TransformerEncoder(layer, form.layers, enable_nested_tensor=False)
        self.decay = nn.Parameter(torch.tensor(math.log(math.expm1(_FIRST_DECAY))))
        nn.init.zeros_(self.outward.weight)

    def forward(self, vectors: Tensor, index: Tensor, counts: Tensor) -> Tensor:
        """Return what each history says until each of its items: ``[m, l, width]``, 0 where there is none.

        Args:
            vectors: of the distinct items, ``[k, width]``.
            index: which of them each step takes, ``[m, l]``.
            counts: steps of each history, ``[m]``; the rest is padding.
        """
        if self.training and not torch.is_grad_enabled():  # scores, perhaps of a model in training mode
            try:
                return self.eval()(vectors, index, counts)
            finally:
                self.train()
        said = vectors.new_zeros(*index.shape, vectors.shape[1])
        for rows in by_length(counts.cpu()):
            longest = int(counts[rows].max())
            there = torch.arange(longest, device=index.device) < counts[rows].unsqueeze(1)
            read = self._read(vectors[index[rows, :longest]] * there.unsqueeze(2)) * there.unsqueeze(2)
            said[rows, :longest] = read.to(said.dtype)  # enable_amp: a product of matrices is of lower precision
        return said

    def _read(self, history: Tensor) -> Tensor:
        place = torch.arange(history.shape[1], device=history.device)
        since = (place.unsqueeze(1) - place).float()
        later = since < 0
        weight = torch.exp(-nn.functional.softplus(self.decay) * since.clamp(min=0)).masked_fill(later, 0.0)
        seen = self.dropout(self.norm(self.inward(history) + self.position[: len(place)]))
        return weight @ history + self.outward(self.transformer(seen, mask=later))
