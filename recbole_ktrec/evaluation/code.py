"""The code that the plugin's models score with: their results depend on it, and a version number says too little."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import recbole_ktrec
from recbole_ktrec.files import file_sha256, write_whole

_ROOMS = ("model", "nn", "text")
_KEPT = "code.sha256"


@functools.cache
def code_sha256() -> str:
    """Return :func:`digest_of` the package as it is when first asked for: what is imported does not change later."""
    return digest_of(Path(recbole_ktrec.__file__).parent)


def digest_of(package: Path) -> str:
    """Return a SHA-256 over the source files of the rooms that scores come from."""
    files = sorted(path for room in _ROOMS for path in (package / room).rglob("*.py"))
    lines = [f"{path.relative_to(package).as_posix()} {file_sha256(path)}" for path in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def keep_code(folder: Path, own: bool = True) -> list[str]:
    """Note in ``folder``, before its jobs are run, with which code: one that is killed goes on with the same.

    Args:
        folder: of the jobs.
        own: whether there are rows of the plugin among them. Without, what was noted for such rows still holds.

    Returns:
        Why jobs of such rows are done again: the folder was last begun with other code, or before that was kept.
    """
    kept, begun = folder / _KEPT, any(folder.glob("*.json"))
    if begun and not own:
        return []
    changed = kept.read_text(encoding="utf-8").strip() != code_sha256() if kept.is_file() else begun
    write_whole(kept, f"{code_sha256()}\n")
    if not (own and changed):
        return []
    return [
        f"[{folder}] was made with other code of recbole_ktrec ({', '.join(_ROOMS)}): what its models had done there "
        "was measured anew."
    ]
