"""Slips of choice: comparisons, branches, casts, functions, names."""

import ast
import copy

from parity_tests.debug.edits.base import (
    Edit,
    Option,
    called,
    choice,
    exchange,
    parse,
    values,
    walk,
)

_OPPOSITES = {
    ast.Gt: [(ast.GtE, "tie_kink"), (ast.Lt, "branch"), (ast.LtE, "branch")],
    ast.GtE: [(ast.Gt, "tie_kink"), (ast.LtE, "branch"), (ast.Lt, "branch")],
    ast.Lt: [(ast.LtE, "tie_kink"), (ast.Gt, "branch"), (ast.GtE, "branch")],
    ast.LtE: [(ast.Lt, "tie_kink"), (ast.GtE, "branch"), (ast.Gt, "branch")],
    ast.Eq: [(ast.NotEq, "branch")],
    ast.NotEq: [(ast.Eq, "branch")],
}


def comparisons(function, pool):
    for node, _ in walk(function):
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            for kind, cause in _OPPOSITES.get(type(node.ops[0]), []):
                new = ast.Compare(node.left, [kind()], node.comparators)
                yield exchange(node, new, cause)
            left, right = node.left, node.comparators[0]
            for operand in (left, right):
                turned = parse("np.abs(a)")
                turned.args = [operand]
                yield exchange(operand, turned, "branch", 1.2)
                for name in pool.hypers:
                    yield exchange(operand, parse(f"self.{name}"), "branch", 1.1)
                    yield exchange(operand, parse(f"-self.{name}"), "branch", 1.1)
                yield exchange(operand, ast.Constant(0), "branch", 1.1)
            for name in pool.hypers:
                for kind, sign in ((ast.Gt, "-"), (ast.Gt, ""), (ast.Lt, "")):
                    other = ast.Compare(left, [kind()], [parse(f"{sign}self.{name}")])
                    both = ast.BinOp(node, ast.BitAnd(), other)
                    yield exchange(node, both, "branch", 1.2)


def branches(function, pool):
    for node, _ in walk(function):
        if called(node) == "where" and len(node.args) == 3:
            new = copy.copy(node)
            new.args = [node.args[0], node.args[2], node.args[1]]
            yield exchange(node, new, "branch")
            for place in (1, 2):
                for text in ("0.0", "1.0", *[f"self.{name}" for name in pool.hypers]):
                    yield exchange(node.args[place], parse(text), "branch", 1.1)
        elif called(node) in ("minimum", "maximum") and len(node.args) == 2:
            other = "minimum" if called(node) == "maximum" else "maximum"
            for name in pool.hypers:
                for sign in ("-", ""):
                    new = parse(f"np.{other}(a, {sign}self.{name})")
                    new.args[0] = node
                    yield exchange(node, new, "branch", 1.1)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.BitAnd, ast.BitOr)):
            operator = ast.BitOr() if isinstance(node.op, ast.BitAnd) else ast.BitAnd()
            yield exchange(node, ast.BinOp(node.left, operator, node.right), "branch")
            yield exchange(node, node.left, "branch", 1.1)
            yield exchange(node, node.right, "branch", 1.1)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Invert, ast.Not)):
            yield exchange(node, node.operand, "branch")


def casts(function, pool):
    for node, _ in walk(function):
        if called(node) == "astype" and isinstance(node.func, ast.Attribute):
            yield exchange(node, node.func.value, "dtype", 0.8)
        elif isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg == "dtype":
                    new = copy.copy(node)
                    new.keywords = [k for k in node.keywords if k.arg != "dtype"]
                    yield exchange(node, new, "dtype", 0.8)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv):
            new = ast.BinOp(node.left, ast.Div(), node.right)
            yield exchange(node, new, "dtype")


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


def functions(function, pool):
    for node, _ in walk(function):
        for other, cause in _SWAPS.get(called(node), []):
            odd = 1.3 if cause == "branch" else 1.0
            if isinstance(node.func, ast.Attribute):
                new = copy.copy(node)
                new.func = ast.Attribute(node.func.value, other, ast.Load())
                yield exchange(node, new, cause, odd)
        if isinstance(node, ast.Call) and called(node) in ("sqrt", "square", "abs", "tanh", "exp"):
            if len(node.args) == 1:
                yield exchange(node, node.args[0], "wrong_derivative", 1.1)


def renamed(function, pool):
    """One array taken for another throughout."""
    uses = {}
    for node, _ in walk(function):
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
            text = ast.unparse(node)
            if text in pool.arrays:
                uses.setdefault(text, []).append(node)
    for text, nodes in uses.items():
        if len(nodes) > 1:
            for other in pool.arrays:
                if other != text:
                    yield Edit("wrong_point", [(node, parse(other)) for node in nodes])


# Functions of a quantity where itself was wanted: for one formula, another formula.
_FORMS = ("({0}) ** 2", "1 - {0}", "np.sqrt({0})", "np.exp({0})", "np.abs({0})", "np.tanh({0})")


def names(function, pool):
    """One name taken for another, or for a function of itself."""
    for node, parents in walk(function):
        if not _named(node, parents):
            continue
        text = ast.unparse(node)
        if text not in pool.arrays:
            continue
        options = [_swap(text, other, pool) for other in pool.arrays if other != text]
        for form in _FORMS:
            pointwise = None if "tanh" in form else "wrong_derivative"
            new = form.format(text)
            options.append(Option(new, "wrong_point", 1.2, ("wrong_derivative",), pointwise))
        yield choice(node, lambda e: e, options)


def expressions(function, pool):
    """A name where an expression stands."""
    for node in values(function):
        if isinstance(node, (ast.BinOp, ast.Call)):
            options = [
                Option(name, "wrong_point", 1.1, ("branch",) if name in pool.masks else ())
                for name in pool.arrays
            ]
            yield choice(node, lambda e: e, options)


def _named(node, parents):
    simple = isinstance(node, (ast.Name, ast.Subscript)) or (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )
    parent = parents[-1]
    return (
        simple
        and isinstance(node.ctx, ast.Load)
        and not (isinstance(parent, ast.Call) and node is parent.func)
        and ast.unparse(node) not in ("self", "np", "numpy")
    )


def _swap(text, other, pool):
    """Another gradient of the same thing has a factor more; another quantity is another."""
    if (text, other) in pool.scaled:
        return Option(other, "missing_factor", 0.95, ("wrong_point",))
    others = ("branch",) if {text, other} & pool.masks else ()
    return Option(other, "wrong_point", 0.88 if pool.stage == "backward" else 1.0, others)
