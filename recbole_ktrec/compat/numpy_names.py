"""The numpy names that RecBole 1.2.1 and ray 2.6.3 use although numpy has dropped them.

RecBole sets eight of them itself, but only when a ``Config`` is made, so a checkpoint read in a fresh process fails
on ``np.float``; and it sets them from names that numpy 2 has dropped too (``np.float_`` and its like).
"""

from __future__ import annotations

from types import ModuleType

#: dropped name -> the name that numpy 1.26 and 2 both have; the underscored ones first, RecBole reads those.
NAMES = {
    "float_": "float64",
    "complex_": "complex128",
    "unicode_": "str_",
    "bool8": "bool_",
    "bool": "bool_",
    "int": "int_",
    "float": "float64",
    "complex": "complex128",
    "object": "object_",
    "str": "str_",
    "long": "int_",
    "unicode": "str_",
}


def missing_names(numpy: ModuleType) -> list[str]:
    """Return those of ``NAMES`` that ``numpy`` lacks; looked up without its warnings about dropped names."""
    return [name for name in NAMES if name not in vars(numpy)]


def add_names(_recbole: ModuleType) -> bool:
    """Set the missing names, to the types that RecBole itself sets; return whether any was missing."""
    import numpy

    missing = missing_names(numpy)
    for name in missing:
        setattr(numpy, name, getattr(numpy, NAMES[name]))
    return bool(missing)
