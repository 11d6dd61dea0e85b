"""Tensors in, tensors out: whitening, graph smoothing, towers, fusion, scorers, losses. Knows nothing of RecBole."""
