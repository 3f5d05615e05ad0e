"""The mutants of a module of `reference`: what is changed, where, and how to live with it."""

import ast
import collections
import functools
import gc
import hashlib
import inspect
import itertools
import sys
import warnings
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from types import CodeType, FunctionType

from parity_tests.mutation import operators


@dataclass(frozen=True)
class Mutant:
    """One change of a definition.

    definition   (module, name of the top-level class, function or constant)
    where        the definition, or Class.method
    change       of what: "code", "check" (of bad input), "default" (of an argument), "constant"
    lines        of the statement: what runs none of them runs no change; None: nobody knows
    apply        makes the change in this process, for good
    """

    definition: tuple[str, str]
    where: str
    change: str
    line: int
    original: str
    mutated: str
    place: int  # among equal changes of one method
    source: str  # SHA-256 of the definition
    lines: range | None
    apply: Callable[[], None] = field(compare=False, repr=False)

    @property
    def name(self) -> str:
        """A name that outlives moved lines."""
        count = f" #{self.place + 1}" if self.place else ""
        return f"{self.definition[0]}.{self.where}: {self.original} -> {self.mutated}{count}"

    @property
    def file(self) -> str:
        return f"{self.definition[0].replace('.', '/')}.py:{self.line}"


@dataclass
class _Site:
    """A node, where it hangs, and the statement that it is part of."""

    parent: ast.AST
    slot: str
    index: int | None = None
    around: "_Site | None" = None

    @property
    def statement(self):
        """The statement: itself, or what it is part of."""
        node = self.node
        return node if isinstance(node, ast.stmt) or self.around is None else self.around.statement

    @property
    def node(self):
        held = getattr(self.parent, self.slot)
        return held if self.index is None else held[self.index]

    @node.setter
    def node(self, node):
        if self.index is None:
            setattr(self.parent, self.slot, node)
        else:
            getattr(self.parent, self.slot)[self.index] = node


# What has run before a mutant lives.
_AT_IMPORT = {"__init_subclass__"}


def mutants_of(module: str, definitions: Collection[tuple[str, str]]) -> list[Mutant]:
    """Every mutant of definitions of a module that does not compile to what stood there before."""
    found = []
    for node in _without_docstrings(module).body:
        if (module, _name_of(node)) not in definitions:
            continue
        if isinstance(node, ast.FunctionDef):
            found += _of_function(module, node, None)
        elif isinstance(node, ast.Assign):
            found += _of_value(module, node, None)
        else:
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and part.name not in _AT_IMPORT:
                    found += _of_function(module, part, node)
                elif isinstance(part, ast.Assign):
                    found += _of_value(module, part, node)
    return found


def _name_of(node: ast.stmt) -> str:
    """The name that a class, a function or an assignment of one constant defines."""
    if isinstance(node, ast.Assign):
        return getattr(node.targets[0], "id", "")
    return getattr(node, "name", "")


def _without_docstrings(module: str) -> ast.Module:
    """The syntax tree of a module, its code alone."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.copy_location(ast.Pass(), node.body[0])]
    return tree


def _of_function(module: str, function: ast.FunctionDef, owner: ast.ClassDef | None):
    """The mutants of a function's body and of its arguments' defaults."""
    about = _about(module, owner or function, owner, function.name)
    file = sys.modules[module].__file__
    line = min([function.lineno, *(d.lineno for d in function.decorator_list)])
    key = (file, line, function.name)
    function.decorator_list = []
    original = _compiled(function, owner, file)
    cells = original.co_freevars
    seen = {_fingerprint(_compiled(function, owner, file, cells))}
    counts = collections.Counter()
    for site in _sites(function, "body"):
        before, text = site.node, _head(site.statement)
        if operators.is_check(before) and isinstance(site.parent, ast.Expr):
            continue  # the statement as a whole is left out
        called = before.value if isinstance(before, ast.Expr) else before
        change = "check" if operators.is_check(called) else "code"
        lines = range(site.statement.lineno, site.statement.end_lineno + 1)
        for after in [*operators.replacements(before), *_left_out(before, function)]:
            site.node = ast.fix_missing_locations(ast.copy_location(after, before))
            code = _compiled(function, owner, file, cells)
            mutated = _head(site.statement)
            site.node = before
            if code is None or (mark := _fingerprint(code)) in seen:
                continue
            seen.add(mark)
            apply = functools.partial(_live_with_code, key, code)
            texts = (text, mutated)
            yield _mutant(about, change, _line(before), texts, counts, apply, lines)
    arguments = function.args
    named = [*zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    named += zip(arguments.args[::-1], arguments.defaults[::-1], strict=False)
    for argument, default in named:
        if default is None:
            continue
        # One is as good as another: only a comparison of the defaults themselves can tell.
        for mutated, value in itertools.islice(_other_values(module, default), 1):
            apply = functools.partial(_replace_default, key, argument.arg, value)
            texts = [f"{argument.arg}={text}" for text in (ast.unparse(default), mutated)]
            yield _mutant(about, "default", default.lineno, texts, counts, apply)


def _of_value(module: str, assign: ast.Assign, owner: ast.ClassDef | None):
    """The mutants of a constant of a class or a module."""
    target = assign.targets[0]
    if not isinstance(target, ast.Name):
        return
    about = _about(module, owner or assign, owner, target.id)
    counts = collections.Counter()
    home = sys.modules[module]
    home = getattr(home, owner.name) if owner else home
    for mutated, value in _other_values(module, assign.value):
        apply = functools.partial(_replace_value, home, target.id, value)
        texts = [f"{target.id} = {text}" for text in (ast.unparse(assign.value), mutated)]
        yield _mutant(about, "constant", assign.lineno, texts, counts, apply)


def _about(module, definition, owner, name):
    where = f"{owner.name}.{name}" if owner else name
    return (module, owner.name if owner else name), where, _sha256(definition)


@functools.lru_cache(maxsize=1)
def _sha256(definition) -> str:
    return hashlib.sha256(ast.unparse(definition).encode()).hexdigest()


def _mutant(about, change, line, texts, counts, apply, lines=None):
    definition, where, source = about
    place = counts[tuple(texts)]
    counts[tuple(texts)] += 1
    return Mutant(definition, where, change, line, *texts, place, source, lines, apply)


def _head(statement) -> str:
    """The code of a statement; of a compound one its first line."""
    first, *more = ast.unparse(statement).splitlines()
    return f"{first} ..." if more else first


def _line(node) -> int:
    return node.iter.lineno if isinstance(node, ast.comprehension) else node.lineno


def _sites(root: ast.AST, slot: str) -> Iterator[_Site]:
    """Every node below a slot where something else could stand."""
    stack = [(root, slot, None)]
    while stack:
        parent, slot, around = stack.pop()
        held = getattr(parent, slot)
        for index in range(len(held)) if isinstance(held, list) else [None]:
            site = _Site(parent, slot, index, around)
            if isinstance(site.node, ast.AST) and not operators.is_fixed(site.node, parent):
                yield site
                stack += [
                    (site.node, name, site) for name in site.node._fields if name not in _FIXED
                ]


# Parts of a node that are no calculation.
_FIXED = {"decorator_list", "returns", "annotation", "ctx"}


def _left_out(node, function):
    """Nothing, where a variable has another value already."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], (ast.Name, ast.Tuple)):
        bound = {part.arg for part in ast.walk(function.args) if isinstance(part, ast.arg)}
        bound |= {
            part.id
            for part in ast.walk(function)
            if isinstance(part, ast.Name)
            and isinstance(part.ctx, ast.Store)
            and part.lineno < node.lineno
        }
        own = {part.id for part in ast.walk(node.targets[0]) if isinstance(part, ast.Name)}
        if own <= bound:
            yield ast.Pass()


def _compiled(function, owner, file, cells=()) -> CodeType | None:
    """The code of a function as it stands in its class; None where it is no code at all.

    It has the given cells even where it does without them: Python wants as many as before.
    """
    body = [function]
    kept = function.body
    if cells:
        held = [ast.Expr(ast.Name(name, ast.Load())) for name in cells]
        never = ast.copy_location(ast.If(ast.Constant(False), held, []), function)
        function.body = [*kept, ast.fix_missing_locations(never)]
    if owner is not None:
        body = [ast.copy_location(ast.ClassDef(owner.name, [], [], [function], []), function)]
    try:
        # What Python warns of is a change too.
        with warnings.catch_warnings(action="ignore"):
            code = compile(ast.Module(body, []), file, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    finally:
        function.body = kept
    for name in [owner.name, function.name] if owner else [function.name]:
        code = next(c for c in code.co_consts if isinstance(c, CodeType) and c.co_name == name)
    return code


def _fingerprint(code: CodeType):
    """What a code does, whatever its line numbers."""
    constants = tuple(
        _fingerprint(constant)
        if isinstance(constant, CodeType)
        else (type(constant), repr(constant))
        for constant in code.co_consts
    )
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_exceptiontable


def _other_values(module, node):
    """Other code for a constant or a default, with its value."""
    namespace = vars(sys.modules[module])
    holder = ast.Expression(node)
    seen = {repr(_value(holder, namespace))}
    for site in _sites(holder, "body"):
        before = site.node
        for after in operators.replacements(before):
            site.node = ast.copy_location(after, before)
            text = ast.unparse(ast.fix_missing_locations(holder))
            try:
                value = _value(holder, namespace)
            except Exception:  # what has no value is no constant
                continue
            finally:
                site.node = before
            if repr(value) not in seen:
                seen.add(repr(value))
                yield text, value


def _value(holder, namespace):
    return eval(compile(holder, "<constant>", "eval"), dict(namespace))


# --- to live with a change ---


@functools.cache
def _functions() -> dict[tuple, list[FunctionType]]:
    """The functions of `reference` that live in this process, by file, line and name."""
    found = collections.defaultdict(list)
    gc.unfreeze()  # frozen objects are not among those that gc gets
    for thing in gc.get_objects():
        # By its type: what only pretends to be a function may warn when it is asked.
        if type(thing) is FunctionType and (thing.__module__ or "").startswith("reference"):
            code = thing.__code__
            found[code.co_filename, code.co_firstlineno, code.co_name].append(thing)
    return found


def prepare():
    """Find the functions now, so that no child has to."""
    _functions()


def _live_with_code(key: tuple, code: CodeType):
    """A function does what a changed one does."""
    if key not in _functions():
        raise ValueError(f"no function {key[-1]} lives here")
    _replace_code(key, code)
    forget()


def _replace_code(key: tuple, code: CodeType):
    """Every function of this code, and of those nested in it, gets the changed one."""
    for function in _functions().get(key, []):
        # One that was nested in another before holds what its old code asks for; what is made from
        # now on has the new one.
        if len(function.__code__.co_freevars) == len(code.co_freevars):
            function.__code__ = code
    file = key[0]
    nested = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    for inner in nested:
        _replace_code((file, inner.co_firstlineno, inner.co_name), inner)


def _replace_default(key: tuple, argument: str, value):
    """A default of the arguments, changed where the function lives."""
    for function in _functions()[key]:
        if argument in (function.__kwdefaults__ or {}):
            function.__kwdefaults__ = function.__kwdefaults__ | {argument: value}
        else:
            code = function.__code__
            names = code.co_varnames[: code.co_argcount][-len(function.__defaults__) :]
            pairs = zip(names, function.__defaults__, strict=True)
            function.__defaults__ = tuple(
                value if name == argument else given for name, given in pairs
            )


def _replace_value(home, name: str, value):
    """A constant of a class or a module."""
    setattr(home, name, value)
    forget()


def forget():
    """What was computed once is computed again."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "reference"]:
        for value in vars(sys.modules[name]).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()
