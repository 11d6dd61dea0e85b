"""What argparse does not do: both spellings of an option, the nearest one of a misspelt one, blanks in values."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from recbole_ktrec.errors import ConfigError, nearest


class Parser(argparse.ArgumentParser):
    """The parser of one command; one that takes RecBole's keys as ``--key=value`` allows no abbreviations."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Leave ``--key=a value`` alone, where argparse takes what holds a blank for a value of the option before it.

        Raises:
            ConfigError: an option is misspelt; the message names the nearest one.
        """
        given = [self._spelled(one) for one in (sys.argv[1:] if args is None else args)]
        self._check(given)
        mine = [one for one in given if not (one.startswith("--") and " " in one and self._is_foreign(one))]
        found, rest = super().parse_known_args(mine, namespace)
        return found, [*rest, *(one for one in given if one not in mine)]

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse what is no option of the command.

        Raises:
            ConfigError: there is such a thing.
        """
        found, rest = self.parse_known_args(args, namespace)
        if rest:
            raise ConfigError(f"Argument [{rest[0]}] is not expected: {self.prog} --help lists what is taken.")
        return found

    def _is_foreign(self, argument: str) -> bool:
        key, equals, _ = argument.partition("=")
        return bool(equals) and " " not in key and key not in self._option_string_actions

    def _options(self) -> dict[str, str]:
        """Return the options by their names with underscores, each as it was declared first."""
        options = [one for one in self._option_string_actions if one.startswith("--")]
        return {one[2:].replace("-", "_"): one for one in reversed(options)}

    def _spelled(self, argument: str) -> str:
        """Return an argument with dashes and underscores as the option has them: each of both is right."""
        key, equals, value = argument.partition("=")
        if not key.startswith("--") or key in self._option_string_actions:
            return argument
        return self._options().get(key[2:].replace("-", "_"), key) + equals + value

    def _check(self, given: list[str]) -> None:
        """Raise ConfigError for a misspelt option, before argparse says what is missing without it."""
        options = self._options()
        for word, equals, _ in (one.partition("=") for one in given if one.startswith("--")):
            name = word[2:].replace("-", "_")
            if name and not (equals and not self.allow_abbrev) and not self._is_known(word, name):
                hint = nearest(name, [*options, *self._keys()])
                meant = next((one for key, one in options.items() if f"[{key}]" in hint), None)
                if meant or self.allow_abbrev:
                    what = f"Did you mean [{meant}]?" if meant else f"{self.prog} --help lists them."
                    raise ConfigError(f"Unknown option [{word}]. {what}")

    def _is_known(self, word: str, name: str) -> bool:
        begun = self.allow_abbrev and any(one.startswith(word) for one in self._option_string_actions)
        return begun or word in self._option_string_actions or name in self._keys()

    def _keys(self) -> frozenset[str]:
        """Return RecBole's keys where the command takes them: what is near to one of them is no option."""
        if self.allow_abbrev:
            return frozenset()
        from recbole_ktrec.register.keys import READ_BY_RECBOLE, keys_of_other_models

        return keys_of_other_models() | READ_BY_RECBOLE
