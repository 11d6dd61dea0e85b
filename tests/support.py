"""What the fixtures of several rooms build: a tiny encoder with its tokenizer, no network needed."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recbole_ktrec.atomic import iter_atomic, read_header

if TYPE_CHECKING:
    from recbole_ktrec.nn.samples import Sample

#: What the fixtures of settings give: changes by keyword -> RecBole's settings.
Settings = Callable[..., dict[str, Any]]
WORDS = (
    "toy story golden eye four rooms get shorty copycat red blue green puzzle robot doll train board game for kids "
    "the a of and wooden plastic space adventure comedy drama title genre item user likes"
).split()


def read_atomic(path: Path) -> pd.DataFrame:
    """Return an atomic file as a table of strings; the types of its columns are in ``attrs["types"]``."""
    types = dict(read_header(path))
    frame = pd.DataFrame(iter_atomic(path), columns=list(types), dtype=object)
    frame.attrs["types"] = types
    return frame


def sample_from(
    interactions: sp.csr_matrix, users: np.ndarray, row: np.ndarray, item: np.ndarray,
    places: sp.csr_matrix | None = None,
) -> Sample:  # fmt: skip
    """Return the sample of ``users`` ``[m]`` who later took ``item[k]``, ``row[k]`` being the place among them."""
    import torch

    from recbole_ktrec.model.held_out import HeldOut

    found = HeldOut(*(torch.from_numpy(np.asarray(part)) for part in (users, row, item)))
    return found.sample(interactions, places)


def save_tokenizer(folder: Path, bert: bool) -> int:
    """Save a word tokenizer (with [CLS] and [SEP] for BERT); return its size. The decoder's has no pad token."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] if bert else ["[UNK]", "</s>"]
    vocabulary = {word: i for i, word in enumerate(special + WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    names = {"unk_token": "[UNK]"}
    if bert:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
        names |= {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    else:
        names |= {"eos_token": "</s>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
    return len(vocabulary)


def save_tiny_bert(folder: Path) -> Path:
    """Save a BERT of three layers and 16 dimensions in ``folder``."""
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=save_tokenizer(folder, bert=True),
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        initializer_range=0.5,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def build(settings: dict[str, Any], name: str = "KTEASE") -> tuple[Any, Any, tuple[Any, Any, Any]]:
    """Return the configuration, the untrained model and the three parts of ``dataset/tiny``."""
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, init_seed

    config = Config(model=name, dataset="tiny", config_dict=settings)
    init_seed(config["seed"], True)
    parts = data_preparation(config, create_dataset(config))
    return config, get_model(name)(config, parts[0].dataset).to(config["device"]), parts


def fitted(settings: dict[str, Any], name: str = "KTEASE", saved: bool = True) -> tuple[Any, Any, tuple[Any, Any, Any]]:
    """Train on ``dataset/tiny``; return the trainer, its model and the three parts."""
    from recbole.utils import get_trainer

    config, model, parts = build(settings, name)
    trainer = get_trainer(config["MODEL_TYPE"], name)(config, model)
    trainer.fit(parts[0], parts[1], verbose=False, saved=saved, show_progress=False)
    return trainer, model.eval(), parts


def trained(settings: dict[str, Any], name: str = "KTEASE") -> Any:
    """Return the model, trained on ``dataset/tiny`` and not saved."""
    return fitted(settings, name, saved=False)[1]


def quick_start(model: str, settings: dict[str, Any]) -> dict[str, float]:
    """Return the test result of RecBole's own run on ``dataset/tiny``."""
    from recbole.quick_start import run_recbole

    return dict(run_recbole(model=model, dataset="tiny", config_dict=settings)["test_result"])


def everyone(model: Any) -> Any:
    """Return the scores of all items for all users, ``[n_users - 1, n_items]``."""
    import torch

    users = torch.arange(1, model.n_users)
    return model.full_sort_predict({model.USER_ID: users}).view(len(users), -1).detach().numpy()


def write_titles(folder: Path, topics: tuple[str, str], items: int, draw: random.Random) -> None:
    """Write ``<name>.item`` beside the interactions of ``folder``: the topic of an item goes by its parity."""
    rows = [f"i{item}\t{topics[item % 2]} {draw.choice(('toy', 'kids', 'train'))}" for item in range(items)]
    (folder / f"{folder.name}.item").write_text("\n".join(["item_id:token\ttitle:token_seq", *rows]) + "\n")


def repeatable(results: Any) -> Any:
    """Return ``results`` of a comparison without what a second run cannot repeat."""
    volatile = ("timing", "memory", "environment", "traceback")
    if isinstance(results, dict):
        return {key: repeatable(value) for key, value in results.items() if key not in volatile}
    if isinstance(results, list):
        return [repeatable(value) for value in results]
    return results
