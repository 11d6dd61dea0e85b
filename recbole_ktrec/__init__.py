"""Knowledge transfer with language models for RecBole."""

from __future__ import annotations

__version__ = "0.1.0"

#: The rooms from top to bottom: a module may import only from rooms above its own (tests/test_layers.py holds that).
LAYERS = (
    "errors",
    "resources",
    "compat",
    "atomic",
    "sources",
    "text",
    "nn",
    "register",
    "model",
    "transfer",
    "evaluation",
    "recommend",
    "commands",
    "cli",
    "__main__",
)
