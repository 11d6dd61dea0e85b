"""One scorer from two: the weight of the second is the one that ranks held-out interactions best."""

from __future__ import annotations

from torch import Tensor

from recbole_ktrec.nn.ranking import mean_ndcg

#: Shares of the second scorer that are tried; 0 leaves it out, 1 leaves the first one out.
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def blend_weights(first: Tensor, second: Tensor, masked: Tensor, positive: Tensor, k: int = 10) -> tuple[float, float]:
    """Return (a, b) so that ``a * first + b * second`` has the best NDCG@k on held-out interactions.

    Both are brought to a standard deviation of 1 over the candidates before they are mixed, so that a share means the
    same on every data set; (a, b) contain that scale.

    Args:
        first, second: scores ``[m, n_items]``.
        masked: bool ``[m, n_items]``, no candidates.
        positive: bool ``[m, n_items]``, held-out interactions; each row has one.
    """
    scales = [1 / float(scores[~masked].std().clamp(min=1e-12)) for scores in (first, second)]
    best, chosen = -1.0, (scales[0], 0.0)
    for share in SHARES:
        weights = ((1 - share) * scales[0], share * scales[1])
        mixed = (weights[0] * first + weights[1] * second).masked_fill_(masked, float("-inf"))
        quality = mean_ndcg(mixed, positive, k)
        if quality > best:
            best, chosen = quality, weights
    return chosen
