"""One rating, taken in without training: the vector of its user moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.nn.feedback import feedback_step
from recbole_ktrec.nn.scorers import Dot

if TYPE_CHECKING:
    from recbole_ktrec.model.ktrec import KTRec


def take_rating(model: KTRec, user: int, item: int, value: float) -> None:
    """Move the vector of ``user``, see :meth:`recbole_ktrec.model.ktrec.KTRec.feedback`."""
    table = model.net.user_id
    if table is None or type(model.net.scorer) is not Dot or not 0 < value < 1:
        raise ConfigError(f"feedback [{value}] needs a value in (0, 1), user_embedding [True] and scorer [dot].")
    row = int(model.taken.trained(np.array([user]))[0])
    if not row:  # the row of padding stands for all who came later
        raise ConfigError(f"User [{user}] was not there in the training, so there is no vector to move.")
    vectors, bias = model._catalogue()
    score = (torch.logit(torch.tensor(value)) - model.calibration[1]) / model.calibration[0]
    if not model.blend[0]:
        raise ConfigError("The closed form alone makes the scores here: feedback needs closed_form [False].")
    for part in model._blended_parts():
        score = score - model.blend[1] * part.pairs(np.array([user]), np.array([item]))[0]
    logit = score / model.blend[0] - bias[item]
    current = model.user_vectors(torch.tensor([user], device=model.device))[0]
    if not abs(cosine := float(logit * model.net.scorer.temperature)) < 1:
        raise ConfigError(f"feedback [{value}]: user [{user}] cannot be moved so far for item [{item}].")
    if not (vectors[item].any() and current.any()):  # a cosine with 0 is 0 however far it is moved
        nothing = f"item [{item}]: neither a text nor training" if current.any() else f"user [{user}]: no history"
        raise ConfigError(f"feedback [{value}]: nothing is known of {nothing}, so there is no vector to move by.")
    table.weight[row] += feedback_step(current, vectors[item], cosine)
