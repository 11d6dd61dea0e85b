"""The fusion scorer R(u, i) = sigma(W_u . f(i) + b_i): f(i) from the item's text and ID, W_u from the user's history.

    f(i) = fuse(ID_i, q(t_i))        W_u = sum over N(u) of fuse(ID'_j, p(t_j)) [+ r(d_u)] [+ ID_u]

or, with a history in its order, W_u as :mod:`recbole_ktrec.nn.attention` makes it of the same vectors.

t are whitened text vectors smoothed over the graph, p, q and r residual towers, d_u a vector of the user's own text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from recbole_ktrec.nn.attention import AttentionEncoder, AttentionForm
from recbole_ktrec.nn.fusion import FUSIONS
from recbole_ktrec.nn.history import pool
from recbole_ktrec.nn.scorers import SCORERS
from recbole_ktrec.nn.shared import SharedRows
from recbole_ktrec.nn.towers import ResidualTower, TowerPair

#: Standard deviation of ID vectors at the start: near zero beside text vectors of length 1.
_ID_STD = 1e-3


@dataclass(frozen=True)
class FusionOptions:
    """Form of the model; attributes are keys of ``properties/model/KTRec.yaml``.

    ``attention`` is None where no order is read.
    """

    fusion: str = "sum"
    scorer: str = "dot"
    temperature: float = 0.15
    tower_rank: int | None = None
    id_dropout: float = 0.2
    history_text: bool = True
    user_embedding: bool = False
    sparse: bool = True
    attention: AttentionForm | None = None


class FusionModel(nn.Module):
    """Scores users against items from text vectors, ID embeddings and histories.

    Args:
        text: whitened (and smoothed) text vectors ``[n_items, width]``; row 0 is padding.
        n_users: how many users there are.
        options: the form of the model.
        user_text: vectors of the users' own texts ``[n_users, width]``, or None.
        live: items ``[m]`` -> their text vectors by an encoder in training, in place of ``text``; None without one. No
            module: the encoder is a part of the model that holds this one.
    """

    def __init__(
        self, text: SharedRows, n_users: int, options: FusionOptions, user_text: SharedRows | None = None,
        live: Callable[[Tensor], Tensor] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.text, self.options, self.user_text, self._live = text, options, user_text, live
        width, items = text.width, len(text)
        self.item_fusion = FUSIONS[options.fusion](width)
        self.history_fusion = FUSIONS[options.fusion](width)
        self.item_tower: ResidualTower | TowerPair = ResidualTower(width, options.tower_rank)
        self.history_tower: ResidualTower | TowerPair = ResidualTower(width, options.tower_rank)
        self.user_tower: ResidualTower | TowerPair | None = None
        if user_text is not None:
            self.user_tower = ResidualTower(width, options.tower_rank)
        self.item_id = self._ids(items, width)
        self.history_id = self._ids(items, width)
        self.item_bias = nn.Embedding(items, 1, sparse=options.sparse)
        nn.init.zeros_(self.item_bias.weight)
        self.base = nn.Parameter(torch.zeros(()))
        out = self.item_fusion.out_width
        self.user_id = self._ids(n_users, out) if options.user_embedding else None
        self.scorer = SCORERS[options.scorer](out, options.temperature)
        self.attention: AttentionEncoder | None = None
        if options.attention is not None:
            with torch.random.fork_rng(devices=[]):  # nothing else is drawn in another way where it is not used
                self.attention = AttentionEncoder(self.history_fusion.out_width, options.attention)

    def pair_towers(self, rank: int | None) -> None:
        """Put a tower of ``rank`` beside each one, to be chosen between; nothing else is drawn in another way then."""
        with torch.random.fork_rng(devices=[]):
            for name in ("item_tower", "history_tower", "user_tower"):
                if isinstance(tower := getattr(self, name), ResidualTower):
                    setattr(self, name, TowerPair(tower, ResidualTower(self.text.width, rank)))

    def _ids(self, count: int, width: int) -> nn.Embedding:
        table = nn.Embedding(count, width, sparse=self.options.sparse)
        nn.init.normal_(table.weight, std=_ID_STD)
        return table

    @torch.no_grad()
    def silence(self, items: Tensor, users: Tensor) -> None:
        """Let the IDs of those that training never sees say nothing: scores are cosines, which make noise loud.

        Args:
            items, users: bool ``[n_items]`` and ``[n_users]``.
        """
        for table in (self.item_id, self.history_id):
            table.weight[items] = 0
        if self.user_id is not None:
            self.user_id.weight[users] = 0

    def _keep(self, count: int, device: torch.device) -> Tensor | float:
        """Return the ID dropout of ``count`` rows, ``[count, 1]``: a dropped item is seen as a cold one is.

        Scores are made without gradients, perhaps by a model in training mode (RecBole loads it so): none is dropped.
        """
        if not (self.training and torch.is_grad_enabled() and self.options.id_dropout):
            return 1.0
        return (torch.rand(count, 1, device=device) >= self.options.id_dropout).float()

    def _text_of(self, items: Tensor) -> Tensor:
        """Return t_i of ``items`` ``[m]``: ``[m, width]``."""
        return self.text.rows(items) if self._live is None else self._live(items)

    def item_vectors(self, items: Tensor) -> tuple[Tensor, Tensor]:
        """Return f(i) ``[m, out]`` and b_i ``[m]`` of the distinct items ``[m]``."""
        text = self._text_of(items)
        keep = self._keep(len(items), items.device)
        vectors = self.item_fusion(self.item_id(items) * keep, self.item_tower(text))
        return vectors, self.base + (self.item_bias(items) * keep).squeeze(-1)

    def history_vectors(self, items: Tensor) -> Tensor:
        """Return what each of the distinct items ``[m]`` says of a user who took it: ``[m, out]``."""
        text = self._text_of(items)
        if not self.options.history_text:
            text = torch.zeros_like(text)
        keep = self._keep(len(items), items.device)
        return self.history_fusion(self.history_id(items) * keep, self.history_tower(text))

    def user_vectors(self, users: Tensor, row: Tensor, items: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return W_u ``[m, out]`` of the users ``[m]`` from a history given as (row, item) pairs, row ascending.

        Args:
            weight: what each pair counts, ``[n]``; 1 by default.
        """
        vectors, index = self._distinct(items)
        return self._with_own(pool(vectors, index, row, len(users), weight), users)

    def vectors_in_order(self, users: Tensor, read: Tensor, counts: Tensor, at: tuple[Tensor, Tensor]) -> Tensor:
        """Return W_u ``[n, out]`` by what histories in their order say until some of their steps.

        Args:
            users: whose they are, ``[m]``.
            read: their items, ``[m, l]``, padded with 0 at the end.
            counts: steps of each, ``[m]``.
            at: row and step of what is asked for, ``[n]`` each.
        """
        assert self.attention is not None
        vectors, index = self._distinct(read)
        return self._with_own(self.attention(vectors, index, counts)[at], users[at[0]])

    def _distinct(self, items: Tensor) -> tuple[Tensor, Tensor]:
        """Return the history vectors of the distinct ones of ``items`` ``[k, out]``, and which each takes, as it is."""
        distinct, index = torch.unique(items, return_inverse=True)
        return self.history_vectors(distinct), index

    def _with_own(self, pooled: Tensor, users: Tensor) -> Tensor:
        """Return what histories say, with what is known of the users beside it: ``[m, out]``."""
        if self.user_text is not None and self.user_tower is not None:
            own = self.user_tower(self.user_text.rows(users))
            own = torch.cat([own, own.new_zeros(len(own), pooled.shape[1] - own.shape[1])], dim=1)
            pooled = nn.functional.normalize(pooled, dim=1) + own
        return pooled if self.user_id is None else pooled + self.user_id(users)
