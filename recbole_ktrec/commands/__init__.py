"""One module a subcommand: its docstring is the help text, ``add_arguments(parser)`` its options.

``main(argv, parser)`` parses with ``parser`` (``parse_known_args`` where the rest is RecBole's) and returns the exit
code.
"""
