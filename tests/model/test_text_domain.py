from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from recbole.config import Config
from recbole.data import create_dataset

from recbole_ktrec.model.text_domain import text_domain


def test_a_data_set_becomes_a_domain(textual: Callable[..., dict[str, Any]], workplace: Path) -> None:
    settings = textual(text_fields=["title", "brand"])
    rows = ["item_id:token\ttitle:token_seq\tbrand:token"]
    rows += [f"i{item}\tred robot {item}\t{'toy' if item % 3 else ''}" for item in range(29)]
    (workplace / "dataset/tiny/tiny.item").write_text("\n".join(rows) + "\n", encoding="utf-8")
    config = Config(model="KTRec", dataset="tiny", config_dict=settings)
    dataset = create_dataset(config)
    domain = text_domain(config, dataset)
    row = dataset.token2id("item_id", "i4")
    assert domain.name == "tiny" and domain.texts[row] == "red robot 4. toy" and domain.texts[0] is None
    assert domain.texts[dataset.token2id("item_id", "i29")] is None
    assert domain.interactions.shape == (25, 31) and domain.interactions.nnz == 240
    present = [k for k in range(29) if k % 3]
    assert sorted(domain.field_pairs) == sorted((f"red robot {k}", "toy") for k in present)
    assert text_domain(Config(model="KTRec", dataset="tiny", config_dict=textual()), dataset).field_pairs == []
