"""Knowledge for other domains: statistics of several sources, and how strongly to take them, learned between sources.

Each source in turn plays the target of what the others give (leave one domain out). Of the shapes of the prior that
rank held-out interactions best in the mean over domains, or nearly so, the one next to no artifact is taken. "No
transfer" is among what is tried.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import recbole_ktrec
from recbole_ktrec.errors import ConfigError, DataError, EncoderError
from recbole_ktrec.files import write_whole
from recbole_ktrec.knowledge.domains import Domain, read_domain
from recbole_ktrec.knowledge.options import PretrainOptions
from recbole_ktrec.model import likeness
from recbole_ktrec.model.artifact import Artifact, density, save
from recbole_ktrec.model.artifact_card import CARD, read_card
from recbole_ktrec.model.item_text import shuffled_items
from recbole_ktrec.model.prior_shape import KERNEL, UNTRAINED, PriorShape, plainest
from recbole_ktrec.model.statistics_file import load_statistics, save_statistics
from recbole_ktrec.model.trained_encoder import check_encoder
from recbole_ktrec.nn.co_consumption import Statistics, co_consumption, mapped, metric, pooled
from recbole_ktrec.nn.fit import Fit
from recbole_ktrec.nn.fit_options import Options
from recbole_ktrec.nn.text_prior import text_neighbours
from recbole_ktrec.text import check_fingerprint

_logger = logging.getLogger(__name__)


class Pretraining:
    """One run of `ktrec pretrain`; what a run before has computed of the same is read from ``output/parts``.

    Args:
        names: the sources.
        values: source -> its configuration.
        options: of the run.
        output: folder of the artifact.
        language_model: what the card tells of the training of an encoder on the sources, see
            :func:`recbole_ktrec.knowledge.language_model.train_language_model`; None if it was not.
    """

    def __init__(self, names: Sequence[str], values: Callable[[str], Mapping[str, Any]], options: PretrainOptions,
                 output: Path, language_model: dict[str, Any] | None = None) -> None:  # fmt: skip
        if doubled := [name for name in names if list(names).count(name) > 1]:
            raise ConfigError(f"The source [{doubled[0]}] is named twice.")
        self.names, self.values, self.options, self.parts = list(names), values, options, output / "parts"
        self.output, self.language_model = output, language_model
        self.statistics: dict[str, Statistics] = {}
        self.facts: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, str] = {}
        self.encoder: dict[str, Any] = {}

    def run(self) -> Artifact:
        """Read, measure, choose, write the artifact and return it."""
        self._refuse_other_encoder()
        for name in tqdm(self.names, desc="statistics", unit="source", leave=False):
            self._take(self._domain(name))
        if len(self.names) == 1:
            _logger.warning(
                f"There is one source, [{self.names[0]}]: how strongly its knowledge is taken is measured on its own "
                "held-out users, which says little of other domains. Name two sources or more."
            )
        self._warn_of_copies()
        found = {name: self._remembered(name, "all ranked", self._measure) for name in self.names}
        shapes = self.options.shapes()
        ratios = _ratios(found, shapes)
        mean = np.mean(list(ratios.values()), axis=0)
        chosen = plainest(shapes, mean)
        shape = shapes[chosen]
        _logger.info(f"Chosen: {shape}, {mean[chosen]:.3f} times the untrained kernel in the mean over domains")
        controls = {name: self._remembered(name, f"controls {shape}", lambda d: self._controls(d, shape))
                    for name in self.names}  # fmt: skip
        unseen = ratios_unseen(shapes, ratios)
        metrics = {name: {**self._told(found[name], shapes, shape, controls[name]), "ratio_unseen": unseen.get(name)}
                   for name in self.names}  # fmt: skip
        matrix = metric(pooled(list(self.statistics.values())), shape.exponent, shape.strength)
        card = self._card(controls, metrics, _tried(shapes, ratios))
        artifact = Artifact(self.statistics, matrix, shape, self.options.whitening, card, self.output)
        save(artifact, self.output)
        return artifact

    def _card(
        self, controls: Mapping[str, Any], metrics: Mapping[str, Any], tried: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Return what ``card.json`` tells of the run."""
        return {
            "package": recbole_ktrec.__version__,
            "made": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "encoder": self.encoder,
            **_told_of_training(self.language_model),
            "sources": list(self.facts.values()),
            "fusion": [controls[name]["fusion"] for name in self.names if controls[name]["fusion"]],
            "held_out": "each source with the others' knowledge" if len(self.names) > 1 else "the source's own users",
            "metrics": metrics,
            "tried": tried,
            "options": asdict(self.options),
        }

    def _domain(self, name: str) -> Domain:
        return read_domain(name, self.values(name), self.options)

    def _take(self, domain: Domain) -> None:
        name = domain.name
        if self.encoder:
            check_fingerprint(self.encoder, domain.fingerprint, f"The source [{self.names[0]}]")
        self.encoder = self.encoder or domain.fingerprint
        self.facts[name], self.keys[name] = domain.facts, domain.key
        path = self.parts / f"{name}-{domain.key}.safetensors"
        if path.is_file():
            self.statistics[name] = load_statistics(path)[0][name]
            _logger.info(f"{name}: statistics are there already")
            return
        self.statistics[name] = co_consumption(domain.rest, domain.vectors)
        save_statistics(path, {name: self.statistics[name]})
        _logger.info(f"{name}: statistics of {int(self.statistics[name].interactions)} interactions")

    def _refuse_other_encoder(self) -> None:
        """Raise EncoderError if the folder holds what was learned with another one."""
        if not (self.output / CARD).is_file():
            return
        try:
            check_encoder(self.output, read_card(self.output), self.values(self.names[0]))
        except EncoderError as error:
            raise EncoderError(f"{error} To keep it, name another --output.") from None

    def _warn_of_copies(self) -> None:
        """Warn of sources that hold each other's interactions, in another order or cut in another way."""
        for one, other in itertools.combinations(self.names, 2):
            sketches = [self.facts[name]["interactions_sketch"] for name in (one, other)]
            shares = [likeness.part_in(likeness.read(a), b) for a, b in (sketches, sketches[::-1])]
            if max(shares) >= likeness.SAME_INTERACTIONS:
                first, second = (one, other) if shares[0] >= shares[1] else (other, one)
                _logger.warning(
                    f"About {max(shares):.0%} of the interactions of [{first}] are in [{second}], too: each learns "
                    "what is held out of the other, so what is measured on them says too much. Leave one of them out."
                )

    def _others(self, name: str) -> Statistics:
        """Return the pooled statistics of the other sources, or of the source itself if it is alone."""
        return pooled([one for other, one in self.statistics.items() if other != name or len(self.names) == 1])

    def _remembered(self, name: str, what: str, compute: Callable[[Domain], Any]) -> Any:
        """Return what ``compute`` makes of a source, from ``parts`` if the same was computed before."""
        parts = [name, what, sorted(self.keys.items()), asdict(self.options), recbole_ktrec.__version__]
        key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
        path = self.parts / f"{name}-{key}.json"
        if path.is_file():
            return json.loads(path.read_text(encoding="utf-8"))
        value = compute(self._domain(name))
        write_whole(path, json.dumps(value))
        return value

    def _vectors(self, domain: Domain, exponent: float, strength: float) -> np.ndarray:
        return mapped(domain.vectors, metric(self._others(domain.name), exponent, strength))

    def _measure(self, domain: Domain) -> list[float]:
        """Return NDCG@10 with each shape."""
        found: dict[PriorShape, float] = {}
        shapes = self.options.shapes()
        for each in dict.fromkeys((shape.exponent, shape.strength) for shape in shapes):
            alike = [shape for shape in shapes if (shape.exponent, shape.strength) == each]
            found |= zip(alike, self._ndcg(domain, alike), strict=True)
        return [found[shape] for shape in shapes]

    def _ndcg(self, domain: Domain, shapes: Sequence[PriorShape]) -> list[float]:
        """Return NDCG@10 with ``shapes`` that have one metric."""
        vectors = self._vectors(domain, shapes[0].exponent, shapes[0].strength)
        return domain.ndcg(vectors, [(one.power, one.lexical_weight) for one in shapes], self.options.neighbours)

    def _controls(self, domain: Domain, shape: PriorShape) -> dict[str, Any]:
        """Return NDCG@10 with shuffled texts, and KTEASE's numbers with the right ones."""
        fusion: dict[str, Any] = {}
        if self.options.fusion_knowledge:
            vectors, weight = self._vectors(domain, shape.exponent, shape.strength), shape.lexical_weight
            words = domain.words if weight else None
            prior = text_neighbours(vectors, words, self.options.neighbours, weight, shape.power)
            choice = Fit(domain.rest, prior, Options(), domain.sample).choice()
            fusion = {"source": domain.name, "density": density(domain.rest), **asdict(choice)}
            _logger.info(f"{domain.name}: {choice}")
        order = shuffled_items(len(domain.texts), self.options.seed)
        shuffled = replace(domain, vectors=domain.vectors[order], texts=[domain.texts[one] for one in order])
        return {"shuffled_texts": self._ndcg(shuffled, [shape])[0], "fusion": fusion}

    def _told(
        self, scores: list[float], shapes: list[PriorShape], shape: PriorShape, controls: Mapping[str, Any]
    ) -> dict:
        at = dict(zip(shapes, scores, strict=True))
        return {
            "ndcg@10": {
                "untrained_kernel": at[KERNEL],
                "untrained": at[UNTRAINED],
                "transferred": at[shape],
                "shuffled_texts": controls["shuffled_texts"],
            },
            "ratio": at[shape] / at[KERNEL] if at[KERNEL] else None,
        }


def _told_of_training(record: dict[str, Any] | None) -> dict[str, Any]:
    """Return what the card tells of the training of a language model: one that stayed as it was is no other encoder."""
    unchanged = record is not None and record["folder"] is None
    return {"language_model": None if unchanged else record, "language_model_unchanged": record if unchanged else None}


def ratios_unseen(shapes: Sequence[PriorShape], ratios: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return source -> ratio with the shape that the others alone choose, where there are others.

    The shape that is taken was chosen on all sources: what it gives on one of them is more than a target may expect.
    """
    others = {name: [theirs for other, theirs in ratios.items() if other != name] for name in ratios}
    return {
        name: float(ratios[name][plainest(shapes, np.mean(theirs, axis=0))])
        for name, theirs in others.items()
        if theirs
    }


def _tried(shapes: Sequence[PriorShape], ratios: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Return what the card tells of each shape: its numbers, and its ratio on each source and in the mean."""
    mean = np.mean(list(ratios.values()), axis=0)
    return [
        {
            **asdict(one),
            "mean_ratio": float(mean[place]),
            "ratios": {name: float(ratio[place]) for name, ratio in ratios.items()},
        }
        for place, one in enumerate(shapes)
    ]


def _ratios(found: Mapping[str, Sequence[float]], shapes: Sequence[PriorShape]) -> dict[str, np.ndarray]:
    """Return source -> NDCG@10 of each shape by the kernel's; a source where that is 0 is left out.

    Raises:
        DataError: it is 0 in each of them.
    """
    kernel = {name: scores[shapes.index(KERNEL)] for name, scores in found.items()}
    for name in [name for name, value in kernel.items() if not value]:
        _logger.warning(
            f"The source [{name}] has no say in how texts are compared: by their vectors alone none of its held-out "
            "items is among the first ten. See whether text_fields and text_encoder fit its texts."
        )
    if not any(kernel.values()):
        raise DataError(
            f"By text vectors alone none of the sources {', '.join(found)} has a held-out item among the first ten, so "
            "nothing can be learned of how texts are compared: see whether text_fields and text_encoder fit the texts."
        )
    return {name: np.array(scores) / kernel[name] for name, scores in found.items() if kernel[name]}
