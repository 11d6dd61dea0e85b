"""KTEASE: EASE pulled towards what item texts say, in closed form (no gradient, no epochs).

The scores of a user are ``x B``, x the history (weighted by recency where that ranks better). Where what is made:

    KTEASE.solve        ktease_options.py reads the keys, text_priors.py makes K of the texts, nn/fit.py makes B of
                        the interactions and K (nn/closed_form.py has the formula), transfer_fit.py the same with an
                        artifact, nn/cold_users.py what users without a history get
    full_sort_predict   :meth:`KTEASE.scores`: x times what the fit left (nn/fitted.py), which a checkpoint keeps as
                        plain matrices
    predict             R(u, i) = sigma(a s + c) of some pairs, (a, c) from :meth:`KTEASE.fit`

ktease_trainer.py calls :meth:`KTEASE.fit` once; KTRec, which holds a KTEASE of its own, calls :meth:`KTEASE.solve`.
"""

from __future__ import annotations

import copy
import functools
from dataclasses import asdict
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from recbole.model.abstract_recommender import GeneralRecommender
from recbole.utils import InputType, ModelType
from torch import Tensor, nn

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.model.held_out import HeldOut, with_negatives
from recbole_ktrec.model.interactions import TrainingInteractions
from recbole_ktrec.model.item_text import feature_file
from recbole_ktrec.model.ktease_options import Settings, check_keys, read_number
from recbole_ktrec.model.ktease_trainer import KTEASETrainer
from recbole_ktrec.model.prior_shape import PriorShape
from recbole_ktrec.model.text_priors import Terms, TextPriors, untrained_texts
from recbole_ktrec.model.trained_encoder import take_encoder
from recbole_ktrec.model.transfer import TransferSettings
from recbole_ktrec.model.transfer_fit import TransferFit
from recbole_ktrec.nn.calibration import fit_platt
from recbole_ktrec.nn.cold_users import LIFTS, SHARES, choose_unknown, with_popularity
from recbole_ktrec.nn.fit import Fit
from recbole_ktrec.nn.fitted import Dense, Kernel, Sparse, as_matrices, count_items, scores_from, without_popular
from recbole_ktrec.nn.samples import Sample
from recbole_ktrec.nn.text_prior import no_prior

#: Pairs of :meth:`KTEASE.predict` are read from whole rows of scores, this many users at a time.
_USERS = 512


class KTEASE(GeneralRecommender):
    """EASE with a text prior; the keys are those of ``properties/model/KTEASE.yaml``.

    Before :meth:`fit`, which the trainer calls, every score is 0; a checkpoint brings the fitted scores back.

    Args:
        config, dataset: of RecBole.
        taken, transfer: the interactions of ``dataset`` and what is transferred, if they are read already.

    Attributes:
        trained_on: the interactions of ``dataset``.
        taken: those that scores are made from: these, or what :meth:`take` was given since.
    """

    input_type = InputType.POINTWISE
    type = ModelType.TRADITIONAL
    trainer_class = KTEASETrainer
    check_config = staticmethod(check_keys)

    def __init__(
        self,
        config: Any,
        dataset: Any,
        taken: TrainingInteractions | None = None,
        transfer: TransferSettings | None = None,
    ) -> None:
        super().__init__(config, dataset)
        take_encoder(config)
        self.taken = self.trained_on = taken or TrainingInteractions.of(dataset)
        ordered = 0 if self.taken.places is None else self.taken.places.nnz
        decay = self.taken.check_decay(read_number(config, "history_decay"))
        self.settings = Settings.read(config, self.n_items, decay, ordered)
        self.transfer = transfer or TransferSettings.read(config)
        if self.transfer is not None and self.settings.prior == "none":
            raise ConfigError("pretrained needs item texts, so prior must be [text].")
        self.zero_shot = config["transfer"] == "zero_shot"
        if self.zero_shot and self.settings.prior == "none":
            raise ConfigError("transfer [zero_shot] needs item texts, so prior must be [text].")
        self.seed = int(config["seed"])
        if self.settings.prior == "text":
            feature_file(config, dataset, "item")  # a missing file is told before anything is computed
        self._told = transfer is not None  # KTRec warns of copies by itself
        self.dummy_param = nn.Parameter(torch.zeros(1))  # RecBole's optimiser wants one
        self.source: tuple[Any, Any] | None = (config, dataset)
        self.with_text = torch.zeros(self.n_items, dtype=torch.bool)
        self.weights: dict[str, Any] = {}
        self.probability = (1.0, 0.0)
        self.transfer_choice: dict[str, Any] = {}
        self.other_parameter_name = ["weights", "probability", "with_text", "transfer_choice"]
        self._scores: Any = None
        self._nobody: np.ndarray | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> KTEASE:
        """Copy the module but share the matrices: RecBole copies the model to count its operations."""
        copied = self.__class__.__new__(self.__class__)
        memo[id(self)] = copied
        shared = {"weights", "source", "transfer", "_scores"}
        for name, value in self.__dict__.items():
            copied.__dict__[name] = value if name in shared else copy.deepcopy(value, memo)
        return copied

    @property
    def decay(self) -> float:
        """How fast interactions lose weight with their place from the end of a history, 0 before the fit."""
        return float(self.weights.get("decay", 0.0))

    @property
    def recent(self) -> float:
        """Share of the interactions, the latest ones, whose average stands for users without a history."""
        return float(self.weights.get("recent", 1.0))

    @property
    def lift(self) -> float:
        """Lift of items that nobody took, for users without a history, see :mod:`recbole_ktrec.nn.cold_users`."""
        return float(self.weights.get("lift", LIFTS[0]))

    def fit(self, found: HeldOut | None) -> None:
        """Solve and calibrate; ``found`` holds the interactions on which open numbers and calibration are chosen."""
        self.solve(found)
        if found is not None and not self.zero_shot:
            self._calibrate(found)

    def solve(self, found: HeldOut | None) -> None:
        """Solve without calibrating: for a model that only takes the scores."""
        if self.source is None:
            raise ConfigError("KTEASE cannot be fitted twice: build the model again.")
        sample = None if found is None else found.sample(self.taken.matrix, self.taken.places)
        # Who has no history says nothing of how histories should count.
        fitted = self._fitted(*self.source, sample.with_history() if sample else None)
        self.weights, self._scores, self._nobody = as_matrices(fitted), fitted, None
        if sample is not None and not self.zero_shot:
            shares = SHARES if self.taken.in_time is not None else SHARES[:1]
            recent, lift = choose_unknown(sample, self.taken.average, without_popular(fitted), shares)
            self.weights |= {"recent": recent, "lift": lift}
            new = f", and for them items that nobody took are lifted by {self.lift:g}" if self.lift > LIFTS[0] else ""
            average = "all that is taken" if self.recent == 1 else f"the latest {self.recent:.0%} of what is taken"
            self.logger.info(f"KTEASE: users without a history stand as {average}{new}")
        self.source = self.source if self.zero_shot else None  # zero-shot follows the histories, see fold_in

    def _fitted(self, config: Any, dataset: Any, sample: Sample | None) -> Dense | Sparse | Kernel:
        settings, taken = self.settings, self.taken
        if settings.prior == "none":
            return Fit(taken.matrix, no_prior(self.n_items), settings.options, sample, taken.places).run()
        texts = TextPriors(config, dataset, settings.neighbours, Terms(config, dataset, taken.matrix))
        self.with_text = torch.from_numpy(texts.found.has_text.copy())
        if self.transfer is None:
            prior = texts.prior(texts.whitened(settings.whitening), settings.lexical)
            if self.zero_shot:
                return Kernel(prior, settings.options.history_decay or 0.0)
            return Fit(taken.matrix, prior, settings.options, sample, taken.places).run()
        if not self._told:
            self.transfer.warn_of_copies(config, dataset, texts.found.hashes)
            self._told = True
        plain = functools.partial(untrained_texts, config, dataset, texts)
        fit = TransferFit(self.transfer, settings, texts, taken, sample, plain)
        fitted, self.transfer_choice = fit.run(), fit.choice
        return fitted

    def _calibrate(self, found: HeldOut) -> None:
        """Fit ``sigma(a s + c)`` on held-out interactions against as many random items."""
        row, item, label = with_negatives(found, found.excluded(self.taken.matrix), self.seed)
        self.probability = fit_platt(self.pairs(found.users[row].numpy(), item.numpy()), label)

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Return the scores of all items for ``users`` ``[m]``: float32 ``[m, n_items]``."""
        if not self.weights:
            return np.zeros((len(users), self.n_items), dtype=np.float32)
        unknown = self.taken.unknown(users)
        scores = np.empty((len(users), self.n_items), dtype=np.float32)
        scores[~unknown] = self.score(self.taken.weighted(self.decay)[users[~unknown]])
        if unknown.any():  # all users without a history have the same scores: those of one are made
            scores[unknown] = self._of_nobody()
        return scores

    def score(self, histories: sp.csr_matrix) -> np.ndarray:
        """Return the scores of all items that ``histories`` ``[m, n_items]`` give, as :meth:`fit` left them."""
        return np.asarray(self.scorer()(histories))

    def scorer(self) -> Any:
        """Return what the fit left, as it scores histories."""
        if self._scores is None:
            self._scores = scores_from(self.weights)
        return self._scores

    def _of_nobody(self) -> np.ndarray:
        """Return what users without a history get, by the one that stands for theirs: float32 ``[1, n_items]``."""
        found = self._nobody
        if found is None:  # the average history is a long one: a service is asked for it again and again
            average = self.taken.average(self.recent)
            if self.zero_shot:  # it learns nothing, popularity neither
                found = self.score(average)
            else:
                scores = without_popular(self.scorer())(average)
                found = with_popularity(scores, average, self.taken.known, self.lift)
            self._nobody = found
        return found

    def pairs(self, users: np.ndarray, items: np.ndarray) -> Tensor:
        """Return the scores of (user, item) pairs, ``[n]`` each: float32 ``[n]``."""
        distinct, index = np.unique(users, return_inverse=True)
        result = np.empty(len(users), dtype=np.float32)
        for start in range(0, len(distinct), _USERS):
            here = np.flatnonzero((index >= start) & (index < start + _USERS))
            result[here] = self.scores(distinct[start : start + _USERS])[index[here] - start, items[here]]
        return torch.from_numpy(result)

    def fold_in(self, dataset: Any, numbers: np.ndarray | None = None) -> None:
        """Take the users' histories from ``dataset``, new users' among them, without solving again.

        Args:
            numbers: of its items in the training, where they may have others, see
                :meth:`recbole_ktrec.model.interactions.TrainingInteractions.again`.

        Raises:
            DataError: its items have other numbers than those of the training, or it lacks times that the fit needs.
        """
        self.take(self.read_again(dataset, numbers))

    def read_again(
        self, dataset: Any, numbers: np.ndarray | None = None, read: TrainingInteractions | None = None
    ) -> TrainingInteractions:
        """Return what :meth:`fold_in` takes, without taking it; ``read``: if they are read already."""
        return self.trained_on.again(dataset, self.decay, self.recent, numbers, read)

    def with_histories(self, taken: TrainingInteractions) -> KTEASE:
        """Return a model of the same fit with other histories; this one keeps its own, and threads may ask both."""
        if self.weights:
            self.scorer()  # once, for all of them
        other = copy.copy(self)
        other.take(taken)
        return other

    def take(self, taken: TrainingInteractions) -> None:
        """Take the users' histories from ``taken``, see :meth:`fold_in`.

        The shape of a transferred prior that is all there is goes by the length of the histories, so by these.
        """
        same, self.taken = (taken.base or taken) is (self.taken.base or self.taken), taken
        if same:
            return
        self._nobody = None
        if self.zero_shot and self.transfer is not None and self.source is not None:
            self.transfer.refuse_other(self.transfer_choice.get("weights_sha256"))
            plain = PriorShape(lexical_weight=self.settings.lexical.weight)
            shape = asdict(self.transfer.artifact.shape_for((taken.base or taken).matrix, plain))
            if shape != self.transfer_choice.get("shape"):
                self.solve(None)

    def content_items(self) -> Tensor:
        """Return which items have a text that the fit has read: bool ``[n_items]``."""
        return self.with_text

    def calculate_loss(self, interaction: Any) -> Tensor:
        """Return 0: nothing is trained by gradient."""
        return self.dummy_param.sum() * 0

    def predict(self, interaction: Any) -> Tensor:
        """Return R(u, i), a probability, for the pairs of the batch: ``[batch_size]``."""
        scores = self.pairs(interaction[self.USER_ID].cpu().numpy(), interaction[self.ITEM_ID].cpu().numpy())
        slope, shift = self.probability
        return torch.sigmoid(slope * scores + shift).to(self.device)

    def full_sort_predict(self, interaction: Any) -> Tensor:
        """Return the scores of every item for the users of the batch, flat: ``[batch_size * n_items]``."""
        return torch.from_numpy(self.scores(interaction[self.USER_ID].cpu().numpy()).reshape(-1)).to(self.device)

    def load_other_parameter(self, para: Any) -> None:
        """Take the matrices of a checkpoint.

        Raises:
            ConfigError: they are for another catalogue.
        """
        if para and para["weights"] and count_items(para["weights"]) != self.n_items:
            raise ConfigError(
                f"The checkpoint is for [{count_items(para['weights'])}] items, the data set has [{self.n_items}]: "
                "load it with the data and the settings that it was made with."
            )
        super().load_other_parameter(para)
        self._scores = self._nobody = None
