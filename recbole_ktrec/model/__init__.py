"""Thin adapters from RecBole's contract to :mod:`recbole_ktrec.nn`."""
