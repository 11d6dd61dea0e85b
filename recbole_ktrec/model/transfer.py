"""KTEASE with knowledge from other data sets: transferred text priors, and a guard that takes them only if they pay."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.errors import ConfigError, DataError, number, one_of, switch
from recbole_ktrec.model import same_data
from recbole_ktrec.model.artifact import Artifact, PriorShape, load, read_card
from recbole_ktrec.model.interactions import TrainingInteractions
from recbole_ktrec.model.text_priors import Lexical, TextPriors
from recbole_ktrec.nn.co_consumption import co_consumption, mapped, metric, pooled
from recbole_ktrec.nn.fit_options import Options
from recbole_ktrec.nn.fitted import Dense, Kernel, Sparse
from recbole_ktrec.nn.item_item import Fit
from recbole_ktrec.nn.samples import FEWEST, Sample
from recbole_ktrec.nn.tuning import beyond_standard_error, standard_error

TRANSFERS = ("zero_shot", "frozen", "adapter", "full")
#: What ``adapter`` tries on the validation data.
_STRENGTHS, _POWERS = (0.0, 0.5, 1.0), (1.0, 2.0)
#: What competes, the plainest first.
VARIANTS = ("untrained", "scratch", "transferred")
#: Standard errors by which they must be ahead. The metric of the target is learned from the very users that are asked.
PROOF = {"scratch": 2.0, "transferred": 1.0}
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TransferSettings:
    """The keys ``pretrained`` and ``transfer*``, checked.

    Attributes:
        artifact: what ``pretrained`` names.
        how: one of ``TRANSFERS``.
        guard: whether the variants compete.
        prior_count: interactions that the sources' statistics stand for with ``full``.
    """

    artifact: Artifact
    how: str
    guard: bool
    prior_count: float

    @classmethod
    def read(cls, config: Any) -> TransferSettings | None:
        """Return the settings, or None where nothing is transferred.

        Raises:
            ConfigError: a value cannot be used.
            DataError: the artifact cannot be read.
        """
        how, guard, count = read_keys(config)
        if config["pretrained"] is None:
            return None
        artifact = load(Path(str(config["pretrained"])).expanduser())
        if warning := leakage(artifact, config):
            _logger.warning(warning)
        return cls(artifact, how, guard, count)

    @property
    def zero_shot(self) -> bool:
        """Whether nothing is learned from the target."""
        return self.how == "zero_shot"

    def refuse_other(self, weights_sha256: str | None) -> None:
        """Refuse an artifact with other weights than those of the digest, None for not known.

        Raises:
            DataError: they differ.
        """
        if weights_sha256 not in (None, self.artifact.card["weights_sha256"]):
            raise other_artifact(self.artifact.folder)


def read_keys(config: Any) -> tuple[str, bool, float]:
    """Return ``transfer``, ``transfer_guard`` and ``transfer_prior_count``; what ``pretrained`` names has a card.

    Raises:
        ConfigError: a value cannot be used.
        DataError: ``pretrained`` is not the folder of an artifact.
    """
    how = one_of("transfer", config["transfer"], TRANSFERS)
    guard = switch("transfer_guard", config["transfer_guard"])
    count = number("transfer_prior_count", config["transfer_prior_count"], above=0)
    if config["pretrained"] is not None:
        read_card(Path(str(config["pretrained"])).expanduser())
    elif how in ("adapter", "full"):
        raise ConfigError(f"transfer [{how}] needs pretrained: the folder that `ktrec pretrain` wrote.")
    return how, guard, count


def other_artifact(folder: Path | None) -> DataError:
    """Return the error of a checkpoint that was made with another artifact than ``folder`` now holds."""
    return DataError(
        f"pretrained: [{folder}] is another artifact than the one that the checkpoint was trained with: "
        "make it again from the same sources and settings, or train again."
    )


def leakage(artifact: Artifact, config: Any) -> str:
    """Return the warning that the run's own data are among the sources, or nothing.

    Args:
        config: with the run's ``dataset`` and the folder of its files, ``data_path``.
    """
    source = artifact.learned_from(same_data.names(config), same_data.inter_sha256(config))
    return leakage_warning(artifact.folder, source) if source else ""


def leakage_warning(folder: Path | None, source: str) -> str:
    """Return the warning that an artifact knows the answers."""
    return (
        f"The artifact [{folder}] was learned from [{source}], this run's own data, held-out interactions included: "
        "what it gives here is no measure of transfer."
    )


def pick(values: Mapping[str, np.ndarray]) -> str:
    """Return the plainest variant, or one that beats what is plainer by as many standard errors as ``PROOF`` says.

    Args:
        values: NDCG@10 of the same held-out users with each variant, ``[n_users]``; paired differences count.
    """
    used, *others = [name for name in VARIANTS if name in values]
    for name in others:
        if beyond_standard_error(values[name] - values[used], errors=PROOF[name]):
            used = name
    return used


def reasons(values: Mapping[str, np.ndarray]) -> str:
    """Return by how much each variant is ahead of the one that stood before it, and what is asked for."""
    (first, *others), told = [name for name in VARIANTS if name in values], list[str]()
    for at, name in enumerate(others):
        standing = pick({one: values[one] for one in (first, *others[:at])})
        gain = values[name] - values[standing]
        errors = PROOF[name]
        asked = f"{errors:g} standard errors are" if errors > 1 else f"{errors:g} standard error is"
        ahead = f"{gain.mean():+.4f}" if gain.any() else "no different"
        told.append(f"{name} is {ahead} from {standing}, {asked} asked for, {errors * standard_error(gain):.4f}")
    return "; ".join(told)


def means(values: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return the mean of each variant, as it is logged and stored."""
    return {name: float(value.mean()) for name, value in values.items()}


def listed(scores: Mapping[str, float]) -> str:
    """Return the means for a log, or nothing where there are none."""
    return ": " * bool(scores) + ", ".join(f"{shown(name)} {score:.4f}" for name, score in scores.items())


def shown(variant: str) -> str:
    """Return how a log calls a variant: `ktrec transfer-report` calls another one scratch, the untrained."""
    return "learned here alone" if variant == "scratch" else variant


class TransferFit:
    """One fit of KTEASE with an artifact.

    Args:
        settings: of the transfer.
        texts: of the target.
        taken: training interactions of the target.
        options: of the fit.
        sample: validation interactions, or None.
        whitening, lexical: of the prior without transfer.
        plain: gives the text priors without transfer, where the artifact brought its own language model.
    """

    def __init__(self, settings: TransferSettings, texts: TextPriors, taken: TrainingInteractions, options: Options,
                 sample: Sample | None, whitening: float, lexical: Lexical,
                 plain: Callable[[], TextPriors] | None = None) -> None:  # fmt: skip
        settings.artifact.check(texts.found.fingerprint, texts.found.matrix.shape[1])
        self.settings, self.texts, self.places, self.interactions = settings, texts, taken.places, taken.matrix
        self._plain = plain or (lambda: texts)
        self.options, self.sample = options, sample
        self.whitening, self.lexical = whitening, lexical
        # Too few choose nothing: the numbers of the nearest source are taken.
        if sample is None or int(taken.known[sample.positives.indices].sum()) < FEWEST:
            self.options, self.sample = settings.artifact.filled(options, taken.matrix), None
        self.shape = settings.artifact.shape_for(taken.matrix, PriorShape(lexical_weight=lexical.weight))
        if self._taught:
            self.shape = replace(self.shape, lexical_weight=lexical.weight)
        self.choice: dict[str, Any] = {"transfer": settings.how, "shape": asdict(self.shape)}
        self.choice["weights_sha256"] = settings.artifact.card["weights_sha256"]

    def run(self) -> Dense | Sparse | Kernel:
        """Return what scores; ``choice`` says what was taken and why."""
        if self.settings.zero_shot:
            self._note("transferred", "zero-shot: of the target only the length of histories decides", {})
            return Kernel(self._carried(self.shape), self.options.history_decay or 0.0)
        if self.sample is None:
            self._note("transferred", "too few validation interactions to compare", {})
            return self._fit(self._transferred()).run()
        if not self.settings.guard:
            fitted = self._fit(self._transferred()).run()
            self._note("transferred", "transfer_guard is off", means({"transferred": self._ndcg(fitted)}))
            return fitted
        return self._compete()

    def _compete(self) -> Dense | Sparse:
        """Fit every variant whole: what is compared is what would be used, items without interactions included."""
        texts = self._plain()
        plain = self._fit(texts.prior(texts.whitened(self.whitening), self.lexical))
        variants: dict[str, Callable[[], Fit]] = {
            "untrained": lambda: plain,  # first: the others share its leading directions and what it chose
            "scratch": lambda: plain.with_prior(self._scratch(texts), plain.settled()),
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

    @functools.cached_property
    def _vectors(self) -> np.ndarray:
        return self.texts.whitened(self.settings.artifact.whitening)

    def _fit(self, prior: sp.csc_matrix) -> Fit:
        return Fit(self.interactions, prior, self.options, self.sample, self.places)

    @property
    def _taught(self) -> bool:
        """Whether the target teaches what terms say: they then count as much as without transfer."""
        return self.lexical.learned and self.sample is not None

    def _shaped(self, vectors: np.ndarray, shape: PriorShape) -> sp.csc_matrix:
        return self.texts.prior(vectors, Lexical(shape.lexical_weight, self._taught), shape.power)

    def _scratch(self, texts: TextPriors) -> sp.csc_matrix:
        """Return the prior of the metric that the target's own training interactions give."""
        vectors = self._vectors if texts is self.texts else texts.whitened(self.settings.artifact.whitening)
        own = metric(co_consumption(self.interactions, vectors), self.shape.exponent)
        return texts.prior(mapped(vectors, own), self.lexical)

    def _carried(self, shape: PriorShape) -> sp.csc_matrix:
        """Return the prior of the sources' metric in a shape."""
        return self._shaped(self.settings.artifact.transferred(self._vectors, shape), shape)

    def _transferred(self, plain: Fit | None = None) -> sp.csc_matrix:
        if self.settings.how == "adapter" and self.sample is not None:
            return self._adapted(plain)
        if self.settings.how == "full":
            return self._shaped(mapped(self._vectors, self._both()), self.shape)
        return self._carried(self.shape)

    def _both(self) -> np.ndarray:
        """Return the metric of the target's statistics, those of the sources being the prior (MAP).

        It is as strong as that of the sources alone: where they say that it does not carry over, it is the identity.
        """
        artifact = self.settings.artifact
        own = co_consumption(self.interactions, self._vectors)
        both = pooled([artifact.pooled, own], [self.settings.prior_count, own.interactions])
        return metric(both, self.shape.exponent, self.shape.strength)

    def _adapted(self, plain: Fit | None) -> sp.csc_matrix:
        """Return the best prior over strengths and powers, all other numbers being those of the fit without transfer
        (or, without one, with the artifact's own shape)."""
        best = self._carried(self.shape)
        fit = self._fit(best) if plain is None else plain
        options, shape = fit.settled(), self.shape
        ndcg = fit.with_prior(best, options).quick_ndcg()
        grid = [replace(self.shape, strength=s, power=p) for s in _STRENGTHS for p in _POWERS if s or p != 1]
        for tried in [one for one in grid if one != self.shape]:
            prior = self._carried(tried)
            found = fit.with_prior(prior, options).quick_ndcg()
            if found > ndcg:
                ndcg, shape, best = found, tried, prior
        self.choice["shape"] = asdict(shape)
        return best

    def _note(self, used: str, why: str, scores: Mapping[str, float]) -> None:
        why = why if scores else self.settings.artifact.taken_because(why, self.interactions)
        self.choice |= {"used": used, "why": why, "ndcg": dict(scores)}
        _logger.info(f"Transfer [{self.settings.how}]: {shown(used)} is used ({why}){listed(scores)}")
