"""Slips in the arithmetic: signs, constants, factors, terms."""

import ast
import re

from parity_tests.debug.edits.base import (
    Option,
    binary,
    called,
    choice,
    exchange,
    indexing,
    parse,
    values,
    walk,
)


def signs(function, pool):
    for node, parents in walk(function):
        if isinstance(node, ast.BinOp) and not indexing((*parents, node)):
            if isinstance(node.op, ast.Add):
                yield exchange(node, binary(node.left, ast.Sub(), node.right), "sign")
                other = ast.BinOp(node.right, ast.Sub(), node.left)
                yield exchange(node, other, "sign", 1.2)
            elif isinstance(node.op, ast.Sub):
                yield exchange(node, binary(node.left, ast.Add(), node.right), "sign")
                other = ast.BinOp(node.right, ast.Sub(), node.left)
                yield exchange(node, other, "sign")
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Add, ast.Sub)):
            operator = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
            new = ast.AugAssign(node.target, operator, node.value)
            yield exchange(node, new, "sign")
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            if not isinstance(node.operand, ast.Constant):
                yield exchange(node, node.operand, "sign")
    for node in values(function):
        if not isinstance(node, (ast.Constant, ast.Slice, ast.Starred)):
            yield exchange(node, ast.UnaryOp(ast.USub(), node), "sign", 1.1)


def upstream(function, pool):
    for node in values(function):
        if isinstance(node, ast.Constant) and node.value is None:
            continue
        for name in pool.upstream:
            new = binary(node, ast.Mult(), parse(name))
            yield exchange(node, new, "upstream_missing", 0.9)


def constants(function, pool):
    for node, parents in walk(function):
        if not isinstance(node, ast.Constant) or isinstance(node.value, (bool, str)):
            continue
        value = node.value
        if not isinstance(value, (int, float)):
            continue
        parent = parents[-1]
        outer = parents[-2] if isinstance(parent, ast.UnaryOp) and len(parents) > 1 else parent
        chosen = any(called(p) == "where" for p in parents)
        power = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Pow)
        power = power and node is parent.right
        for name, default in pool.hypers.items():
            ignored = pool.defaults.get(name) == value or default == value
            cause = "hyperparameter_ignored" if ignored or not chosen else "branch"
            weight = 0.8 if ignored else 1.0
            for new in (f"self.{name}", f"-self.{name}"):
                yield exchange(node, parse(new), cause, weight)
        if indexing((*parents, node)):
            for other in (value - 1, value + 1):
                yield exchange(node, parse(repr(other)), "geometry", 1.1)
            continue
        cause = "wrong_derivative" if power else "branch" if chosen else "scale_constant"
        scaled = isinstance(outer, ast.BinOp) and isinstance(outer.op, (ast.Mult, ast.Div))
        scaled |= isinstance(outer, ast.AugAssign)
        if not (power or chosen or scaled):
            cause = "wrong_derivative"
        if isinstance(parent, ast.Compare):
            cause = "branch"
        others = (value + 1, value - 1, 2 * value, value / 2, -value, 0.0, 1.0, 0.5, 2, 3)
        for other in dict.fromkeys(others):
            if other != value:
                yield exchange(node, parse(repr(other)), cause)


_NUMBERS = [Option(text, "scale_constant") for text in ("2", "0.5", "3")]


def factors(function, pool):
    counts = [Option(count, "scale_reduction") for count in pool.counts]
    read = {ast.unparse(node) for node, _ in walk(function) if isinstance(node, ast.Attribute)}
    for node in values(function):
        if isinstance(node, ast.Constant) and not isinstance(node.value, (int, float)):
            continue
        options = [*_NUMBERS, *counts]
        options += [_factor(text, node, pool, read) for text in pool.factors]
        for operator in (ast.Mult(), ast.Div()):
            yield choice(node, lambda e, n=node, o=operator: binary(n, o, e), options, True)


def _factor(text, node, pool, read):
    """What it means that one factor is missing at a node."""
    name = text.removeprefix("self.")
    if name.isidentifier() and _COUNTED.search(name):
        return Option(text, "scale_reduction")
    if text not in pool.upstream and _appears(text, node):
        return Option(text, "wrong_derivative")
    if name in pool.hypers and text not in read:
        if pool.stage == "forward":
            return Option(text, "hyperparameter_ignored", others=("missing_factor",))
        return Option(text, "missing_factor", 0.9, others=("hyperparameter_ignored",))
    weight = 0.9 if text in pool.spelt else 1.05 if "(" in text else 1.0
    # A mask picks the piece that holds.
    others = ("branch",) if text in pool.masks else ()
    return Option(text, "missing_factor", weight, others)


def counted(function, pool):
    """One count for another: the batch for all its pixels."""
    counts = [Option(count, "scale_reduction", 0.95) for count in pool.counts]
    for node in values(function):
        sized = isinstance(node, ast.Attribute) and node.attr == "size"
        of_shape = isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith(".shape")
        if sized or of_shape or called(node) == "len":
            yield choice(node, lambda e: e, counts)


_SHAPES_ONLY = ("ones_like", "zeros_like", "empty_like", "full_like", "len", "shape")


def _appears(text, node):
    """Does an expression stand in a node, and not only for its shape?"""
    if ast.unparse(node) == text:
        return True
    if called(node) in _SHAPES_ONLY:
        return False
    if isinstance(node, ast.Attribute) and node.attr in ("shape", "size", "ndim", "dtype"):
        return False
    return any(_appears(text, part) for part in ast.iter_child_nodes(node))


_COUNTED = re.compile(
    r"pool|kernel|window|size|count|num|^n$|^n_|^k|height|width|batch|class", re.IGNORECASE
)


def terms(function, pool):
    """A term that could have been left out: a name of the same shape, added."""
    for node in values(function):
        shown = ast.unparse(node)
        names = [name for name in pool.arrays if name not in shown]
        if isinstance(node, ast.Constant) or not names:
            continue
        options = [Option(name, "missing_path", 1.15) for name in names]
        for operator in (ast.Add(), ast.Sub()):
            yield choice(node, lambda e, n=node, o=operator: binary(n, o, e), options)


def dropped(function, pool):
    """An operand too many: a factor or a term that should not be there."""
    for node, parents in walk(function):
        if not isinstance(node, ast.BinOp) or indexing((*parents, node)):
            continue
        if isinstance(node.op, (ast.Mult, ast.Div)):
            number = isinstance(node.right, ast.Constant) or isinstance(node.left, ast.Constant)
            cause = "scale_constant" if number else _extra(node.right, pool)
            yield exchange(node, node.left, cause, 1.1)
            if isinstance(node.op, ast.Mult):
                yield exchange(node, node.right, cause, 1.1)
                new = ast.BinOp(node.left, ast.Div(), node.right)
                yield exchange(node, new, "wrong_derivative", 1.1)
            else:
                new = ast.BinOp(node.left, ast.Mult(), node.right)
                yield exchange(node, new, "wrong_derivative", 1.1)
        elif isinstance(node.op, (ast.Add, ast.Sub)):
            yield exchange(node, node.left, "missing_path", 1.2)
            yield exchange(node, node.right, "missing_path", 1.2)
        elif isinstance(node.op, ast.Pow):
            yield exchange(node, node.left, "wrong_derivative", 1.1)


def _extra(node, pool):
    text = ast.unparse(node)
    counts = ("size", "shape", "len(")
    if any(word in text for word in counts) or text in pool.counts:
        return "scale_reduction"
    return "wrong_derivative"


def sums(function, pool):
    for node in values(function):
        if isinstance(node, ast.Constant):
            continue
        for axis in (0, (0, 1), (0, 1, 2), -1, 1, (1, 2)):
            for keep in (False, True):
                call = parse(f"np.sum(a, axis={axis!r}, keepdims={keep})")
                call.args = [node]
                yield exchange(node, call, "not_summed", 1.1)
