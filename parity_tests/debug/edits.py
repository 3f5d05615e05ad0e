"""Single edits of a method: what one slip of the pen could have been, each with its cause."""

import ast
import copy
import itertools
import re
from dataclasses import dataclass


@dataclass
class Edit:
    """Nodes of a function exchanged for others, and the cause that this undoes."""

    cause: str
    pairs: list  # of (old node, new node)
    weight: float = 1.0  # the smaller, the likelier
    choices: list | None = None  # (expression, cause, weight): many edits, compiled once
    build: object = None  # from an expression to the new node

    def chosen(self, place):
        """The edit that one of the choices stands for."""
        text, cause, weight = self.choices[place]
        return Edit(cause, [(self.pairs[0][0], self.build(_parse(text)))], weight)

    @property
    def before(self):
        return ast.unparse(self.pairs[0][0])

    @property
    def after(self):
        return ast.unparse(self.pairs[0][1])

    def words(self):
        line = getattr(self.pairs[0][0], "lineno", 0)
        return f"line {line}: {self.before}  ->  {self.after}"


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


def enumerate_edits(function, pool):
    """All edits of a function, roughly the likeliest first."""
    makers = (
        _signs, _accumulations, _transposes, _axes, _upstream, _constants, _comparisons,
        _branches, _casts, _shifts, _functions, _dropped, _factors, _names, _terms, _renamed,
        _geometry, _sums,
    )  # fmt: skip
    for maker in makers:
        yield from maker(function, pool)


def _replace(function, old, new, cause, weight=1.0):
    """The edit that puts `new` in the place of the node `old`."""
    return Edit(cause, [(old, new)], weight)


def _choice(old, build, choices, guarded=False):
    """Many edits of one node in one function: the global `_pick` says which is meant."""
    listed = ", ".join(f"lambda: {text}" for text, _, _ in choices)
    new = build(_parse(f"[{listed}][_pick]()"))
    if guarded:
        # Sizes and shapes are not scaled: that would only make huge arrays.
        new.left = ast.Call(ast.Name("_number", ast.Load()), [new.left], [])
    return Edit("", [(old, new)], 1.0, choices, build)


def _walk(function):
    """Nodes with the chain of their parents."""
    stack = [(statement, (function,)) for statement in function.body]
    while stack:
        node, parents = stack.pop(0)
        yield node, parents
        stack += [(child, (*parents, node)) for child in ast.iter_child_nodes(node)]


def _values(function):
    """Expressions that carry a gradient: assigned, added, returned, or operands of sums."""
    for node, parents in _walk(function):
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
            or (isinstance(parent, (ast.Tuple, ast.List)) and not _indexing((*parents, node)))
            or (isinstance(parent, ast.BinOp) and not _indexing((*parents, node)))
            or (
                isinstance(parent, ast.Call)
                and node in parent.args
                and not _indexing((*parents, node))
            )
        ):
            yield node


def _indexing(parents):
    """Does the expression stand inside an index?"""
    pairs = itertools.pairwise(parents)
    return any(isinstance(outer, ast.Subscript) and inner is outer.slice for outer, inner in pairs)


def _parse(text):
    return ast.parse(text, mode="eval").body


def _binary(left, operator, right):
    return ast.BinOp(left, operator, right)


def _signs(function, pool):
    for node, parents in _walk(function):
        if isinstance(node, ast.BinOp) and not _indexing((*parents, node)):
            if isinstance(node.op, ast.Add):
                yield _replace(function, node, _binary(node.left, ast.Sub(), node.right), "sign")
                other = ast.BinOp(node.right, ast.Sub(), node.left)
                yield _replace(function, node, other, "sign", 1.2)
            elif isinstance(node.op, ast.Sub):
                yield _replace(function, node, _binary(node.left, ast.Add(), node.right), "sign")
                other = ast.BinOp(node.right, ast.Sub(), node.left)
                yield _replace(function, node, other, "sign")
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Add, ast.Sub)):
            operator = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
            new = ast.AugAssign(node.target, operator, node.value)
            yield _replace(function, node, new, "sign")
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            if not isinstance(node.operand, ast.Constant):
                yield _replace(function, node, node.operand, "sign")
    for node in _values(function):
        if not isinstance(node, (ast.Constant, ast.Slice, ast.Starred)):
            yield _replace(function, node, ast.UnaryOp(ast.USub(), node), "sign", 1.1)


def _accumulations(function, pool):
    for node, parents in _walk(function):
        looped = any(isinstance(p, (ast.For, ast.While)) for p in parents)
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, (ast.Subscript, ast.Attribute)) or looped:
                if isinstance(target, (ast.Tuple, ast.List)):
                    continue
                new = ast.AugAssign(target, ast.Add(), node.value)
                yield _replace(function, node, new, "overwrite_not_accumulate", 0.9)
        subscript = None
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            subscript = node.targets[0]
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Subscript):
            subscript = node.target
            new = ast.Assign([node.target], node.value)
            yield _replace(function, node, new, "accumulates_across_calls", 1.3)
        if subscript is not None:
            call = _parse("np.add.at(a, b, c)")
            call.args = [_loaded(subscript.value), _index(subscript.slice), node.value]
            new = ast.Expr(call)
            yield _replace(function, node, new, "overwrite_not_accumulate", 0.9)


def _loaded(node):
    node = copy.deepcopy(node)
    node.ctx = ast.Load()
    return node


def _index(node):
    return ast.Subscript(_parse("np.s_"), node, ast.Load())


def _transposes(function, pool):
    for node, _parents in _walk(function):
        if isinstance(node, ast.Attribute) and node.attr == "T":
            yield _replace(function, node, node.value, "transposed")
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            for side in ("left", "right"):
                operand = getattr(node, side)
                turned = ast.Attribute(operand, "T", ast.Load())
                yield _replace(function, operand, turned, "transposed")
                swapped = _parse("np.swapaxes(a, -1, -2)")
                swapped.args[0] = operand
                yield _replace(function, operand, swapped, "transposed", 1.1)
            other = ast.BinOp(node.right, ast.MatMult(), node.left)
            yield _replace(function, node, other, "transposed", 1.1)
        elif _called(node) in ("dot", "matmul"):
            for argument in node.args:
                turned = ast.Attribute(argument, "T", ast.Load())
                yield _replace(function, argument, turned, "transposed")
            if len(node.args) == 2:
                other = copy.copy(node)
                other.args = node.args[::-1]
                yield _replace(function, node, other, "transposed", 1.1)
        elif _called(node) in ("transpose", "swapaxes") and isinstance(node.func, ast.Attribute):
            if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "np"):
                yield _replace(function, node, node.func.value, "transposed", 1.1)
        elif _called(node) == "einsum" and isinstance(node.args[0], ast.Constant):
            yield from _subscripts(function, node)
    for node in _values(function):
        if isinstance(node, (ast.Name, ast.Attribute, ast.BinOp, ast.Call)):
            yield _replace(function, node, ast.Attribute(node, "T", ast.Load()), "transposed", 1.2)


def _subscripts(function, node):
    text = node.args[0].value.replace(" ", "")
    terms, arrow, out = text.partition("->")
    parts = [*terms.split(","), out] if arrow else terms.split(",")
    for place, part in enumerate(parts):
        if len(part) > 3:
            continue
        for order in itertools.permutations(part):
            if "".join(order) != part:
                changed = [*parts[:place], "".join(order), *parts[place + 1 :]]
                inner = changed[:-1] if arrow else changed
                new = ",".join(inner) + (arrow + changed[-1] if arrow else "")
                yield _replace(function, node.args[0], ast.Constant(new), "transposed")


def _called(node):
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else None


_AXES = [-1, 0, 1, 2, (0, 1), (1, 2), (0, 2), (0, 1, 2), (1, 3), (2, 3), (1, 2, 3), None]
_REDUCTIONS = {
    *("sum", "mean", "max", "min", "prod", "var", "std", "cumsum", "argmax", "argmin"),
    *("concatenate", "stack", "split", "expand_dims", "repeat", "flip", "norm"),
}


def _axes(function, pool):
    for node, _parents in _walk(function):
        name = _called(node)
        if name not in _REDUCTIONS:
            continue
        own = isinstance(node.func, ast.Attribute) and not (
            isinstance(node.func.value, ast.Name) and node.func.value.id in ("np", "numpy")
        )
        given = next((k.value for k in node.keywords if k.arg == "axis"), None)
        if given is None:
            place = 0 if own else 1
            given = node.args[place] if len(node.args) > place else None
        if given is None:
            for axis in _AXES[:-1]:
                new = copy.copy(node)
                new.keywords = [*node.keywords, ast.keyword("axis", _parse(repr(axis)))]
                yield _replace(function, node, new, "wrong_axis", 1.1)
            continue
        for axis in _AXES:
            if ast.unparse(given) != repr(axis):
                yield _replace(function, given, _parse(repr(axis)), "wrong_axis")
        for name in ("self.axis", "self.axes", "self.dim"):
            if ast.unparse(given) != name:
                yield _replace(function, given, _parse(name), "wrong_axis")
        for keyword in node.keywords:
            if keyword.arg == "keepdims":
                value = keyword.value
                flipped = ast.Constant(not getattr(value, "value", False))
                yield _replace(function, value, flipped, "wrong_axis", 1.2)
        if not any(k.arg == "keepdims" for k in node.keywords):
            new = copy.copy(node)
            new.keywords = [*node.keywords, ast.keyword("keepdims", ast.Constant(True))]
            yield _replace(function, node, new, "wrong_axis", 1.2)


def _upstream(function, pool):
    for node in _values(function):
        if isinstance(node, ast.Constant) and node.value is None:
            continue
        for name in pool.upstream:
            new = _binary(node, ast.Mult(), _parse(name))
            yield _replace(function, node, new, "upstream_missing", 0.9)


def _constants(function, pool):
    for node, parents in _walk(function):
        if not isinstance(node, ast.Constant) or isinstance(node.value, (bool, str)):
            continue
        value = node.value
        if not isinstance(value, (int, float)):
            continue
        parent = parents[-1]
        outer = parents[-2] if isinstance(parent, ast.UnaryOp) and len(parents) > 1 else parent
        chosen = any(_called(p) == "where" for p in parents)
        power = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Pow)
        power = power and node is parent.right
        for name, default in pool.hypers.items():
            ignored = pool.defaults.get(name) == value or default == value
            cause = "hyperparameter_ignored" if ignored or not chosen else "branch"
            weight = 0.8 if ignored else 1.0
            for new in (f"self.{name}", f"-self.{name}"):
                yield _replace(function, node, _parse(new), cause, weight)
        if _indexing((*parents, node)):
            for other in (value - 1, value + 1):
                yield _replace(function, node, _parse(repr(other)), "geometry", 1.1)
            continue
        cause = "wrong_derivative" if power else "branch" if chosen else "scale_constant"
        scaled = isinstance(outer, ast.BinOp) and isinstance(outer.op, (ast.Mult, ast.Div))
        if not (power or chosen or scaled):
            cause = "wrong_derivative"
        if isinstance(parent, ast.Compare):
            cause = "branch"
        others = (value + 1, value - 1, 2 * value, value / 2, -value, 0.0, 1.0, 0.5, 2, 3)
        for other in dict.fromkeys(others):
            if other != value:
                yield _replace(function, node, _parse(repr(other)), cause)


_OPPOSITES = {
    ast.Gt: [(ast.GtE, "tie_kink"), (ast.Lt, "branch"), (ast.LtE, "branch")],
    ast.GtE: [(ast.Gt, "tie_kink"), (ast.LtE, "branch"), (ast.Lt, "branch")],
    ast.Lt: [(ast.LtE, "tie_kink"), (ast.Gt, "branch"), (ast.GtE, "branch")],
    ast.LtE: [(ast.Lt, "tie_kink"), (ast.GtE, "branch"), (ast.Gt, "branch")],
    ast.Eq: [(ast.NotEq, "branch")],
    ast.NotEq: [(ast.Eq, "branch")],
}


def _comparisons(function, pool):
    for node, _ in _walk(function):
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            for kind, cause in _OPPOSITES.get(type(node.ops[0]), []):
                new = ast.Compare(node.left, [kind()], node.comparators)
                yield _replace(function, node, new, cause)
            left, right = node.left, node.comparators[0]
            for operand in (left, right):
                turned = _parse("np.abs(a)")
                turned.args = [operand]
                yield _replace(function, operand, turned, "branch", 1.2)
                for name in pool.hypers:
                    yield _replace(function, operand, _parse(f"self.{name}"), "branch", 1.1)
                    yield _replace(function, operand, _parse(f"-self.{name}"), "branch", 1.1)
                yield _replace(function, operand, ast.Constant(0), "branch", 1.1)
            for name in pool.hypers:
                for kind, sign in ((ast.Gt, "-"), (ast.Gt, ""), (ast.Lt, "")):
                    other = ast.Compare(left, [kind()], [_parse(f"{sign}self.{name}")])
                    both = ast.BinOp(node, ast.BitAnd(), other)
                    yield _replace(function, node, both, "branch", 1.2)


def _branches(function, pool):
    for node, _ in _walk(function):
        if _called(node) == "where" and len(node.args) == 3:
            new = copy.copy(node)
            new.args = [node.args[0], node.args[2], node.args[1]]
            yield _replace(function, node, new, "branch")
            for place in (1, 2):
                for text in ("0.0", "1.0", *[f"self.{name}" for name in pool.hypers]):
                    yield _replace(function, node.args[place], _parse(text), "branch", 1.1)
        elif _called(node) in ("minimum", "maximum") and len(node.args) == 2:
            other = "minimum" if _called(node) == "maximum" else "maximum"
            for name in pool.hypers:
                for sign in ("-", ""):
                    new = _parse(f"np.{other}(a, {sign}self.{name})")
                    new.args[0] = node
                    yield _replace(function, node, new, "branch", 1.1)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.BitAnd, ast.BitOr)):
            operator = ast.BitOr() if isinstance(node.op, ast.BitAnd) else ast.BitAnd()
            yield _replace(function, node, ast.BinOp(node.left, operator, node.right), "branch")
            yield _replace(function, node, node.left, "branch", 1.1)
            yield _replace(function, node, node.right, "branch", 1.1)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Invert, ast.Not)):
            yield _replace(function, node, node.operand, "branch")


def _casts(function, pool):
    for node, _ in _walk(function):
        if _called(node) == "astype" and isinstance(node.func, ast.Attribute):
            yield _replace(function, node, node.func.value, "dtype", 0.8)
        elif isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg == "dtype":
                    new = copy.copy(node)
                    new.keywords = [k for k in node.keywords if k.arg != "dtype"]
                    yield _replace(function, node, new, "dtype", 0.8)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv):
            new = ast.BinOp(node.left, ast.Div(), node.right)
            yield _replace(function, node, new, "dtype")


def _shifts(function, pool):
    for node, parents in _walk(function):
        if (
            isinstance(node, ast.Name)
            and _indexing((*parents, node))
            and isinstance(node.ctx, ast.Load)
        ):
            for change in (1, -1):
                operator = ast.Add() if change > 0 else ast.Sub()
                yield _replace(
                    function, node, _binary(node, operator, ast.Constant(1)), "wrong_point", 1.0
                )
        elif isinstance(node, ast.BinOp) and _indexing((*parents, node)):
            if isinstance(node.op, (ast.Add, ast.Sub)):
                yield _replace(function, node, node.left, "wrong_point", 1.0)


_SWAPS = {
    "sum": [("mean", "scale_reduction")], "mean": [("sum", "scale_reduction")],
    "maximum": [("minimum", "branch")], "minimum": [("maximum", "branch")],
    "argmax": [("argmin", "branch")], "argmin": [("argmax", "branch")],
    "max": [("min", "branch")], "min": [("max", "branch")],
    "exp": [("expm1", "wrong_derivative")], "sin": [("cos", "wrong_derivative")],
    "cos": [("sin", "wrong_derivative")], "tanh": [("cosh", "wrong_derivative")],
    "sinh": [("cosh", "wrong_derivative")], "cosh": [("sinh", "wrong_derivative")],
    "sqrt": [("square", "wrong_derivative")], "square": [("sqrt", "wrong_derivative")],
    "log": [("log1p", "wrong_derivative")], "abs": [("sign", "wrong_derivative")],
    "sign": [("abs", "wrong_derivative")], "var": [("std", "wrong_point")],
    "std": [("var", "wrong_point")], "zeros_like": [("ones_like", "branch")],
    "floor": [("ceil", "geometry")], "ceil": [("floor", "geometry")],
    "argsort": [("sort", "wrong_point")],
}  # fmt: skip


def _functions(function, pool):
    for node, _ in _walk(function):
        for other, cause in _SWAPS.get(_called(node), []):
            if isinstance(node.func, ast.Attribute):
                new = copy.copy(node)
                new.func = ast.Attribute(node.func.value, other, ast.Load())
                yield _replace(function, node, new, cause)
        if isinstance(node, ast.Call) and _called(node) in ("sqrt", "square", "abs", "tanh", "exp"):
            if len(node.args) == 1:
                yield _replace(function, node, node.args[0], "wrong_derivative", 1.1)


def _renamed(function, pool):
    """One array taken for another throughout."""
    uses = {}
    for node, _ in _walk(function):
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
            text = ast.unparse(node)
            if text in pool.arrays:
                uses.setdefault(text, []).append(node)
    for text, nodes in uses.items():
        if len(nodes) > 1:
            for other in pool.arrays:
                if other != text:
                    yield Edit("wrong_point", [(node, _parse(other)) for node in nodes])


def _names(function, pool):
    for node, parents in _walk(function):
        simple = isinstance(node, (ast.Name, ast.Subscript)) or (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "self"
        )
        if not simple or not isinstance(node.ctx, ast.Load):
            continue
        parent = parents[-1]
        if isinstance(parent, ast.Call) and node is parent.func:
            continue
        if isinstance(parent, ast.Attribute) and isinstance(node, ast.Name) and node.id in (
            "self", "np", "numpy",
        ):  # fmt: skip
            continue
        text = ast.unparse(node)
        if text not in pool.arrays:
            continue
        choices = [(other, "wrong_point", 1.0) for other in pool.arrays if other != text]
        for form, cause in (
            ("({0}) ** 2", "wrong_derivative"), ("1 - {0}", "wrong_derivative"),
            ("np.sqrt({0})", "wrong_derivative"), ("np.exp({0})", "wrong_derivative"),
            ("np.abs({0})", "wrong_derivative"), ("np.tanh({0})", "wrong_point"),
        ):  # fmt: skip
            choices.append((form.format(text), cause, 1.2))
        yield _choice(node, lambda e: e, choices)


def _terms(function, pool):
    """A term that could have been left out: a name of the same shape, added."""
    for node in _values(function):
        shown = ast.unparse(node)
        names = [name for name in pool.arrays if name not in shown]
        if isinstance(node, ast.Constant) or not names:
            continue
        choices = [(name, "missing_path", 1.15) for name in names]
        for operator in (ast.Add(), ast.Sub()):
            yield _choice(node, lambda e, n=node, o=operator: _binary(n, o, e), choices)


_COUNTED = re.compile(
    r"pool|kernel|window|size|count|num|^n$|^n_|^k|height|width|batch|class", re.I
)


def _factor_cause(text):
    name = text.removeprefix("self.")
    return "scale_reduction" if name.isidentifier() and _COUNTED.search(name) else "missing_factor"


def _factors(function, pool):
    numbers = [("2", "scale_constant"), ("0.5", "scale_constant"), ("3", "scale_constant")]
    for node in _values(function):
        if isinstance(node, ast.Constant) and not isinstance(node.value, (int, float)):
            continue
        options = [*numbers]
        options += [(count, "scale_reduction") for count in pool.counts]
        options += [(factor, _factor_cause(factor)) for factor in pool.factors]
        shown = ast.unparse(node)
        choices = []
        for text, cause in options:
            weight = 1.0
            if cause == "missing_factor":
                weight = 0.9 if text in pool.spelt else 1.05 if "(" in text else 1.0
                if text in shown and text not in pool.upstream:
                    cause, weight = "wrong_derivative", 1.0
            choices.append((text, cause, weight))
        for operator in (ast.Mult(), ast.Div()):
            yield _choice(node, lambda e, n=node, o=operator: _binary(n, o, e), choices, True)


def _sums(function, pool):
    for node in _values(function):
        if isinstance(node, ast.Constant):
            continue
        for axis in (0, (0, 1), (0, 1, 2), -1, 1, (1, 2)):
            for keep in (False, True):
                call = _parse(f"np.sum(a, axis={axis!r}, keepdims={keep})")
                call.args = [node]
                yield _replace(function, node, call, "not_summed", 1.1)


def _dropped(function, pool):
    """An operand too many: a factor or a term that should not be there."""
    for node, parents in _walk(function):
        if not isinstance(node, ast.BinOp) or _indexing((*parents, node)):
            continue
        if isinstance(node.op, (ast.Mult, ast.Div)):
            number = isinstance(node.right, ast.Constant) or isinstance(node.left, ast.Constant)
            cause = "scale_constant" if number else _extra(node.right, pool)
            yield _replace(function, node, node.left, cause, 1.1)
            if isinstance(node.op, ast.Mult):
                yield _replace(function, node, node.right, cause, 1.1)
                new = ast.BinOp(node.left, ast.Div(), node.right)
                yield _replace(function, node, new, "wrong_derivative", 1.1)
            else:
                new = ast.BinOp(node.left, ast.Mult(), node.right)
                yield _replace(function, node, new, "wrong_derivative", 1.1)
        elif isinstance(node.op, (ast.Add, ast.Sub)):
            yield _replace(function, node, node.left, "missing_path", 1.2)
            yield _replace(function, node, node.right, "missing_path", 1.2)
        elif isinstance(node.op, ast.Pow):
            yield _replace(function, node, node.left, "wrong_derivative", 1.1)


def _extra(node, pool):
    text = ast.unparse(node)
    counts = ("size", "shape", "len(")
    if any(word in text for word in counts) or text in pool.counts:
        return "scale_reduction"
    return "wrong_derivative"


def _geometry(function, pool):
    """Indices and slices: stride, padding, crops, flips."""
    for node, parents in _walk(function):
        inside = _indexing((*parents, node))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and inside:
            for size in pool.sizes:
                if size != node.id:
                    new = _binary(node, ast.Mult(), _parse(size))
                    yield _replace(function, node, new, "geometry")
                    yield _replace(
                        function, node, _binary(node, ast.Add(), _parse(size)), "geometry"
                    )
                    yield _replace(function, node, _parse(size), "geometry", 1.1)
        elif isinstance(node, ast.Slice):
            yield from _slices(function, node, pool)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Add, ast.Sub)):
            if inside:
                yield _replace(function, node, node.left, "geometry")
                yield _replace(function, node, node.right, "geometry")
    for node, parents in _walk(function):
        if (
            isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Load)
            and not _indexing((*parents, node))
        ):
            if isinstance(parents[-1], (ast.Assign, ast.Tuple)) and node.id not in pool.sizes:
                for size in pool.sizes:
                    new = _binary(node, ast.Mult(), _parse(size))
                    yield _replace(function, node, new, "geometry", 1.1)
    indexed = [n for n, _ in _walk(function) if isinstance(n, ast.Subscript)]
    for node in indexed:
        if isinstance(node.ctx, ast.Load) and "::-1" not in ast.unparse(node):
            for text in ("[::-1]", "[::-1, ::-1]", "[:, :, ::-1, ::-1]"):
                new = _parse("a" + text)
                new.value = node
                yield _replace(function, node, new, "geometry", 1.2)


def _slices(function, node, pool):
    for size in pool.sizes:
        lower, upper = node.lower, node.upper

        def add(part, s=size):
            return _parse(s) if part is None else _binary(part, ast.Add(), _parse(s))

        if upper is not None:
            new = ast.Slice(add(lower), add(upper), node.step)
            yield _replace(function, node, new, "geometry")
            yield _replace(function, node, ast.Slice(lower, add(upper), node.step), "geometry")
        yield _replace(function, node, ast.Slice(add(lower), upper, node.step), "geometry")
        if node.step is None:
            yield _replace(function, node, ast.Slice(lower, upper, _parse(size)), "geometry")
