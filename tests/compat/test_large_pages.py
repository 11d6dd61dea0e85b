"""Torch reads the variable at its first allocation, so it must be set on import, and a user's own value must stay."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(("given", "found"), [(None, "1"), ("0", "0")])
def test_large_pages_are_asked_for_on_import(given: str | None, found: str) -> None:
    env = {key: value for key, value in os.environ.items() if key != "THP_MEM_ALLOC_ENABLE"}
    env |= {} if given is None else {"THP_MEM_ALLOC_ENABLE": given}
    code = "import recbole_ktrec, os; print(os.environ['THP_MEM_ALLOC_ENABLE'])"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=env, capture_output=True, text=True)
    assert done.stdout.strip() == found, done.stderr
