"""pandas 3 makes RecBole 1.2.1 compute wrong numbers without a word, so it is refused.

``feat[field].fillna(value, inplace=True)`` changes a copy there: padding rows and missing ratings keep NaN, or become
-9223372036854775808 as integers, and ratings flip their labels.
"""

from __future__ import annotations

from types import ModuleType

from recbole_ktrec.errors import HostError


def refuse_pandas_3(_dataset: ModuleType) -> bool:
    """Raise HostError under pandas 3 or newer; there is nothing to mend under an older one."""
    import pandas

    if int(pandas.__version__.split(".")[0]) >= 3:
        raise HostError(
            f"RecBole 1.2.1 silently computes wrong numbers with pandas {pandas.__version__}: pip install 'pandas<3'"
        )
    return False
