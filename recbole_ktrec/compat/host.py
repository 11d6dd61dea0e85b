"""Is RecBole there at all, is it the release that the remedies were written for, and where do its settings lie?"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from pathlib import Path

from recbole_ktrec.errors import HostError

#: The release that this plugin runs on.
HOST_VERSION = "1.2.1"


def host_version() -> str | None:
    """Return the installed version of RecBole, or None where it is not installed."""
    if importlib.util.find_spec("recbole") is None:
        return None
    try:
        return importlib.metadata.version("recbole")
    except importlib.metadata.PackageNotFoundError:  # a source folder on the path
        return "unknown"


def host_properties() -> Path:
    """Return the folder of RecBole's own property files."""
    import recbole

    return Path(recbole.__file__).parent / "properties"


def install_command() -> str:
    """Return the command that installs RecBole for the running Python.

    From Python 3.12 on RecBole's own requirement ``ray<=2.6.3`` has no file to install, so pip must not follow it; what
    RecBole really imports is among the plugin's own requirements there.
    """
    flag = "--no-deps " if sys.version_info >= (3, 12) else ""
    return f"pip install {flag}recbole=={HOST_VERSION}"


def is_own_command() -> bool:
    """Return whether ``ktrec`` or ``python -m recbole_ktrec`` runs: it checks for RecBole itself, so that it can say
    what is missing without a traceback, and so that ``ktrec doctor`` works without RecBole.
    """
    program = sys.argv[0] if getattr(sys, "argv", None) else ""
    return Path(program).stem == "ktrec" or (program == "-m" and "recbole_ktrec" in sys.orig_argv)


def require_host() -> None:
    """Raise HostError, with the exact install command, where RecBole is not installed."""
    if importlib.util.find_spec("recbole") is None:
        raise HostError(f"RecBole is not installed: {install_command()}")
