"""Fair comparison: cold-start splits, metrics, one process a job, significance, and a report.

``ktrec benchmark`` goes through the files of this room in this order:

- what is compared: ``benchmark`` (the whole of the command), ``options`` (rows and their keys), ``grid_file``
  (``--config``), ``tuning`` (``--tune``), ``grid`` (the jobs of all this), ``notes`` (what to know of data and rows)
- the data: ``source`` (read and filtered), ``splits`` (the part of each interaction), ``prepare`` and ``split_files``
  (folders that RecBole runs on), ``sampling`` (what it cannot draw from), ``texts`` (encoded ahead)
- the processes: ``runner`` (starts them), ``job`` (one of them), ``parent`` (what it does for its parent), ``at_work``
  (what it is at, by its log); stored jobs are taken by ``job_key``, a hash of all that they depend on,
  ``code`` and the versions of ``environment`` included
- training in a job: ``harness`` (the steps of RecBole), ``training``, ``taken`` (candidates of sequential models)
- measuring in a job: ``measuring``, with ``recorder`` (looks on while RecBole evaluates), ``groups`` (of items and
  users), ``foldin`` (histories of new users), ``asked`` and ``answers`` (right answers), ``lists``, ``collected`` and
  ``diversity`` (what lists are like); ``measures`` is the table of what there is beside RecBole's metrics
- the numbers: ``results``, with ``compared`` (models beside each other), ``pooling`` (seeds as one sample of users) and
  ``significance``; ``stored`` guards those that are there already
- ``report``: ``summary`` looks results up, ``tables``, ``remarks``, ``wording`` and ``plots`` make what ``markdown``
  and ``page`` put together; ``numbers`` is the table for a spreadsheet

``ktrec transfer-report`` runs the same jobs over shares of the data: ``transfer_report`` (the whole of the command),
``transfer_split``, ``transfer_grid``, ``transfer_measure``, ``transfer_results``; ``transfer`` and ``transfer_plot`` of
``report``. ``metrics`` is for RecBole's own setting ``metrics``.
"""

from __future__ import annotations
