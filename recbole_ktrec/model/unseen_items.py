"""Items that a trained model has no number for, scored by their text: they came since, or nobody took them in training.

The closed form scores them as it does items without interactions (:mod:`recbole_ktrec.nn.cold_items`), the neural part
as an item whose ID says nothing. Nothing is trained. How high they stand among the others is chosen on the validation
interactions, as in training where nobody asks for new items: they may cost known ones as much of their NDCG@10 as
``cold_warm_loss`` says, by default 2 %, or their share of the catalogue where that is less. ``cold_scale``, if it is
given, holds for the closed form, as in training. Where both parts count, the closed form's scores of new items are
first brought to the share of the sum that they have among known items, and one number is added to the sum.

Texts are read as the model reads those of its own items: as the artifact that it took moves them, or by the encoder
that was trained with it. With transfer ``zero_shot`` nothing is learned from interactions, so new items are scored just
as the others are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from recbole_ktrec.atomic import encoding_of
from recbole_ktrec.errors import ConfigError
from recbole_ktrec.model.held_out import HeldOut
from recbole_ktrec.model.item_text import feature_file, load_item_text, load_texts
from recbole_ktrec.model.ktease import KTEASE
from recbole_ktrec.model.ktrec import KTRec
from recbole_ktrec.model.prior_shape import PriorShape
from recbole_ktrec.model.text_priors import Terms, TextPriors
from recbole_ktrec.model.trained_encoder import UntrainedEncoder
from recbole_ktrec.model.transfer_priors import TransferPriors
from recbole_ktrec.nn.blend import among, same_part, spreads
from recbole_ktrec.nn.cold_items import ColdItems, Level
from recbole_ktrec.nn.cold_level import choose_level
from recbole_ktrec.nn.cold_shift import lift_cold
from recbole_ktrec.nn.fitted import Kernel
from recbole_ktrec.nn.samples import Sample
from recbole_ktrec.nn.whitening import fit_whitening
from recbole_ktrec.text import TextSettings, other_texts

#: Scores by which KTRec's level is chosen, those of so many users at least, evenly spread: new items may be many more
#: than known ones, by which held-out users are counted.
_SCORES, _FEWEST_ASKED = 40_000_000, 200


class UnseenItems:
    """The items of the ``.item`` file that have a text and no number, as ``model`` scores them.

    Args:
        model: KTRec or KTEASE, trained.
        dataset: RecBole's, of the training.
        found: validation interactions, None without any.

    Attributes:
        tokens: their ids.

    Raises:
        ConfigError: the model does not score items by the texts as they are.
    """

    def __init__(self, model: Any, dataset: Any, found: HeldOut | None) -> None:
        self.model, config = model, dataset.config
        if why := why_not(model, config):
            raise ConfigError(f"New items are not scored by this model: {why}.")
        view = _Wider(dataset, _with_text(config, dataset))
        self.tokens = view.more
        closed = model if isinstance(model, KTEASE) else model.blended_form()
        self._closed = None if closed is None or not self.tokens else _ClosedForm(closed, config, view, found)
        neural = isinstance(model, KTRec) and bool(model.blend[0]) and self.tokens
        self._neural = _Neural(model, config, view) if neural else None
        self._weights = (0.0, 1.0) if isinstance(model, KTEASE) else tuple(model.blend.tolist())
        self._shift = getattr(model, "cold_shift", 0.0) * self._weights[0]
        if self._neural is not None and found is not None:
            self._settle(self._neural, found)

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Return their scores for ``users`` ``[m]``, internal ids: float32 ``[m, c]``, -inf without a history."""
        parts = [None if part is None else part.scores(users) for part in (self._neural, self._closed)]
        found = self._sum(parts, len(users)) + np.float32(self._shift)
        found[self.model.taken.unknown(users)] = -np.inf
        return found

    def _sum(self, parts: Sequence[np.ndarray | None], users: int) -> np.ndarray:
        found = np.zeros((users, len(self.tokens)), dtype=np.float32)
        for weight, part in zip(self._weights, parts, strict=True):
            if part is not None:
                found += np.float32(weight) * part
        return found

    @torch.no_grad()
    def _settle(self, neural: _Neural, found: HeldOut) -> None:
        """Choose what the closed form counts for new items beside the neural part, and what is added to the sum."""
        model = self.model
        most = max(_FEWEST_ASKED, _SCORES // (model.n_items + len(self.tokens)))
        found = found.some(slice(None, None, -(-len(found.users) // most)))

        def asked(rows: slice) -> tuple[Tensor, Tensor]:
            return found.some(rows).asked(model.taken.matrix)

        def wider(rows: slice) -> tuple[Tensor, Tensor]:
            masked, positive = asked(rows)
            none = torch.zeros(len(masked), len(self.tokens), dtype=torch.bool)
            return torch.cat([masked, none], dim=1), torch.cat([positive, none], dim=1)

        users, known = found.users.numpy(), model.neural(found.users).cpu()
        new = neural.scores(users), None if self._closed is None else self._closed.scores(users)
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


class _Wider:
    """A data set with more items, as far as texts are read from it."""

    def __init__(self, dataset: Any, more: list[str]) -> None:
        self.more, self.dataset_path, self.dataset_name = more, dataset.dataset_path, dataset.dataset_name
        known = [str(token) for token in dataset.field2id_token[dataset.iid_field]]
        self.field2id_token = {dataset.iid_field: known + more}


class _ClosedForm:
    """What KTEASE makes of them."""

    def __init__(self, part: KTEASE, config: Any, view: _Wider, found: HeldOut | None) -> None:
        self._part, self._more, n = part, len(view.more), part.n_items
        settings, matrix = part.settings, self._wider(part.taken.matrix)
        prior, texts = self._prior(config, view, matrix)
        self._kernel = Kernel(prior, part.decay) if part.zero_shot else None
        known = np.append(part.taken.known, np.zeros(self._more, dtype=bool))
        cold, options = ColdItems.of(prior, known, np.arange(n, n + self._more)), settings.options
        self._cold = replace(cold, scale=options.plain_cold_scale)
        sample = None if found is None or part.zero_shot else self._sample(found, matrix).with_history()
        if sample is not None and options.cold_scale is None:
            level = self._level(sample, prior, known, known & texts.found.has_text)
            self._cold = replace(self._cold, **vars(level))

    def _prior(self, config: Any, view: _Wider, matrix: sp.csr_matrix) -> tuple[sp.csc_matrix, TextPriors]:
        """Return the prior that the fit took, of all items, and the texts that it is of."""
        settings, transfer, choice = self._part.settings, self._part.transfer, self._part.transfer_choice
        terms = Terms(config, view, matrix)
        texts = TextPriors(_as_read(config, choice), view, settings.neighbours, terms)
        if transfer is not None and choice.get("used", "untrained") != "untrained":
            transfer.refuse_other(choice.get("weights_sha256"))
            taught = settings.lexical.learned and bool(choice["ndcg"])  # measured: there were validation interactions
            return TransferPriors(transfer, texts, matrix, settings.lexical, taught).settled(choice), texts
        return texts.prior(texts.whitened(settings.whitening), settings.lexical), texts

    def _level(self, sample: Sample, prior: sp.csc_matrix, known: np.ndarray, with_text: np.ndarray) -> Level:
        options, otherwise, of_known = self._part.settings.options, Level(self._cold.scale), sample.enough_of(known)
        return choose_level(self._cold, prior, with_text, options, of_known, sample, self._known_items, otherwise)

    def _sample(self, found: HeldOut, matrix: sp.csr_matrix) -> Sample:
        taken = self._part.taken
        places = None if taken.places is None else self._wider(taken.places)
        absent = None if found.absent is None else np.append(found.absent, np.zeros(self._more, dtype=bool))
        refused = None if found.refused is None else self._wider(found.refused)
        return replace(found, absent=absent, refused=refused).sample(matrix, places).decayed(self._part.decay)

    def _wider(self, rows: sp.csr_matrix) -> sp.csr_matrix:
        return sp.csr_matrix((rows.data, rows.indices, rows.indptr), (rows.shape[0], self._part.n_items + self._more))

    def _known_items(self, rows: sp.csr_matrix) -> np.ndarray:
        scores = self._part.score(sp.csr_matrix(rows[:, : self._part.n_items]))
        return np.pad(scores, ((0, 0), (0, self._more)))

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Return them for ``users`` ``[m]``: ``[m, c]``."""
        rows = self._wider(self._part.taken.weighted(self._part.decay)[users])
        if self._kernel is not None:
            return self._kernel(rows)[:, self._part.n_items :]
        scores = self._known_items(rows)
        self._cold.fill(rows, scores)
        return scores[:, self._part.n_items :]


class _Neural:
    """What the neural part of KTRec makes of them."""

    def __init__(self, model: KTRec, config: Any, view: _Wider) -> None:
        self._model = model
        rows = torch.from_numpy(self._texts(config, view)).to(model.device)
        self._items = model.net.item_fusion(torch.zeros_like(rows), model.net.item_tower(rows)).detach()

    def _texts(self, config: Any, view: _Wider) -> np.ndarray:
        """Return the vectors of their texts as the towers read them, ``[c, width]``."""
        model, n = self._model, self._model.n_items
        if model.live is not None:
            return np.asarray(model.live.vectors(load_texts(config, view)[n:]).cpu().numpy())
        found = load_item_text(_as_read(config, model.transfer_choice), view)
        taken = model.transfer if model.transfer_choice.get("used") == "transferred" else None
        power, width = float(config["whitening"]), config["embedding_size"]
        if taken is not None:
            power, width = taken.settings.artifact.whitening, None
        rows = fit_whitening(found.matrix[np.flatnonzero(found.has_text[:n])], power, width).rows(
            found.matrix[n:], found.has_text[n:]
        )
        return rows if taken is None else taken.settings.artifact.transferred(rows, PriorShape(**taken.origin["shape"]))

    @torch.no_grad()
    def scores(self, users: np.ndarray) -> np.ndarray:
        """Return them for ``users`` ``[m]``: ``[m, c]``."""
        net, vectors = self._model.net, self._model.user_vectors(torch.from_numpy(users).to(self._model.device))
        return np.asarray((net.scorer.grid(vectors, self._items) + net.base).cpu().numpy())


def _with_text(config: Any, dataset: Any) -> list[str]:
    """Return the ids of the ``.item`` file without a number that have a text, each once, in its order."""
    path, known = feature_file(config, dataset, "item"), dataset.field2token_id[dataset.iid_field]
    texts = other_texts(path, dataset.iid_field, known, TextSettings.from_mapping(config), encoding_of(config))
    return [token for token, text in texts.items() if text is not None]


def _as_read(config: Any, choice: Mapping[str, Any]) -> Any:
    """Return the configuration by which a part of the model reads texts: without the encoder of an artifact
    (``pretrained``) where the guard has left the artifact out (``choice``)."""
    return config if choice.get("used") == "transferred" else UntrainedEncoder.of(config)


def why_not(model: Any, config: Any) -> str:
    """Return why a trained model does not score new items, or nothing if it does."""
    if not isinstance(model, KTRec | KTEASE):
        return f"[{type(model).__name__}] reads no texts"
    if config["prior"] == "none" or config["shuffle_texts"]:
        return "it was trained without item texts, or with those of others"
    if not model.content_items().any():
        return "none of the items that it knows has a text"
    return ""
