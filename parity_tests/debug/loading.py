"""Load the target's file in a world of its own, so that it can be loaded twice.

A world is a set of modules made from the target's file and from what it imports beside itself.
The first world has the real NumPy. The second has an array namespace over torch tensors in its
place, so that autograd can run through the same source. What cannot be imported (a base class in
another file, a plotting library) gets a stand-in.
"""

import ast
import builtins
import contextlib
import importlib.util
import io
import itertools
import sys
import types
from pathlib import Path

from parity_tests.debug.failures import OwnCodeError, UsageError

_counter = itertools.count()
_PARENTS = 4


class _StandInType(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _stand_in(name)


class _StandInBase(metaclass=_StandInType):
    """What takes the place of a base class that could not be imported."""

    def __init__(self, *arguments, **keywords):
        self.__dict__.setdefault("params", [])
        self.__dict__.setdefault("training", True)

    def __call__(self, *arguments):
        if not hasattr(type(self), "forward"):
            raise TypeError(f"{type(self).__name__} comes from a module that is missing")
        return self.forward(*arguments)


def _stand_in(name):
    """A class for a capitalised name; else a decorator that changes nothing."""
    if name[:1].isupper():
        return _StandInType(name, (_StandInBase,), {})

    def missing(*arguments, **keywords):
        if len(arguments) == 1 and callable(arguments[0]):
            return arguments[0]
        raise NameError(f"{name!r} comes from a module that is missing")

    missing.__name__ = name
    return missing


class _StandInModule(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = _stand_in(name)
        setattr(self, name, value)
        return value


class World:
    """The modules of one target, with one array namespace."""

    def __init__(self, substitutes=None, rewrite=None, builtins=None):
        self.substitutes = substitutes or {}  # top-level name -> function of the dotted name
        self.rewrite = rewrite  # a syntax tree -> the tree to run
        self.builtins = builtins or {}
        self.modules = {}  # path -> module
        self.stand_ins = []
        self.adopted = set()  # names of modules that are Python's own
        self.roots = []
        self.prefix = f"_parity_debug_{next(_counter)}"

    @property
    def files(self):
        return set(self.modules)

    def load(self, path):
        """The module of a file, executed once."""
        path = Path(path).resolve()
        if str(path) in self.modules:
            return self.modules[str(path)]
        if not self.roots:
            self.roots = [path.parent, *list(path.parent.parents)[:_PARENTS]]
        try:
            source = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read {path}: {error}") from error
        module = types.ModuleType(f"{self.prefix}.{path.stem}_{len(self.modules)}")
        module.__file__ = str(path)
        known = {**vars(builtins), "__import__": self._import, **self.builtins}
        module.__dict__["__builtins__"] = known
        self.modules[str(path)] = sys.modules[module.__name__] = module
        try:
            tree = ast.parse(source, str(path))
            for name in _unknown_bases(tree):
                setattr(module, name, self._missing(_stand_in(name), name))
            tree = self.rewrite(tree) if self.rewrite else tree
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(tree, str(path), "exec"), module.__dict__)
        except SyntaxError as error:
            raise UsageError(f"{path}:{error.lineno}: {error.msg}") from error
        except (OwnCodeError, UsageError):
            raise
        except (Exception, SystemExit) as error:
            raise OwnCodeError("load", error, self.files) from error
        return module

    def adopt(self, path, module):
        """Take a module that Python has loaded already for the one of this file."""
        self.modules[str(path)] = module
        self.adopted.add(module.__name__)

    def close(self):
        """Forget the modules that were loaded here."""
        for module in self.modules.values():
            if module.__name__ not in self.adopted:
                sys.modules.pop(module.__name__, None)

    def _missing(self, value, name):
        if name not in self.stand_ins:
            self.stand_ins.append(name)
        return value

    def _import(self, name, globals=None, locals=None, fromlist=(), level=0):
        top = name.partition(".")[0]
        if level == 0 and top in self.substitutes:
            return self.substitutes[top](name if fromlist else top)
        local = self._local(name, globals, level)
        if local is not None:
            return self._local_import(name, local, fromlist)
        if level == 0:
            try:
                return builtins.__import__(name, globals, locals, fromlist or (), 0)
            except ImportError:
                pass
        return self._stand_in_import(name, fromlist)

    @staticmethod
    def _beside(folder, part):
        """The file of a submodule, if a package's folder has one."""
        paths = (folder / f"{part}.py", folder / part / "__init__.py")
        return next((path for path in paths if path.is_file()), None)

    def _stand_in_import(self, name, fromlist):
        module = _StandInModule(name)
        for part in fromlist or (name,):
            self._missing(None, part)
        if not fromlist:
            for part in name.split(".")[:0:-1]:
                child, module = module, _StandInModule(part)
                setattr(module, part, child)
        return module

    def _local(self, name, globals, level):
        """The file of a module that lies beside the target (or a package above it)."""
        parts = name.split(".") if name else []
        if level:
            own = Path(globals["__file__"]).parent
            for _ in range(level - 1):
                own = own.parent
            roots = [own]
        elif parts[0] in sys.stdlib_module_names or parts[0] in ("numpy", "torch", "scipy"):
            return None
        else:
            roots = self.roots
        for root in roots:
            place = root.joinpath(*parts)
            for file in (place.with_suffix(".py") if parts else None, place / "__init__.py"):
                if file is not None and file.is_file():
                    return file
            if level and place.is_dir():
                return place
            if not level and place.is_dir() and any(place.glob("*.py")):
                return place
        return None

    def _local_import(self, name, file, fromlist):
        folder = file.parent if file.name == "__init__.py" else file
        beside = {part: self._beside(folder, part) for part in fromlist or ()}
        package = file.is_file() and (file.name != "__init__.py" or not all(beside.values()))
        module = self.load(file) if package else types.ModuleType(name)
        for part, path in beside.items():
            if not hasattr(module, part) and part != "*":
                found = self.load(path) if path else self._missing(_stand_in(part), part)
                setattr(module, part, found)
        if fromlist or "." not in name:
            return module
        for part in name.split(".")[:0:-1]:
            child, module = module, types.ModuleType(part)
            setattr(module, part, child)
        return module


def _unknown_bases(tree):
    """Names of base classes that the file neither defines nor imports."""
    known = set(vars(builtins))
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            known.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            known.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            known.add(node.id)
    if any(
        isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
        for node in ast.walk(tree)
    ):
        return []
    bases = [
        base.id
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for base in node.bases
        if isinstance(base, ast.Name)
    ]
    return [name for name in dict.fromkeys(bases) if name not in known]


def split_target(text):
    """`file.py:Expression(...)` as a path and an expression."""
    file, colon, expression = text.partition(".py:")
    if not colon:
        raise UsageError(f"the target must look like file.py:Expression; got {text!r}")
    return Path(file + ".py"), expression.strip()


def evaluate(expression, module, extra=None):
    """The value of an expression in a module's namespace; a class alone is called."""
    import numpy as np

    namespace = {"np": np, "numpy": np, **module.__dict__, **(extra or {})}
    try:
        value = eval(compile(expression, "<expression>", "eval"), namespace)
    except SyntaxError as error:
        raise UsageError(f"cannot read the expression {expression!r}: {error.msg}") from error
    return value() if isinstance(value, type) else value


def load_file(path):
    """A plain module from a file, for an oracle given as file.py:name."""
    path = Path(path).resolve()
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(f"_parity_oracle_{next(_counter)}", path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"the oracle's file {path} cannot be run: {error}") from error
    return module
