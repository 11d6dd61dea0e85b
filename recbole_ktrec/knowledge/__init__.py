"""What ``ktrec pretrain`` learns on source data sets, each measured as a target of the others.

``options`` are the keys of a run, ``domains`` reads a source, ``pretraining`` measures between them and writes the
artifact (``model.artifact``), ``language_model`` trains the text encoder further before (``text.contrastive``),
``learned`` guards the folder that an earlier run wrote.
"""

from __future__ import annotations
