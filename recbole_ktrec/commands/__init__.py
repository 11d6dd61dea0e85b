"""One module a subcommand: its docstring is the help text, ``add_arguments(parser)`` its options.

``main(argv, parser)`` parses with that parser (by parse_known_args where the rest is RecBole's) and returns the exit
code.

- the commands: ``run``, ``convert``, ``encode``, ``recommend``, ``pretrain``, ``benchmark``, ``transfer_report``,
  ``doctor``
- options: ``options`` (RecBole's keys), ``values`` (what RecBole would take silently), ``pairs`` (KEY=VALUE),
  ``parser`` (what argparse does not do)
- before a run: ``data`` (where a data set lies), ``session`` (threads, warnings)
- lists of ``recommend``: ``checkpoints`` (model and data), ``asked`` (for whom), ``scored`` (of what), ``listed`` (the
  .item file beside it), ``for_item`` (the other way round), ``later`` (data as they are now), ``filtered`` (what the
  training left out), ``kept`` (what is made once for a data set); ``recbole_ktrec.serving`` names what Python code uses
- ``converted``: what ``convert`` tells people
"""
