"""Items that a trained model has no number for, scored by their text: they came since, or nobody took them in training.

The closed form scores them as it does items without interactions (:mod:`recbole_ktrec.nn.cold_items`), the neural part
as an item whose ID says nothing. Nothing is trained. How high they stand among the others is chosen on the validation
interactions, as in training where nobody asks for new items: they may cost known ones as much of their NDCG@10 as
``cold_warm_loss`` says, by default 2 %, or their share of the catalogue where that is less. ``cold_scale``, if it is
given, holds for the closed form, as in training. Where both parts count, the closed form's scores of new items are
first brought to the share of the sum that they have among known items, and one number is added to the sum.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.model.held_out import HeldOut
from recbole_ktrec.model.interactions import TrainingInteractions
from recbole_ktrec.model.item_text import feature_file
from recbole_ktrec.model.ktease import KTEASE
from recbole_ktrec.model.ktrec import KTRec
from recbole_ktrec.model.unseen_parts import ClosedPart, NeuralPart, Wider
from recbole_ktrec.nn.blend import among, same_part, spreads
from recbole_ktrec.nn.cold_shift import lift_cold
from recbole_ktrec.text import TextSettings

#: Scores by which KTRec's level is chosen, those of so many users at least, evenly spread: new items may be many more
#: than known ones, by which held-out users are counted.
_SCORES, _FEWEST_ASKED = 40_000_000, 200


class UnseenItems:
    """The items of the ``.item`` file that have a text and no number, as ``model`` scores them.

    Args:
        model: KTRec or KTEASE, trained.
        dataset: RecBole's, of the training.
        found: validation interactions, None without any.
        now: whether their texts are compared with those of known items at once, which takes long for large catalogues,
            or when it is first needed: to score them, or to hear of somebody who took one.

    Attributes:
        tokens: their ids.

    Raises:
        ConfigError: the model does not score items by the texts as they are.
    """

    def __init__(self, model: Any, dataset: Any, found: HeldOut | None, now: bool = True) -> None:
        self.model, config = model, dataset.config
        if why := why_not(model, config):
            raise ConfigError(f"New items are not scored by this model: {why}.")
        view = Wider(dataset, _with_text(config, dataset))
        self.tokens = view.more
        # What the training was, and that alone, says how they are scored, whatever histories the model is given.
        trained = model.with_histories(model.trained_on)
        self._make, self._lock = functools.partial(Parts, trained, config, view, found), Lock()
        self._made: Parts | None = None
        if now:
            self._parts()

    def _parts(self) -> Parts:
        with self._lock:
            self._made = made = self._made or self._make()
        return made

    def scores(self, users: np.ndarray, model: Any = None) -> np.ndarray:
        """Return their scores for ``users`` ``[m]``, internal ids: float32 ``[m, c]``, -inf without a history.

        Args:
            model: that of the class, with other histories.
        """
        return self._parts().scores(users, model or self.model)

    def hear(self, taken: TrainingInteractions, new: sp.csr_matrix) -> TrainingInteractions:
        """Return ``taken``, and for its users what else they took of these items: ``new``, ``[n_users, c]``.

        A new item speaks through items with similar texts, which so count a little for who took it; a neural part that
        reads histories in their order does not hear it, nor does any without the closed form beside it. So does an item
        that has a number but no interactions in the training.
        """
        new = new if taken.new is None else sp.csr_matrix(taken.new + new)
        closed = self._parts().closed if new.nnz or self._silent_alone(taken) else None
        return taken.heard(new, None if closed is None else closed.among_known(taken, new))

    def _silent_alone(self, taken: TrainingInteractions) -> bool:
        """Return whether somebody took nothing that the training has interactions of, but other items with a number."""
        known = taken.matrix @ self.model.trained_on.known.astype(np.float32)
        return bool(((known == 0) & (np.diff(taken.matrix.indptr) > 0)).any())


class Parts:
    """What both parts of ``model``, which has the histories of its training, make of the items of ``view``.

    Attributes:
        closed: None without one, or where it has no such items and knows those that it has from the training.
    """

    def __init__(self, model: Any, config: Any, view: Wider, found: HeldOut | None) -> None:
        self._model, self._more = model, len(view.more)
        form = model if isinstance(model, KTEASE) else model.blended_form()
        silent = bool((~model.trained_on.known & model.content_items().cpu().numpy()).any())
        wanted = form is not None and (bool(self._more) or silent)
        self.closed = ClosedPart(form, config, view, found) if wanted else None
        neural = isinstance(model, KTRec) and bool(model.blend[0]) and self._more
        self._neural = NeuralPart(model, config, view) if neural else None
        self._weights = (0.0, 1.0) if isinstance(model, KTEASE) else tuple(model.blend.tolist())
        self._shift = getattr(model, "cold_shift", 0.0) * self._weights[0]
        if self._neural is not None and found is not None:
            self._settle(self._neural, found)

    def scores(self, users: np.ndarray, model: Any) -> np.ndarray:
        """Return the scores of the items by the histories of ``model``, see :meth:`UnseenItems.scores`."""
        parts = [None if part is None else part.scores(users, model) for part in (self._neural, self.closed)]
        found = self._sum(parts, len(users)) + np.float32(self._shift)
        found[model.taken.unknown(users)] = -np.inf
        return found

    def _sum(self, parts: Sequence[np.ndarray | None], users: int) -> np.ndarray:
        found = np.zeros((users, self._more), dtype=np.float32)
        for weight, part in zip(self._weights, parts, strict=True):
            if part is not None:
                found += np.float32(weight) * part
        return found

    @torch.no_grad()
    def _settle(self, neural: NeuralPart, found: HeldOut) -> None:
        """Choose what the closed form counts for new items beside the neural part, and what is added to the sum."""
        model = self._model
        most = max(_FEWEST_ASKED, _SCORES // (model.n_items + self._more))
        found = found.some(slice(None, None, -(-len(found.users) // most)))
        asked = found.by_rows(model.taken.matrix)

        def wider(rows: slice) -> tuple[Tensor, Tensor]:
            masked, positive = asked(rows)
            none = torch.zeros(len(masked), self._more, dtype=torch.bool)
            return torch.cat([masked, none], dim=1), torch.cat([positive, none], dim=1)

        users, known = found.users.numpy(), model.neural(found.users).cpu()
        new = neural.scores(users, model), None if self.closed is None else self.closed.scores(users, model)
        first, second = self._weights
        if new[1] is not None:
            closed = torch.from_numpy(model.closed_scores(found.users))
            if model.closed.settings.options.cold_scale is None:
                spread = spreads(known, closed, among(asked, ~model.cold.cpu()))
                self._weights = first, second * same_part(spread, (float(new[0].std()), float(new[1].std())))
            known = first * known + second * closed
        else:
            known = first * known
        scores = torch.cat([known, torch.from_numpy(self._sum(new, len(users)))], dim=1)
        self._shift = lift_cold(scores, torch.arange(scores.shape[1]) >= model.n_items, wider, model.cold_warm_loss)


def _with_text(config: Any, dataset: Any) -> list[str]:
    """Return the ids of the ``.item`` file without a number that have a text, each once, in its order."""
    known = dataset.field2token_id[dataset.iid_field]
    texts = feature_file(config, dataset, "item").other_texts(known, TextSettings.from_mapping(config))
    return [token for token, text in texts.items() if text is not None]


def why_not(model: Any, config: Any) -> str:
    """Return why a trained model does not score new items, or nothing if it does."""
    if not isinstance(model, KTRec | KTEASE):
        return f"[{type(model).__name__}] reads no texts"
    if config["prior"] == "none" or config["shuffle_texts"]:
        return "it was trained without item texts, or with those of others"
    if not model.content_items().any():
        return "none of the items that it knows has a text"
    return ""
