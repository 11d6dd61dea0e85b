"""What messages are put together from."""

from __future__ import annotations

import pytest

from recbole_ktrec.errors import counted


@pytest.mark.parametrize(("number", "told"), [(0, "0 items"), (1, "1 item"), (2, "2 items"), (12_000, "12,000 items")])
def test_one_is_told_as_one(number: int, told: str) -> None:
    assert counted(number, "item") == told
