"""The source of a class with what it stands on: bases, helpers and constants of `reference`."""

import ast
import functools
import hashlib
import inspect
import sys
from types import ModuleType

# The protocol and the checks are known to every reader; nothing else is left out.
_TAKEN_AS_KNOWN = ("reference._base", "reference._checks")


def shown(component: type) -> str:
    """The source of what a class stands on, then the class itself."""
    pieces: dict[tuple[str, str], str] = {}
    _collect(component.__module__, component.__name__, pieces)
    return "\n\n\n".join(piece.rstrip() for piece in pieces.values()) + "\n"


def sha256(component: type) -> str:
    """The SHA-256 of the source shown."""
    return hashlib.sha256(shown(component).encode()).hexdigest()


def files(component: type) -> list[str]:
    """The files that the source shown comes from."""
    pieces: dict[tuple[str, str], str] = {}
    _collect(component.__module__, component.__name__, pieces)
    return sorted({inspect.getsourcefile(sys.modules[module]) for module, _ in pieces})


def lines(module: str, name: str) -> tuple[str, int, int]:
    """The file of a top-level definition, its first line and its last."""
    node = _definitions(module)[0][name]
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    return inspect.getsourcefile(sys.modules[module]), first, node.end_lineno


def stands_on(component: type) -> list[tuple[str, str]]:
    """(module, name) of every definition of `reference` that a component needs, itself last."""
    pieces: dict[tuple[str, str], str] = {}
    _collect(component.__module__, component.__name__, pieces, known=())
    return list(pieces)


def _collect(module: str, name: str, pieces: dict, known: tuple[str, ...] = _TAKEN_AS_KNOWN):
    """Add a top-level definition after what it refers to, but for modules known to all."""
    nodes, lines = _definitions(module)
    if (module, name) in pieces or name not in nodes:
        return
    node = nodes[name]
    pieces[module, name] = ""  # seen: a class may refer to itself
    for target_module, target in sorted(_references(module, node)):
        if not target_module.startswith(known):
            _collect(target_module, target, pieces, known)
    # Last: what a definition stands on comes before it.
    del pieces[module, name]
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    pieces[module, name] = "\n".join(lines[first - 1 : node.end_lineno])


@functools.cache
def _definitions(module: str) -> tuple[dict[str, ast.stmt], list[str]]:
    """The top-level classes, functions and constants of a module, and its lines."""
    text = inspect.getsource(sys.modules[module])
    nodes: dict[str, ast.stmt] = {}
    for node in ast.parse(text).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            nodes[node.name] = node
        elif isinstance(node, ast.Assign):
            for target in ast.walk(node):
                if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store):
                    nodes[target.id] = node
    nodes.pop("__all__", None)
    return nodes, text.splitlines()


def _references(module: str, node: ast.stmt) -> set[tuple[str, str]]:
    """The definitions of `reference` that a definition names."""
    scope = vars(sys.modules[module])
    found = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            found.add(_place(module, part.id, scope.get(part.id)))
        elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
            owner = scope.get(part.value.id)
            if isinstance(owner, ModuleType) and owner.__name__.startswith("reference"):
                found.add(_place(owner.__name__, part.attr, getattr(owner, part.attr, None)))
    return {(where, name) for where, name in found if where}


def _place(module: str, name: str, value) -> tuple[str | None, str]:
    """Where a name is defined: its own module, or the one that it was imported from."""
    home = getattr(value, "__module__", None)
    if inspect.isclass(value) or inspect.isfunction(value):
        return (home, value.__name__) if (home or "").startswith("reference") else (None, name)
    return (module, name) if name in _definitions(module)[0] else (None, name)
