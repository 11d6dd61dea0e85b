"""KTEASE with knowledge from other data sets: transferred text priors, which compete with those without transfer."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.model.interactions import TrainingInteractions
from recbole_ktrec.model.ktease_options import Settings
from recbole_ktrec.model.prior_shape import PriorShape
from recbole_ktrec.model.text_priors import TextPriors
from recbole_ktrec.model.transfer import VARIANTS, TransferSettings, listed, means, pick, reasons, shown
from recbole_ktrec.model.transfer_priors import TransferPriors
from recbole_ktrec.nn.fit import Fit
from recbole_ktrec.nn.fitted import Dense, Kernel, Sparse
from recbole_ktrec.nn.samples import FEWEST, Sample

#: What ``adapter`` tries on the validation data.
_STRENGTHS, _POWERS = (0.0, 0.5, 1.0), (1.0, 2.0)
_logger = logging.getLogger(__name__)


class TransferFit:
    """One fit of KTEASE with an artifact.

    Args:
        transfer: the artifact, and how it is taken.
        settings: of the model; whitening and terms are those of the prior without transfer.
        texts: of the target.
        taken: training interactions of the target.
        sample: validation interactions, or None.
        plain: gives the text priors without transfer, others than ``texts`` where the artifact brought its own language
            model.
    """

    def __init__(self, transfer: TransferSettings, settings: Settings, texts: TextPriors, taken: TrainingInteractions,
                 sample: Sample | None, plain: Callable[[], TextPriors]) -> None:  # fmt: skip
        transfer.artifact.check(texts.found.fingerprint, texts.found.matrix.shape[1])
        self.transfer, self.settings, self.texts = transfer, settings, texts
        self.places, self.interactions = taken.places, taken.matrix
        self.options, self.sample, self._plain = settings.options, sample, plain
        # Too few choose nothing: the numbers of the nearest source are taken.
        if sample is None or int(taken.known[sample.positives.indices].sum()) < FEWEST:
            self.options, self.sample = transfer.artifact.filled(settings.options, taken.matrix), None
        weight = settings.lexical.weight
        self.shape = transfer.artifact.shape_for(taken.matrix, PriorShape(lexical_weight=weight))
        if self._taught:
            self.shape = replace(self.shape, lexical_weight=weight)
        self.choice: dict[str, Any] = {"transfer": transfer.how, "shape": asdict(self.shape)}
        self.choice["weights_sha256"] = transfer.artifact.card["weights_sha256"]

    def run(self) -> Dense | Sparse | Kernel:
        """Return what scores; ``choice`` says what was taken and why."""
        if self.transfer.zero_shot:
            self._note("transferred", "zero-shot: of the target only the length of histories decides", {})
            return Kernel(self._priors.transferred(self.shape), self.options.history_decay or 0.0)
        if self.sample is None:
            self._note("transferred", "too few validation interactions to compare", {})
            return self._fit(self._transferred()).run()
        if not self.transfer.guard:
            fitted = self._fit(self._transferred()).run()
            self._note("transferred", "transfer_guard is off", means({"transferred": self._ndcg(fitted)}))
            return fitted
        return self._compete()

    def _compete(self) -> Dense | Sparse:
        """Fit every variant whole: what is compared is what would be used, items without interactions included."""
        texts = self._plain()
        plain = self._fit(texts.prior(texts.whitened(self.settings.whitening), self.settings.lexical))
        variants: dict[str, Callable[[], Fit]] = {
            "untrained": lambda: plain,  # first: the others share its leading directions and what it chose
            "scratch": lambda: plain.with_prior(self._priors.scratch(texts, self.shape.exponent), plain.settled()),
            "transferred": lambda: plain.with_prior(self._transferred(plain), plain.settled()),
        }
        values = dict[str, np.ndarray]()
        for name in VARIANTS:
            fitted = variants[name]().run()
            values[name] = self._ndcg(fitted)
            if pick(values) == name:  # the first one always is
                used, kept = name, fitted
            del fitted  # one beside the next fit: each may be of n_items^2 numbers
        why = f"NDCG@10 of {len(values[used])} validation users; {reasons(values)}"
        self._note(used, why, means(values))
        return kept

    def _ndcg(self, fitted: Dense | Sparse) -> np.ndarray:
        """Return NDCG@10 of each held-out user, ``[n_users]``."""
        assert self.sample is not None
        return self.sample.decayed(fitted.decay).ndcg_with(fitted)

    def _fit(self, prior: sp.csc_matrix) -> Fit:
        return Fit(self.interactions, prior, self.options, self.sample, self.places)

    @property
    def _taught(self) -> bool:
        """Whether the target teaches what terms say: they then count as much as without transfer."""
        return self.settings.lexical.learned and self.sample is not None

    @functools.cached_property
    def _priors(self) -> TransferPriors:
        return TransferPriors(self.transfer, self.texts, self.interactions, self.settings.lexical, self._taught)

    def _transferred(self, plain: Fit | None = None) -> sp.csc_matrix:
        if self.transfer.how == "adapter" and self.sample is not None:
            return self._adapted(plain)
        return self._priors.transferred(self.shape)

    def _adapted(self, plain: Fit | None) -> sp.csc_matrix:
        """Return the best prior over strengths and powers, all other numbers being those of the fit without transfer
        (or, without one, with the artifact's own shape)."""
        best = self._priors.transferred(self.shape)
        fit = self._fit(best) if plain is None else plain
        options, shape = fit.settled(), self.shape
        ndcg = fit.with_prior(best, options).quick_ndcg()
        grid = [replace(self.shape, strength=s, power=p) for s in _STRENGTHS for p in _POWERS if s or p != 1]
        for tried in [one for one in grid if one != self.shape]:
            prior = self._priors.transferred(tried)
            found = fit.with_prior(prior, options).quick_ndcg()
            if found > ndcg:
                ndcg, shape, best = found, tried, prior
        self.choice["shape"] = asdict(shape)
        return best

    def _note(self, used: str, why: str, scores: Mapping[str, float]) -> None:
        why = why if scores else self.transfer.artifact.taken_because(why, self.interactions)
        self.choice |= {"used": used, "why": why, "ndcg": dict(scores)}
        _logger.info(f"Transfer [{self.transfer.how}]: {shown(used)} is used ({why}){listed(scores)}")
