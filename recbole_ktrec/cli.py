"""The one command, ``ktrec``: each subcommand is a module of :mod:`recbole_ktrec.commands`."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence

from recbole_ktrec import __version__
from recbole_ktrec.commands.parser import Parser
from recbole_ktrec.commands.session import Terminated, end_children, quiet_host, terminable
from recbole_ktrec.compat.host import require_host
from recbole_ktrec.compat.host_errors import explained
from recbole_ktrec.errors import KTRecError, nearest

#: name -> what ``ktrec --help`` says of it; the module ``commands.<name>`` has ``add_arguments`` and ``main``.
COMMANDS = {
    "run": "train and evaluate one model on one data set",
    "recommend": "the best items for users, from a checkpoint",
    "encode": "encode item texts ahead of time",
    "convert": "turn a raw public dump into atomic files with their text",
    "benchmark": "compare models fairly: same split, same candidates, significance, report",
    "pretrain": "learn from source data sets what helps on another one",
    "transfer-report": "what pre-trained knowledge gives on a target, from no interactions to all, with controls",
    "doctor": "print versions, remedies in force, encoders, devices and the cache folder",
}
#: What is kept of a command that is stopped.
_GOES_ON = {
    **dict.fromkeys(("benchmark", "transfer-report", "pretrain", "encode"), " The same command goes on from here."),
    "run": " A checkpoint that it has saved is not finished; the same command begins anew.",
}


def _parser() -> argparse.ArgumentParser:
    rows = "\n".join(f"  {name:<16} {text}" for name, text in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="ktrec",
        description="Knowledge transfer with language models for RecBole.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"commands:\n{rows}\n\nktrec COMMAND --help explains one.",
    )
    parser.add_argument("--version", action="version", version=f"recbole_ktrec {__version__}")
    parser.add_argument("command", metavar="COMMAND", help="one of the commands below")
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _run(command: str, rest: list[str]) -> int:
    module = importlib.import_module(f"recbole_ktrec.commands.{command.replace('-', '_')}")
    parser = Parser(
        prog=f"ktrec {command}", description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    module.add_arguments(parser)
    with quiet_host(), terminable():
        return int(module.main(rest, parser))


def _not_made(error: Exception) -> str | None:
    """Return one line for a folder that could not be made, wherever RecBole or the plugin wanted it."""
    makes = traceback.extract_tb(error.__traceback__)[-1].name in ("mkdir", "makedirs")
    return f"[{error.filename}] cannot be made: {error.strerror}." if makes and isinstance(error, OSError) else None


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``ktrec`` with ``argv`` (default: ``sys.argv[1:]``) and return the exit code."""
    given = sys.argv[1:] if argv is None else list(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a sign that the console lacks is shown as \u2248, not an end
        sys.stdout.reconfigure(errors="backslashreplace")
    if not given:
        _parser().print_help(sys.stderr)
        return 2
    args = _parser().parse_args(given)
    if args.command not in COMMANDS:
        known, hint = ", ".join(COMMANDS), nearest(args.command, COMMANDS)
        print(f"ktrec: unknown command [{args.command}]; known: {known}.{hint}", file=sys.stderr)
        return 2
    try:
        if args.command != "doctor":
            require_host()
        return _run(args.command, args.rest)
    except KTRecError as error:
        print(f"ktrec {args.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as error:
        end_children()
        print(f"\nktrec {args.command}: stopped.{_GOES_ON.get(args.command, '')}", file=sys.stderr)
        return 143 if isinstance(error, Terminated) else 130
    except BrokenPipeError:  # the reader of the output has enough, as in `ktrec convert --list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if (told := _not_made(error) or explained(error)) is None:
            raise
        print(f"ktrec {args.command}: {told}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
