"""Item text -> vectors: a template, a pre-trained encoder, and a cache keyed by content.

- the keys: ``settings`` (``text_*``), ``contrastive_settings`` (``contrastive_*``)
- rows to texts: ``entities`` (of an .item or .user file, by token), ``template`` (one row, cleaned), ``scripts``
  (letters that the default encoder does not know)
- texts to vectors: ``vectors`` (the whole way), ``cache`` (what is stored, by content), with ``views`` (in a caller's
  order) and ``disk`` (files whole or not there)
- the encoder: ``locate`` (folder, package or hub), ``encoder_files``, ``sentence_files`` (what is ignored of
  sentence-transformers), ``encoder_loading``, ``encoder`` (the module), with ``prompts``, ``batching`` (padding and
  pooling) and ``training`` (which parameters); ``fingerprint`` is what vectors depend on beside the texts
- a language model trained further (`ktrec pretrain`): ``contrastive`` (the whole of it), ``pairs`` (what is drawn),
  ``contrastive_loop``, ``contrastive_loss``, ``training_state`` (to go on after a kill), ``export`` (as a folder);
  ``randomness`` gives each step its own random numbers
"""

from recbole_ktrec.text.contrastive_settings import ContrastiveSettings
from recbole_ktrec.text.entities import EntityFile, text_columns
from recbole_ktrec.text.fingerprint import check_fingerprint
from recbole_ktrec.text.locate import locate_encoder
from recbole_ktrec.text.pairs import TextDomain
from recbole_ktrec.text.scripts import script_warning
from recbole_ktrec.text.settings import TextField, TextSettings, default_cache_folder
from recbole_ktrec.text.template import clean_text, history_documents, row_text
from recbole_ktrec.text.vectors import Encoded, ItemVectors, encode, item_vectors, text_hashes

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
    "script_warning",
    "text_columns",
    "text_hashes",
]


def __getattr__(name: str) -> object:
    if name == "TextEncoder":  # imports torch, which reading cached vectors does not need
        from recbole_ktrec.text.encoder import TextEncoder

        return TextEncoder
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
