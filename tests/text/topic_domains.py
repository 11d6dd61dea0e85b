"""Domains whose users keep to one of two topics, and settings with which an encoder trains on them in a moment."""

from __future__ import annotations

import random

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.text import ContrastiveSettings, TextDomain

SPACE, BOARD = ("robot", "space", "adventure", "golden", "eye"), ("puzzle", "board", "game", "wooden", "doll")


def domain(name: str, seed: int, items: int = 40, users: int = 30) -> TextDomain:
    """Even users take even items, whose texts are about space; odd ones are about board games."""
    draw = random.Random(seed)
    rest = ("red", "blue", "green", "kids", "plastic", "toy")
    texts = [" ".join(draw.sample((SPACE, BOARD)[k % 2], 2) + draw.sample(rest, 2)) for k in range(items)]
    matrix = sp.lil_matrix((users, items), dtype=np.float32)
    for user in range(users):
        matrix[user, draw.sample(range(user % 2, items, 2), 6)] = 1
    pairs = tuple((text.split()[0], " ".join(text.split()[1:])) for text in texts)
    return TextDomain(name, texts, matrix.tocsr(), pairs)


DOMAINS = [domain("games", 1), domain("films", 2), domain("toys", 3)]
QUICK = ContrastiveSettings(batch_size=32, steps=24, eval_step=6, eval_pairs=64, learning_rate=0.01, warmup_steps=2)
