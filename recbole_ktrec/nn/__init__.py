"""Tensors and sparse matrices in, scores out: what KTEASE and KTRec compute. Knows nothing of RecBole.

Where a feature is made:

- texts, before either model: ``whitening`` of vectors, ``text_prior`` (K, which items have similar texts), of
  ``lexical`` terms too and of those whose weights are learned (``term_weights``), ``co_consumption`` (the metric of
  texts that can be carried to other data), ``graph`` (vectors smoothed over what users took)
- KTEASE, chosen and solved by ``fit`` with the numbers of ``fit_options``: ``closed_form`` (the formula, dense),
  ``nearest`` (sparse, for large catalogues), ``low_rank`` (quick, to choose with), ``item_statistics`` (who took what
  with what, with ``windows`` of histories); ``fitted`` is what is left to score with, and its form in a checkpoint
- what KTEASE adds to that formula: ``counting`` (``recency`` and windows, chosen first), ``sharpening`` (powers of B,
  popularity discounts), ``spreading`` (over text neighbours), ``successors`` (what comes next), ``popularity``
- cold start: ``cold_items`` (their scores, and known items that play cold), ``cold_demand`` (what held-out interactions
  ask for), ``cold_level`` (the level by both), ``cold_shift`` (the same for a trained network), ``cold_users``
- choices on held-out interactions: ``samples`` (whose interactions), ``ranking`` (NDCG), ``tuning`` (ladders, standard
  errors), ``blend`` (the weights of two scorers), ``calibration`` (probabilities)
- KTRec's network: ``fusion_model``, of ``fusion`` (text and ID), ``towers`` (residual maps of texts), ``scorers`` and
  ``attention`` (histories in their order)
- KTRec's training: ``objective`` (hidden items) or ``next_item``, with the ``losses``; ``history`` and ``sequences``
  are what is read of users, ``residual`` the closed form in the loss, ``conflict`` PCGrad for several tasks,
  ``optimizers``; ``feedback`` takes one rating in afterwards
- for all of it: ``matrices``, ``shared`` (rows that copies of a model share), ``remembered`` (a cache of scores),
  ``progress`` (bars)
"""
