"""Knowledge transfer with language models for RecBole."""

from __future__ import annotations

from recbole_ktrec import compat, register
from recbole_ktrec.compat import large_pages
from recbole_ktrec.compat.host import is_own_command, require_host
from recbole_ktrec.register import register_metric, register_model

__all__ = ["LAYERS", "__version__", "register_metric", "register_model"]

__version__ = "0.1.0"

#: The rooms from top to bottom: a module may import only from rooms above its own (tests/test_layers.py holds that).
LAYERS = (
    "errors",
    "resources",
    "files",
    "markup",
    "atomic",
    "compat",
    "sources",
    "text",
    "nn",
    "register",
    "model",
    "evaluation",
    "knowledge",
    "commands",
    "serving",
    "cli",
    "__main__",
)

large_pages.ask_for_large_pages()
if not is_own_command():
    require_host()
compat.install()
register.register()
