"""Lists of token ids -> padded batches -> one vector a text. Tensors only."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def token_batches(lengths: Sequence[int], budget: int, equal: bool = False) -> list[list[int]]:
    """Group texts of like length, longest first, so that ``longest * texts`` stays within ``budget`` tokens.

    Args:
        lengths: tokens of each text; a text without tokens is in no batch.
        budget: tokens of a batch, padding included; a single longer text is a batch of its own.
        equal: whether a batch holds texts of one length only, so that nothing is padded.

    Returns:
        positions into ``lengths``, batch by batch.
    """
    order = sorted((i for i, length in enumerate(lengths) if length), key=lambda i: -lengths[i])
    batches: list[list[int]] = []
    for position in order:
        # The first text of a batch is its longest: padding makes every other one cost as much.
        longest = lengths[batches[-1][0]] if batches else 0
        full = not batches or (len(batches[-1]) + 1) * longest > budget
        if full or (equal and longest != lengths[position]):
            batches.append([])
        batches[-1].append(position)
    return batches


def pad(ids: Sequence[Sequence[int]], pad_id: int, device: torch.device | str, least: int = 1) -> tuple[Tensor, Tensor]:
    """Pad at the right end, where it changes nothing for causal models either.

    Args:
        least: how many tokens a text has at least, with padding.

    Returns:
        ids [texts, longest] and lengths [texts], both int64 on ``device``.
    """
    lengths = [len(row) for row in ids]
    longest = max(least, *lengths)
    padded = torch.tensor([[*row, *[pad_id] * (longest - len(row))] for row in ids])
    return padded.to(device), torch.tensor(lengths).to(device)


def attention_mask(lengths: Tensor, longest: int) -> Tensor:
    """Return [texts, longest] with 1 for tokens and 0 for padding."""
    return (torch.arange(longest, device=lengths.device) < lengths[:, None]).long()


def pool(hidden: Tensor, mask: Tensor, pooling: str) -> Tensor:
    """Make one float32 vector of the hidden states of each text.

    Args:
        hidden: [texts, longest, dim].
        mask: [texts, longest], 1 for tokens, 0 for padding at the right end.
        pooling: ``mean`` over tokens, ``cls`` (the first token) or ``last`` (the last token that is no padding).

    Returns:
        [texts, dim].
    """
    hidden = hidden.float()
    if pooling == "cls":
        return hidden[:, 0]
    if pooling == "last":
        return hidden[torch.arange(len(hidden), device=hidden.device), mask.sum(1) - 1]
    weights = mask[:, :, None].to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1)
