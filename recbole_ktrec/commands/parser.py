"""What argparse does not do: both spellings of an option, the nearest one of a misspelt one, blanks in values."""

from __future__ import annotations

import argparse
import itertools
import os
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
        given = [_at_home(self._spelled(one)) for one in (sys.argv[1:] if args is None else args)]
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
        return {_name(one): one for one in reversed(options)}

    def _spelled(self, argument: str) -> str:
        """Return an argument with dashes and underscores as the option has them: each of both is right."""
        key, equals, value = argument.partition("=")
        if not key.startswith("--") or key in self._option_string_actions:
            return argument
        return self._options().get(_name(key), key) + equals + value

    @property
    def _takes_keys(self) -> bool:
        """Whether the command takes RecBole's keys, too; it allows no abbreviations then."""
        return not self.allow_abbrev

    def _check(self, given: list[str]) -> None:
        """Raise ConfigError for a misspelt option, before argparse says what is missing without it."""
        for one in itertools.takewhile(lambda argument: argument != "--", given):
            word, equals, _ = one.partition("=")
            if not word.startswith("--") or " " in word or (equals and self._takes_keys):
                continue  # a value, or a key that is looked at elsewhere
            if not self._is_known(word):
                self._refuse(word)

    def _refuse(self, word: str) -> None:
        options = self._options()
        hint = nearest(_name(word), [*options, *self._keys()])
        meant = next((option for key, option in options.items() if f"[{key}]" in hint), None)
        if meant or not self._takes_keys:
            what = f"Did you mean [{meant}]?" if meant else f"{self.prog} --help lists them."
            raise ConfigError(f"Unknown option [{word}]. {what}")

    def _is_known(self, word: str) -> bool:
        begun = not self._takes_keys and any(one.startswith(word) for one in self._option_string_actions)
        return begun or word in self._option_string_actions or _name(word) in self._keys()

    def _keys(self) -> frozenset[str]:
        """Return RecBole's keys where the command takes them: what is near to one of them is no option."""
        if not self._takes_keys:
            return frozenset()
        from recbole_ktrec.register.keys import named_keys

        return named_keys()


def _at_home(argument: str) -> str:
    """Return ``--key=~/x`` with the user's folder for the ``~``, which a shell leaves as it is there."""
    key, equals, value = argument.partition("=")
    return key + equals + (os.path.expanduser(value) if key.startswith("--") and value.startswith("~/") else value)


def _name(word: str) -> str:
    return word[2:].replace("-", "_")
