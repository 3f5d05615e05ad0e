"""All mutants of `reference`, the rows that judge each, and the sample that every run takes."""

import functools
import hashlib
import importlib
import math
import pkgutil
import sys
from collections import defaultdict
from collections.abc import Collection

import reference
from parity_tests import catalogue, sources
from parity_tests.mutation import equivalents, mutants, summary
from parity_tests.mutation.mutants import Mutant

# The checks have tests of their messages, one for each branch.
_LEFT_OUT = ("reference._checks",)
# The sample that every run takes.
_OF_FAMILY, _OF_DEFINITION = 36, 4
# A helper of more rows than the first is judged by so many of the simpler ones, of all kinds, one
# of which refuses more bad input than the others.
_ALL_ROWS, _ROWS = 12, 6


def modules() -> list[str]:
    """The modules of `reference` that hold code."""
    for found in pkgutil.walk_packages(reference.__path__, "reference."):
        importlib.import_module(found.name)
    return sorted(name for name in sys.modules if name.partition(".")[0] == "reference")


def every(titles: Collection[str] = ()) -> list[Mutant]:
    """The mutants of every definition that a row stands on, or that these rows judge."""
    users = _users()
    wanted = {d for d, rows in users.items() if not titles or not set(rows).isdisjoint(titles)}
    found = [m for name in modules() for m in mutants.mutants_of(name, wanted)]
    return sorted(found, key=lambda mutant: summary.FAMILIES.index(family(mutant.definition)))


def sample() -> list[Mutant]:
    """A fixed sample, as many of each family: a few of each definition, chosen by their names.

    What the whole run did not kill is not asked again.
    """
    known = {*equivalents.proofs(), *summary.names(summary.kept(), "survived")}
    ranked = sorted(_users(), key=lambda definition: _rank(".".join(definition)))
    found = []
    for name in summary.FAMILIES:
        own: list[Mutant] = []
        for definition in ranked:
            if family(definition) == name and len(own) < _OF_FAMILY:
                several = mutants.mutants_of(definition[0], {definition})
                several = [m for m in several if m.name not in known]
                own += sorted(several, key=lambda m: _rank(m.name))[:_OF_DEFINITION]
        found += own
    return found


def judges(definition: tuple[str, str]) -> list[str]:
    """The titles of the rows that judge the mutants of a definition."""
    return _users()[definition]


@functools.cache
def _users() -> dict[tuple[str, str], list[str]]:
    """Definition -> titles of its rows: its own, else of rows that stand on it."""
    needs = {row.title: sources.stands_on(row.component) for row in catalogue.rows()}
    users = defaultdict(list)
    for title in sorted(needs, key=lambda title: len(needs[title])):
        for definition in needs[title]:
            if not definition[0].startswith(_LEFT_OUT):
                users[definition].append(title)
    for definition, titles in users.items():
        own = [title for title in titles if needs[title][-1] == definition]
        simple = [title for title in titles if len(needs[title]) <= 2 * len(needs[titles[0]])]
        users[definition] = own or (titles if len(titles) <= _ALL_ROWS else _some(simple))
    return users


def _some(titles: list[str]) -> list[str]:
    """A few of these rows, and the one that refuses most."""
    few = titles[:: math.ceil(len(titles) / (_ROWS - 1))]
    return [*dict.fromkeys([*few, max(titles, key=_refusals)])]


def _refusals(title: str) -> int:
    return len(catalogue.find(title).refusals)


def family(definition: tuple[str, str]) -> str:
    """The family, or "shared" for what several families stand on."""
    name = definition[0].split(".")[1]
    return "shared" if name.startswith("_") else name


def _rank(text: str) -> str:
    """A place in an order that has nothing to do with what is ordered."""
    return hashlib.sha256(text.encode()).hexdigest()
