"""``--register MyModel=my_models`` of three commands: a model of a user's own, by the module that it stands in.

Nothing but what is named is imported, from the folder where the command is run first, as by ``python -m``.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from recbole_ktrec.errors import ConfigError, nearest
from recbole_ktrec.register.models import MODELS, is_of_package, register_model
from recbole_ktrec.register.unknown import known_models

#: What the commands say of the option.
HELP = (
    "a model of your own: class MyModel of the file my_models.py in the current folder (a module, as `import` names "
    "it), with its defaults in MyModel.yaml beside it, if that is there"
)
#: RecBole's types -> kinds of recommenders; all others are general.
_KINDS = {"CONTEXT": "context_aware", "SEQUENTIAL": "sequential", "KNOWLEDGE": "knowledge_aware"}


def register_own(given: Iterable[str]) -> list[str]:
    """Register the models of ``given``, each ``NAME=MODULE``, and return their names.

    Raises:
        ConfigError: one has another form or a name that is taken, or its module cannot be imported, has no such class,
            or one that is no recommender.
    """
    names = []
    for one in given:
        name, _, module = one.partition("=")
        if not (name.isidentifier() and module):
            raise ConfigError(f"--register [{one}] is not of the form MyModel=my_models, class and module.")
        _register(name, module, f"--register {one}")
        names.append(name)
    return names


def _register(name: str, module: str, said: str) -> None:
    taken = {one.lower(): one for one in known_models() if one not in MODELS or is_of_package(one) or one != name}
    if name.lower() in taken:
        raise ConfigError(f"{said}: there is a model [{taken[name.lower()]}] already, give the class another name.")
    held = _imported(module, said)
    kind = _KINDS.get(_recommender(held, name, said).type.name, "general")
    file = Path(held.__file__ or "").with_name(f"{name}.yaml")
    register_model(name, module, kind, file if file.is_file() else None)


def _imported(module: str, said: str) -> ModuleType:
    here = os.getcwd()
    if (dotted := module.removesuffix(".py").removeprefix("./").replace(os.sep, ".")) != module:
        raise ConfigError(f"{said}: a module is given as `import` names it: {dotted}.")
    if not {"", here} & set(sys.path):
        sys.path.insert(0, here)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if f"{module}.".startswith(f"{error.name}."):
            raise ConfigError(f"{said}: there is no module [{module}] in [{here}].") from error
        raise ConfigError(f"{said}: [{module}] imports [{error.name}], which is not installed.") from error
    except (Exception, SystemExit) as error:
        what = f"{type(error).__name__}: {error}{_where(error)}"
        raise ConfigError(f"{said}: [{module}] cannot be imported: {what}") from error


def _where(error: BaseException) -> str:
    """Return the line that raised it; a SyntaxError says its own."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return "" if isinstance(error, SyntaxError) else f" ({last.filename}, line {last.lineno})"


def _recommender(held: ModuleType, name: str, said: str) -> Any:
    """Return the class ``name`` of a module."""
    from recbole.model.abstract_recommender import AbstractRecommender
    from recbole.utils import ModelType

    def is_recommender(one: object) -> bool:
        return isinstance(one, type) and issubclass(one, AbstractRecommender) and hasattr(one, "type")

    where = f"[{held.__name__}] ({held.__file__})"
    found = getattr(held, name, None)
    if found is None:
        own = [key for key, one in vars(held).items() if is_recommender(one) and one.__module__ == held.__name__]
        raise ConfigError(f"{said}: {where} has no class [{name}].{nearest(name, own) or _listed(own)}")
    if not is_recommender(found) or not isinstance(found.type, ModelType):
        base = "GeneralRecommender (recbole.model.abstract_recommender) or KTRec (recbole_ktrec.model.ktrec)"
        raise ConfigError(f"{said}: [{name}] of {where} is no recommender: derive it from {base}, say.")
    return found


def _listed(own: list[str]) -> str:
    return f" It has {', '.join(own)}." if own else ""
