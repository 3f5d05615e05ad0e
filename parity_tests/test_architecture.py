"""What may import what, in the words of the house rules."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import reference
from parity_tests import docstrings

ROOT = Path(reference.__file__).parent
FAMILIES = {"activations", "losses", "layers", "optimizers"}
# What each family may import of the others.
ALLOWED = {"layers": {"activations"}, "losses": {"activations"}}
_SCRIPT = """
import sys
import reference
print(sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "scipy", "pytest"}))
"""


def _imports(path: Path) -> set[str]:
    """The modules that a file imports, absolute."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _files():
    return sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", _files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_reference_imports_numpy_and_the_standard_library(path):
    outside = {name.partition(".")[0] for name in _imports(path)}
    assert outside <= set(sys.stdlib_module_names) | {"numpy", "reference"}


@pytest.mark.parametrize("path", _files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_families_do_not_import_each_other(path):
    family = path.relative_to(ROOT).parts[0]
    if family not in FAMILIES:
        return
    others = {name.split(".")[1] for name in _imports(path) if name.startswith("reference.")}
    assert (others & FAMILIES) - {family} <= ALLOWED.get(family, set())


def test_importing_reference_leaves_pytorch_out():
    run = [sys.executable, "-c", _SCRIPT]
    assert subprocess.check_output(run, text=True).strip() == "[]"


def test_only_the_checks_raise():
    """Bad input is refused in one place; abstract methods alone may say NotImplementedError."""
    for path in _files():
        if path.name.startswith("_checks") or "_checks" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise):
                assert "NotImplementedError" in ast.unparse(node), f"{path}:{node.lineno} raises"


def _public():
    return [getattr(reference, name) for name in reference.__all__]


@pytest.mark.parametrize(
    "component",
    [
        member
        for member in _public()
        if isinstance(member, type)
        and member not in (reference.Layer, reference.Loss, reference.Optimizer)
    ],
    ids=lambda member: member.__name__,
)
def test_a_public_docstring_has_its_parts_in_order(component):
    found = list(docstrings.parts(component))
    expected = ["", *docstrings.PARTS]
    assert found == expected
    assert all(docstrings.parts(component).values())
    assert component.__doc__.isascii()
