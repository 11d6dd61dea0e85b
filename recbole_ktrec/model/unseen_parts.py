"""What each part of a model makes of items that it has no number for, see :mod:`recbole_ktrec.model.unseen_items`.

Texts are read as the model reads those of its own items: as the artifact that it took moves them, or by the encoder
that was trained with it. With transfer ``zero_shot`` nothing is learned from interactions, so new items are scored just
as the others are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch

from recbole_ktrec.model.held_out import HeldOut
from recbole_ktrec.model.interactions import TrainingInteractions
from recbole_ktrec.model.item_text import load_item_text, load_texts
from recbole_ktrec.model.ktease import KTEASE
from recbole_ktrec.model.ktrec import KTRec
from recbole_ktrec.model.prior_shape import PriorShape
from recbole_ktrec.model.text_priors import Terms, TextPriors
from recbole_ktrec.model.trained_encoder import UntrainedEncoder
from recbole_ktrec.model.transfer_priors import TransferPriors
from recbole_ktrec.nn.cold_items import ColdItems, shares
from recbole_ktrec.nn.cold_level import Evidence, choose_level
from recbole_ktrec.nn.fitted import Kernel
from recbole_ktrec.nn.samples import Sample
from recbole_ktrec.nn.whitening import fit_whitening


class Wider:
    """A data set with more items, as far as texts are read from it."""

    def __init__(self, dataset: Any, more: list[str]) -> None:
        self.more, self.dataset_path, self.dataset_name = more, dataset.dataset_path, dataset.dataset_name
        known = [str(token) for token in dataset.field2id_token[dataset.iid_field]]
        self.field2id_token = {dataset.iid_field: known + more}


class ClosedPart:
    """What KTEASE makes of them."""

    def __init__(self, part: KTEASE, config: Any, view: Wider, found: HeldOut | None) -> None:
        self._part, self._more, n = part, len(view.more), part.n_items
        self._training = part.trained_on
        settings, matrix = part.settings, self._wider(self._training.matrix)
        prior, texts = self._prior(config, view, matrix)
        self._kernel = Kernel(prior, part.decay) if part.zero_shot else None
        learned = self._training.known
        known = np.append(learned, np.zeros(self._more, dtype=bool))
        # Of those that have a number and no interactions in the training the fit says no more than of these.
        self._silent = np.flatnonzero(~learned & texts.found.has_text[:n] & (not part.zero_shot))
        speaking = np.append(self._silent, np.arange(n, n + self._more))
        self._alike = sp.csr_matrix(shares(prior[:n, speaking].power(2), learned).T, dtype=np.float32)
        cold, options = ColdItems.of(prior, known, np.arange(n, n + self._more)), settings.options
        self._cold = replace(cold, scale=options.plain_cold_scale)
        sample = None if found is None or part.zero_shot else self._sample(found, matrix).with_history()
        if self._more and sample is not None and options.cold_scale is None:
            evidence = Evidence(prior, known & texts.found.has_text, sample.enough_of(known), sample, self._known_items)
            self._cold = choose_level(self._cold, evidence, options.cold_warm_loss)

    def _prior(self, config: Any, view: Wider, matrix: sp.csr_matrix) -> tuple[sp.csc_matrix, TextPriors]:
        """Return the prior that the fit took, of all items, and the texts that it is of."""
        settings, transfer, choice = self._part.settings, self._part.transfer, self._part.transfer_choice
        terms = Terms(config, view, matrix)
        texts = TextPriors(_as_read(config, choice), view, settings.neighbours, terms)
        if transfer is not None and choice.get("used", "untrained") != "untrained":
            transfer.refuse_other(choice.get("weights_sha256"))
            taught = settings.lexical.learned and bool(choice["ndcg"])  # measured: there were validation interactions
            return TransferPriors(transfer, texts, matrix, settings.lexical, taught).settled(choice), texts
        return texts.prior(texts.whitened(settings.whitening), settings.lexical), texts

    def _sample(self, found: HeldOut, matrix: sp.csr_matrix) -> Sample:
        taken = self._training
        places = None if taken.places is None else self._wider(taken.places)
        absent = None if found.absent is None else np.append(found.absent, np.zeros(self._more, dtype=bool))
        refused = None if found.refused is None else self._wider(found.refused)
        return replace(found, absent=absent, refused=refused).sample(matrix, places).decayed(self._part.decay)

    def _wider(self, rows: sp.csr_matrix) -> sp.csr_matrix:
        return sp.csr_matrix((rows.data, rows.indices, rows.indptr), (rows.shape[0], self._part.n_items + self._more))

    def _known_items(self, rows: sp.csr_matrix) -> np.ndarray:
        scores = self._part.score(sp.csr_matrix(rows[:, : self._part.n_items]))
        return np.pad(scores, ((0, 0), (0, self._more)))

    def among_known(self, taken: TrainingInteractions, new: sp.csr_matrix) -> sp.csr_matrix:
        """Return what histories ``new`` ``[m, c]`` of such items say, as weights of the model's own ``[m, n_items]``.

        Each is one interaction, shared among the items that the training has interactions of by the squared prior: K^2
        of :mod:`recbole_ktrec.nn.cold_items`, with columns that sum to 1. So are those of ``taken`` with items that
        have a number, a text and no interactions in the training, where the user has no others: beside others they
        took more than they gave.
        """
        nothing = taken.matrix @ self._training.known.astype(np.float32) == 0
        rows = sp.diags(nothing.astype(np.float32)) @ taken.matrix[:, self._silent]
        return sp.csr_matrix(sp.hstack([rows, new]) @ self._alike, dtype=np.float32)

    def scores(self, users: np.ndarray, model: Any) -> np.ndarray:
        """Return them for ``users`` ``[m]`` by the histories of ``model``: ``[m, c]``."""
        taken = model.taken
        rows = self._wider(taken.weighted(self._part.decay)[users])
        if taken.new is not None:
            rows = sp.csr_matrix(sp.hstack([rows[:, : self._part.n_items], taken.new[users]]), dtype=np.float32)
        if self._kernel is not None:
            return self._kernel(rows)[:, self._part.n_items :]
        scores = self._known_items(rows)
        self._cold.fill(rows, scores)
        return scores[:, self._part.n_items :]


class NeuralPart:
    """What the neural part of KTRec makes of them."""

    def __init__(self, model: KTRec, config: Any, view: Wider) -> None:
        self._model = model
        rows = torch.from_numpy(self._texts(config, view)).to(model.device)
        self._items = model.net.item_fusion(torch.zeros_like(rows), model.net.item_tower(rows)).detach()

    def _texts(self, config: Any, view: Wider) -> np.ndarray:
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
    def scores(self, users: np.ndarray, model: KTRec) -> np.ndarray:
        """Return them for ``users`` ``[m]`` by the histories of ``model``: ``[m, c]``."""
        net, vectors = model.net, model.user_vectors(torch.from_numpy(users).to(model.device))
        return np.asarray((net.scorer.grid(vectors, self._items) + net.base).cpu().numpy())


def _as_read(config: Any, choice: Mapping[str, Any]) -> Any:
    """Return the configuration by which a part of the model reads texts: without the encoder of an artifact
    (``pretrained``) where the guard has left the artifact out (``choice``)."""
    return config if choice.get("used") == "transferred" else UntrainedEncoder.of(config)
