"""Edits of a method's syntax tree: what they are and where they apply."""

import ast
import copy
import inspect
import itertools
import textwrap
from dataclasses import dataclass

# Functions whose result says, or is, the piece that holds.
CHOOSING = {"where", "maximum", "minimum", "clip", "logical_and", "logical_or", "logical_not"}


@dataclass
class Edit:
    """Nodes of a function exchanged for others, and the cause that this undoes."""

    cause: str
    pairs: list  # of (old node, new node)
    weight: float = 1.0  # the smaller, the likelier
    others: tuple = ()  # further causes that the same edit may undo
    pointwise: str | None = None  # the cause where one formula holds element by element
    options: list | None = None  # many edits of one node, compiled once
    build: object = None  # from an expression to the new node

    def chosen(self, place):
        """The edit that one of the options stands for."""
        option = self.options[place]
        pairs = [(self.pairs[0][0], self.build(parse(option.text)))]
        return Edit(option.cause, pairs, option.weight, option.others, option.pointwise)

    @property
    def before(self):
        return ast.unparse(self.pairs[0][0])

    @property
    def after(self):
        return ast.unparse(self.pairs[0][1])

    def words(self):
        line = getattr(self.pairs[0][0], "lineno", 0)
        return f"line {line}: {self.before}  ->  {self.after}"


@dataclass(frozen=True)
class Option:
    """One expression that may take a place, and the cause that this undoes."""

    text: str
    cause: str
    weight: float = 1.0
    others: tuple = ()
    pointwise: str | None = None


class Slots:
    """Where each node of a function hangs, so that it can be exchanged and put back."""

    def __init__(self, function):
        self.places = {}
        for parent in ast.walk(function):
            for name, value in ast.iter_fields(parent):
                if isinstance(value, ast.AST):
                    self.places[id(value)] = (parent, name, None)
                elif isinstance(value, list):
                    for index, part in enumerate(value):
                        if isinstance(part, ast.AST):
                            self.places[id(part)] = (parent, name, index)

    def put(self, old, new):
        parent, name, index = self.places[id(old)]
        if index is None:
            setattr(parent, name, new)
        else:
            getattr(parent, name)[index] = new


@dataclass
class Pool:
    """Names that an edit may use, by what they are."""

    upstream: list
    factors: list  # arrays and scalars: expressions as text
    counts: list  # numbers of elements
    hypers: dict  # attribute -> its value
    arrays: list  # names and attributes of arrays
    sizes: list  # integers: stride, padding, kernel
    defaults: dict  # attribute -> default of the constructor
    spelt: set  # factors that the forward spells out
    stage: str  # "forward" or "backward"
    scaled: set  # pairs of names of which one is the other times something fixed
    masks: set  # names of what says which piece holds: of comparisons, cuts and choices


def exchange(old, new, cause, weight=1.0, **more):
    """The edit that puts `new` in the place of the node `old`."""
    return Edit(cause, [(old, new)], weight, **more)


def choice(old, build, options, guarded=False):
    """Many edits of one node in one function: the global `_pick` says which is meant."""
    listed = ", ".join(f"lambda: {option.text}" for option in options)
    new = build(parse(f"[{listed}][_pick]()"))
    if guarded:
        # Sizes and shapes are not scaled: that would only make huge arrays.
        new.left = ast.Call(ast.Name("_number", ast.Load()), [new.left], [])
    return Edit("", [(old, new)], options=options, build=build)


def tree(function):
    """The syntax tree of a function or a method, as it stands in its file."""
    return ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]


def walk(function):
    """Nodes with the chain of their parents."""
    stack = [(statement, (function,)) for statement in function.body]
    while stack:
        node, parents = stack.pop(0)
        yield node, parents
        stack += [(child, (*parents, node)) for child in ast.iter_child_nodes(node)]


def values(function):
    """Expressions that carry a gradient: assigned, added, returned, or operands of sums."""
    for node, parents in walk(function):
        parent = parents[-1] if parents else None
        if not isinstance(node, ast.expr) or not isinstance(
            getattr(node, "ctx", ast.Load()), ast.Load
        ):
            continue
        if isinstance(parent, (ast.Assign, ast.AugAssign)) and node is parent.value:
            if isinstance(node, (ast.Tuple, ast.List)):
                continue
            yield node
        elif (
            (isinstance(parent, ast.Return) and not isinstance(node, (ast.Tuple, ast.List)))
            or (isinstance(parent, (ast.Tuple, ast.List)) and not indexing((*parents, node)))
            or (isinstance(parent, ast.BinOp) and not indexing((*parents, node)))
            or (
                isinstance(parent, ast.Call)
                and node in parent.args
                and not indexing((*parents, node))
            )
        ):
            yield node


def indexing(parents):
    """Does the expression stand inside an index?"""
    pairs = itertools.pairwise(parents)
    return any(isinstance(outer, ast.Subscript) and inner is outer.slice for outer, inner in pairs)


def parse(text):
    return ast.parse(text, mode="eval").body


def binary(left, operator, right):
    return ast.BinOp(left, operator, right)


def called(node):
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else None


def loaded(node):
    node = copy.deepcopy(node)
    node.ctx = ast.Load()
    return node
