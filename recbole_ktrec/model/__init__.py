"""KTRec and KTEASE as RecBole runs them: keys, data and checkpoints here, the numbers in :mod:`recbole_ktrec.nn`.

- what both read: ``interactions`` (what users took, in its order), ``held_out`` (of the validation data, for choices),
  ``item_text`` (vectors of texts by internal id), ``same_data`` (no model learns from its own test)
- KTEASE: ``ktease``, with ``ktease_options`` (its keys), ``text_priors`` (K of one data set) and ``ktease_trainer``
- KTRec: ``ktrec`` (its docstring goes from RecBole's calls to the formula), made of ``ktrec_scores`` (the model without
  its training), with ``ktrec_net`` (keys and network), ``text_side`` (its text vectors), ``live_text`` (those of an
  encoder in training), ``ktrec_order`` (histories as sums or in their order) and ``ktrec_trainer``, which calls
  ``ktrec_prepare`` before the epochs and ``ktrec_settle`` at each evaluation; ``ktrec_feedback`` takes one rating in
- several data sets in one run (key source_datasets): ``multi_task``, ``multi_task_settings``, ``source_data``
- an artifact of `ktrec pretrain` (key pretrained): the folder is ``artifact``, with ``artifact_card``,
  ``statistics_file``, ``likeness`` (a source is known again) and ``prior_shape`` (how texts become a prior);
  ``transfer`` has the keys and the guard, ``trained_encoder`` takes its language model; ``transfer_priors`` and
  ``transfer_fit`` are for KTEASE, ``ktrec_transfer`` for KTRec
- items that came after the training: ``unseen_items``, of ``unseen_parts`` (the closed form's and the network's)
"""
