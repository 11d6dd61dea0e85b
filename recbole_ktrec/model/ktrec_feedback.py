"""One rating, taken in without training: the vector of its user moves."""

from __future__ import annotations

import numpy as np
import torch

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.model.ktrec_scores import KTRecScores
from recbole_ktrec.nn.feedback import feedback_step
from recbole_ktrec.nn.scorers import Dot


def take_rating(model: KTRecScores, user: int, item: int, value: float) -> None:
    """Move the vector of ``user``, see :meth:`recbole_ktrec.model.ktrec.KTRec.feedback`."""
    if not 0 < value < 1:
        raise ConfigError(f"feedback [{value}] needs a value in (0, 1).")
    if wanted := _wanted(model):
        raise ConfigError(f"feedback [{value}] needs {' and '.join(wanted)}: train the model so.")
    table = model.net.user_id
    row = int(model.taken.trained(np.array([user]))[0])
    if not row:  # the row of padding stands for all who came later
        raise ConfigError(f"User [{user}] was not there in the training, so there is no vector to move.")
    vectors, bias = model.catalogue()
    score = (torch.logit(torch.tensor(value)) - model.calibration[1]) / model.calibration[0]
    if model.blended_form() is not None:
        score = score - model.blend[1] * model.closed_pairs(torch.tensor([user]), torch.tensor([item]))[0]
    logit = score / model.blend[0] - bias[item]
    current = model.user_vectors(torch.tensor([user], device=model.device))[0]
    if not abs(cosine := float(logit * model.net.scorer.temperature)) < 1:
        raise ConfigError(f"feedback [{value}]: user [{user}] cannot be moved so far for item [{item}].")
    if not (vectors[item].any() and current.any()):  # a cosine with 0 is 0 however far it is moved
        nothing = f"item [{item}]: neither a text nor training" if current.any() else f"user [{user}]: no history"
        raise ConfigError(f"feedback [{value}]: nothing is known of {nothing}, so there is no vector to move by.")
    assert table is not None
    table.weight[row] += feedback_step(current, vectors[item], cosine)


def _wanted(model: KTRecScores) -> list[str]:
    """Return the settings that this model would have to be trained with, and why."""
    scorer = type(model.net.scorer)
    found = {
        "user_embedding=True (here no user has a vector to move)": model.net.user_id is None,
        f"scorer=dot (here it is {scorer.__name__.lower()})": scorer is not Dot,
        "closed_form=False (here the closed form alone makes the scores)": not model.blend[0],
    }
    return [setting for setting, missing in found.items() if missing]
