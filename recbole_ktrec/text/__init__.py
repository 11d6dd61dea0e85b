"""Item text -> vectors: a template, a pre-trained encoder, and a cache keyed by content."""

from recbole_ktrec.text.contrastive_settings import ContrastiveSettings
from recbole_ktrec.text.entities import EntityFile, text_columns
from recbole_ktrec.text.fingerprint import check_fingerprint
from recbole_ktrec.text.locate import locate_encoder
from recbole_ktrec.text.pairs import TextDomain
from recbole_ktrec.text.settings import TextField, TextSettings, default_cache_folder
from recbole_ktrec.text.template import clean_text, history_documents, row_text
from recbole_ktrec.text.vectors import Encoded, ItemVectors, encode, item_vectors

__all__ = [
    "ContrastiveSettings",
    "Encoded",
    "EntityFile",
    "ItemVectors",
    "TextDomain",
    "TextEncoder",
    "TextField",
    "TextSettings",
    "check_fingerprint",
    "clean_text",
    "default_cache_folder",
    "encode",
    "history_documents",
    "item_vectors",
    "locate_encoder",
    "row_text",
    "text_columns",
]


def __getattr__(name: str) -> object:
    if name == "TextEncoder":  # imports torch, which reading cached vectors does not need
        from recbole_ktrec.text.encoder import TextEncoder

        return TextEncoder
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
