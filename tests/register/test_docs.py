"""The model of docs/comparing.md is one: as it stands there, with its property file, it trains and learns."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from recbole.quick_start import load_data_and_model, run_recbole

from recbole_ktrec import register
from tests.support import Settings, save_tiny_bert

PAGE = Path(__file__).resolve().parents[2] / "docs" / "comparing.md"

pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="needs a checkout")


def block(start: str) -> str:
    """The code block of the page that begins with ``start``."""
    (found,) = re.findall(rf"```python\n({re.escape(start)}.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


def test_the_model_of_the_page_trains_and_its_two_scores_agree(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(register.MODELS, "TextMLP", None)
    monkeypatch.setenv("KTREC_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(tmp_path)
    Path("my_models.py").write_text(block("# my_models.py"))
    Path("TextMLP.yaml").write_text("tower_width: 5\n")
    titles = "".join(f"i{item}\tred robot {item}\n" for item in range(30))
    Path("dataset/tiny/tiny.item").write_text(f"item_id:token\ttitle:token_seq\n{titles}")
    exec(block("from recbole_ktrec import register_model"), {})
    texts = {"text_encoder": str(save_tiny_bert(tmp_path / "bert")), "text_fields": ["title"], "text_max_length": 8}
    run_recbole(model="TextMLP", dataset="tiny", config_dict=settings(**texts, checkpoint_dir="own"))
    (saved,) = map(str, Path("own").glob("*.pth"))
    _, model, dataset, _, _, test = load_data_and_model(saved)
    assert model.users.weight.shape == (dataset.user_num, 5) and model.texts.shape[0] == dataset.item_num
    asked = next(iter(test))[0]
    whole = model.full_sort_predict(asked).view(-1, dataset.item_num)
    asked["item_id"] = asked["user_id"] * 0 + 2
    assert whole[:, 2].tolist() == pytest.approx(model.predict(asked).tolist(), abs=1e-5)
    sys.modules.pop("my_models")
