"""The loop of :mod:`recbole_ktrec.text.contrastive`: steps, evaluations, state on disk."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from recbole_ktrec.errors import ConfigError, EncoderError, one_of
from recbole_ktrec.text.contrastive_loss import calibrated_info_nce, info_nce, ranks, supervised_contrastive
from recbole_ktrec.text.contrastive_settings import CRITERIA, ContrastiveSettings
from recbole_ktrec.text.encoder import TextEncoder
from recbole_ktrec.text.pairs import PairBatch, PairSampler, TextDomain
from recbole_ktrec.text.randomness import seeded
from recbole_ktrec.text.settings import TextSettings
from recbole_ktrec.text.training_state import (
    load_state,
    optimizer_tensors,
    restore_optimizer,
    restore_weights,
    save_state,
    trained_weights,
)

_STATE_SECONDS = 60.0  # a killed run loses no more than this, or the time of one step
_EVALUATION_SEED = 1 << 30  # beyond the number of any step
_DECAY = 0.01  # of the weights, the default of torch
_logger = logging.getLogger(__name__)


class ContrastiveTraining:
    """One training: what it stands at, and how it goes on. Everything drawn at a step depends on its number only."""

    def __init__(
        self,
        domains: Sequence[TextDomain],
        text: TextSettings,
        settings: ContrastiveSettings,
        folder: Path,
        job: dict[str, dict[str, Any]],
        device: torch.device,
    ) -> None:
        self.settings, self.folder, self.job, self.device = settings, folder, job, device
        held_out = held_out_name(domains, settings)
        samplers = {domain.name: PairSampler(domain, settings.user_power) for domain in domains}
        self.held_out = samplers.pop(held_out).co_consumed(settings.eval_pairs, self._numbers(_EVALUATION_SEED))
        self.samplers = list(samplers.values())
        with seeded(settings.seed, device):  # fresh adapters are drawn
            self.encoder = TextEncoder.load(text, device)
            self.encoder.set_training()
        self.rate = settings.rate(text.encoder_training)
        self.optimizer = torch.optim.AdamW(self.encoder.trainable_parameters(), lr=self.rate, weight_decay=_DECAY)
        self.step, self.bad, self.history = 0, 0, list[dict[str, float]]()
        self.best = trained_weights(self.encoder)
        self._resume()

    def _numbers(self, step: int) -> np.random.Generator:
        return np.random.default_rng([self.settings.seed, step])

    def _resume(self) -> None:
        found = load_state(self.folder)
        if found is None:
            return
        groups, progress = found
        refuse_other(progress["job"], self.job, self.folder)
        restore_weights(self.encoder, groups["weights"])
        restore_optimizer(self.encoder, self.optimizer, groups.get("optimizer", {}))
        self.best = {name: value.to(self.device) for name, value in groups["best"].items()}
        self.step, self.bad, self.history = progress["step"], progress["bad"], progress["history"]
        _logger.info("Training of the language model goes on from step %d of [%s].", self.step, self.folder)

    def _save(self) -> None:
        tensors = {
            "weights": trained_weights(self.encoder),
            "best": self.best,
            "optimizer": optimizer_tensors(self.encoder, self.optimizer),
        }
        progress = {"step": self.step, "bad": self.bad, "history": self.history, "job": self.job}
        save_state(self.folder, tensors, progress)

    def train(self, show_progress: bool) -> dict[str, Any]:
        """Go on to the end; the encoder then has the best weights. Return the record of the training."""
        if not self.history:
            self._evaluate()
        saved = time.monotonic()
        with tqdm(total=self.settings.steps, initial=self.step, desc="Training the language model", unit="step",
                  disable=not show_progress) as bar:  # fmt: skip
            while self.step < self.settings.steps and self.bad < self.settings.patience:
                loss = self._train_step()
                evaluated = self.step % self.settings.eval_step == 0 or self.step == self.settings.steps
                if evaluated:
                    self._evaluate()
                if evaluated or time.monotonic() - saved > _STATE_SECONDS:
                    self._save()
                    saved = time.monotonic()
                bar.set_postfix(loss=f"{loss:.3f}", held_out=f"{self.history[-1]['loss']:.3f}", refresh=False)
                bar.update()
        restore_weights(self.encoder, self.best)
        return self._report()

    def _train_step(self) -> float:
        """Make one step and return its loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * self._share(self.step)
        self.encoder.train()
        self.optimizer.zero_grad()
        with seeded(self.settings.seed + self.step + 1, self.device):  # dropout
            loss = self._loss()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.encoder.trainable_parameters(), self.settings.max_grad_norm)
        if not torch.isfinite(loss):
            raise EncoderError(
                f"Training the language model: the loss of step {self.step} is [{loss.item()}]. "
                f"Lower contrastive_learning_rate [{self.rate}]."
            )
        self.optimizer.step()
        self.step += 1
        return loss.item()

    def _share(self, step: int) -> float:
        """Return the share of the learning rate at a step: it rises, then falls along half a cosine."""
        rising = min(1.0, (step + 1) / self.settings.warmup_steps)
        return rising * (1 + math.cos(math.pi * step / self.settings.steps)) / 2

    def _loss(self) -> Tensor:
        """Return the loss of a step, whose texts are of the data sets in turn."""
        settings, numbers = self.settings, self._numbers(self.step)
        sampler = self.samplers[self.step % len(self.samplers)]
        if numbers.random() < settings.field_pairs and sampler.has_field_pairs:
            return self._pair_loss(sampler.fields(settings.batch_size // 2, numbers))
        batch = sampler.histories(settings.batch_size, settings.user_items, numbers)
        vectors = self._vectors(batch.texts)
        together = torch.from_numpy(batch.together).to(vectors.device)
        return supervised_contrastive(vectors, together, settings.temperature)

    def _vectors(self, texts: list[str]) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.dtype == "bfloat16"):
            return self.encoder(texts)

    def _pair_loss(self, batch: PairBatch) -> Tensor:
        distinct = {text: row for row, text in enumerate(dict.fromkeys([*batch.first, *batch.second]))}
        vectors = self._vectors(list(distinct))
        first, second = (vectors[[distinct[text] for text in side]] for side in (batch.first, batch.second))
        return info_nce(first, second, torch.from_numpy(batch.known).to(vectors.device), self.settings.temperature)

    def _evaluate(self) -> None:
        """Measure on the held-out domain, and keep the weights if they are the best so far."""
        first, second = (self.encoder.vectors(side) for side in (self.held_out.first, self.held_out.second))
        known = torch.from_numpy(self.held_out.known).to(first.device)
        loss, temperature = calibrated_info_nce(first, second, known)
        rank = ranks(first, second, known).float()
        found = {
            "loss": loss,
            "temperature": temperature,
            "mrr": float((1 / rank).mean()),
            "recall@10": float((rank <= 10).float().mean()),
        }
        self.history.append({"step": self.step, **found})
        if self._best() is self.history[-1]:
            self.best, self.bad = trained_weights(self.encoder), 0
        else:
            self.bad += 1

    def _best(self) -> dict[str, float]:
        """Return the best evaluation so far, the first of equal ones."""
        name = self.settings.criterion
        return (max if CRITERIA[name] else min)(self.history, key=lambda entry: entry[name])

    def _report(self) -> dict[str, Any]:
        best = self._best()
        _logger.info(
            "Language model: held-out loss %.4f before, %.4f at step %d (recall@10 %.3f, %.3f).",
            self.history[0]["loss"], best["loss"], best["step"], self.history[0]["recall@10"], best["recall@10"],
        )  # fmt: skip
        return {"job": self.job, "steps": self.step, "best_step": best["step"], "held_out": self.history}

    def samples(self) -> list[str]:
        """Return a few texts to check the written encoder with."""
        return self.held_out.first[:8]


def held_out_name(domains: Sequence[TextDomain], settings: ContrastiveSettings) -> str:
    """Return the name of the domain that is not trained on."""
    names = [domain.name for domain in domains]
    return names[-1] if settings.held_out is None else one_of("contrastive_held_out", settings.held_out, names)


def refuse_other(stored: dict[str, dict[str, Any]], job: dict[str, dict[str, Any]], where: Path) -> None:
    """Raise ConfigError, naming the first difference, if ``stored`` is not the training that ``job`` describes."""
    for part, values in json.loads(json.dumps(job)).items():
        different = [key for key in {**stored[part], **values} if stored[part].get(key) != values.get(key)]
        if different and part == "data sets":
            raise ConfigError(
                f"[{where}] holds a training on other interactions or texts of [{different[0]}]: its files, the keys "
                "that say how they are read, or held_out_users and seed, which choose what is held out, were others. "
                "Give another --output."
            )
        if different:
            raise ConfigError(
                f"[{where}] holds a training with another {part} [{different[0]}]: "
                f"[{stored[part].get(different[0])}], now [{values.get(different[0])}]. Give another --output."
            )
    was, now = list(stored["data sets"]), list(job["data sets"])
    if was != now:  # batches are of them in turn
        raise ConfigError(f"[{where}] holds a training on {was}, in this order, now {now}. Give another --output.")
