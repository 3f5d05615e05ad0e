"""What the debugger says can be said in Portuguese."""

import ast
import itertools
from pathlib import Path

import pytest

from parity_tests import debug
from parity_tests.debug import recipes
from parity_tests.debug.portuguese import translated

# Where the sentence stands among the arguments of what takes one.
_PLACES = {"Clue": 2, "remark": 0, "Finding": 2}


def sentences():
    """The literal sentences in the debugger's source, a 7 standing for what varies."""
    for file in sorted(Path(debug.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", None))
            if name in _PLACES and len(node.args) > _PLACES[name]:
                yield from spoken(node.args[_PLACES[name]])


def spoken(node):
    if isinstance(node, ast.Constant) and node.value:
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(p.value if isinstance(p, ast.Constant) else "7" for p in node.values)


# Put together of parts that are translated elsewhere.
_JOINED = {"equal if 7", "7: 7", "state: 7 7", "forward: 7"}


@pytest.mark.parametrize("sentence", sorted({*sentences()} - _JOINED))
def test_a_sentence_of_the_report_has_a_template(sentence):
    assert translated(sentence) is not None


def test_every_known_mistake_of_an_optimizer_has_its_words():
    known = [*itertools.chain(*recipes.MISTAKES.values()), *recipes.DECAY]
    assert [mistake.words for mistake in known if translated(mistake.words) is None] == []


def test_a_sentence_without_a_template_is_seen():
    assert translated("yours is purple") is None
