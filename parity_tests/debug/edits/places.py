"""Slips of place: axes, transposes, indices, slices, = for +=."""

import ast
import copy
import itertools

from parity_tests.debug.edits.base import (
    binary,
    called,
    exchange,
    indexing,
    loaded,
    parse,
    values,
    walk,
)


def accumulations(function, pool):
    for node, parents in walk(function):
        looped = any(isinstance(p, (ast.For, ast.While)) for p in parents)
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, (ast.Subscript, ast.Attribute)) or looped:
                if isinstance(target, (ast.Tuple, ast.List)):
                    continue
                new = ast.AugAssign(target, ast.Add(), node.value)
                yield exchange(node, new, "overwrite_not_accumulate", 0.8)
        subscript = None
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            subscript = node.targets[0]
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Subscript):
            subscript = node.target
            new = ast.Assign([node.target], node.value)
            yield exchange(node, new, "accumulates_across_calls", 1.3)
        if subscript is not None:
            call = parse("np.add.at(a, b, c)")
            call.args = [loaded(subscript.value), _index(subscript.slice), node.value]
            new = ast.Expr(call)
            yield exchange(node, new, "overwrite_not_accumulate", 0.8)


def _index(node):
    return ast.Subscript(parse("np.s_"), node, ast.Load())


def transposes(function, pool):
    for node, _parents in walk(function):
        if isinstance(node, ast.Attribute) and node.attr == "T":
            yield exchange(node, node.value, "transposed")
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            for side in ("left", "right"):
                operand = getattr(node, side)
                turned = ast.Attribute(operand, "T", ast.Load())
                yield exchange(operand, turned, "transposed")
                swapped = parse("np.swapaxes(a, -1, -2)")
                swapped.args[0] = operand
                yield exchange(operand, swapped, "transposed", 1.1)
            other = ast.BinOp(node.right, ast.MatMult(), node.left)
            yield exchange(node, other, "transposed", 1.1)
        elif called(node) in ("dot", "matmul"):
            for argument in node.args:
                turned = ast.Attribute(argument, "T", ast.Load())
                yield exchange(argument, turned, "transposed")
            if len(node.args) == 2:
                other = copy.copy(node)
                other.args = node.args[::-1]
                yield exchange(node, other, "transposed", 1.1)
        elif called(node) in ("transpose", "swapaxes") and isinstance(node.func, ast.Attribute):
            if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "np"):
                yield exchange(node, node.func.value, "transposed", 1.1)
        elif called(node) == "einsum" and isinstance(node.args[0], ast.Constant):
            yield from _subscripts(function, node)
    for node in values(function):
        if isinstance(node, (ast.Name, ast.Attribute, ast.BinOp, ast.Call)):
            yield exchange(node, ast.Attribute(node, "T", ast.Load()), "transposed", 1.2)


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
                yield exchange(node.args[0], ast.Constant(new), "transposed")


_AXES = [-1, 0, 1, 2, (0, 1), (1, 2), (0, 2), (0, 1, 2), (1, 3), (2, 3), (1, 2, 3), None]


_REDUCTIONS = {
    *("sum", "mean", "max", "min", "prod", "var", "std", "cumsum", "argmax", "argmin"),
    *("concatenate", "stack", "split", "expand_dims", "repeat", "flip", "norm"),
}


def axes(function, pool):
    for node, _parents in walk(function):
        name = called(node)
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
                new.keywords = [*node.keywords, ast.keyword("axis", parse(repr(axis)))]
                yield exchange(node, new, "wrong_axis", 1.1)
            continue
        for axis in _AXES:
            if ast.unparse(given) != repr(axis):
                yield exchange(given, parse(repr(axis)), "wrong_axis")
        for name in ("self.axis", "self.axes", "self.dim"):
            if ast.unparse(given) != name:
                yield exchange(given, parse(name), "wrong_axis")
        for keyword in node.keywords:
            if keyword.arg == "keepdims":
                value = keyword.value
                flipped = ast.Constant(not getattr(value, "value", False))
                yield exchange(value, flipped, "wrong_axis", 1.2)
        if not any(k.arg == "keepdims" for k in node.keywords):
            new = copy.copy(node)
            new.keywords = [*node.keywords, ast.keyword("keepdims", ast.Constant(True))]
            yield exchange(node, new, "wrong_axis", 1.2)


def shifts(function, pool):
    loops = {
        part.id
        for node, _ in walk(function)
        if isinstance(node, (ast.For, ast.comprehension))
        for part in ast.walk(node.target)
        if isinstance(part, ast.Name)
    }
    for node, parents in walk(function):
        if (
            isinstance(node, ast.Name)
            and indexing((*parents, node))
            and isinstance(node.ctx, ast.Load)
        ):
            cause = "geometry" if node.id in pool.sizes and node.id not in loops else "wrong_point"
            for change in (1, -1):
                operator = ast.Add() if change > 0 else ast.Sub()
                yield exchange(node, binary(node, operator, ast.Constant(1)), cause)
        elif isinstance(node, ast.BinOp) and indexing((*parents, node)):
            if isinstance(node.op, (ast.Add, ast.Sub)):
                yield exchange(node, node.left, "wrong_point", 1.0)


def geometry(function, pool):
    """Indices and slices: stride, padding, crops, flips."""
    for node, parents in walk(function):
        inside = indexing((*parents, node))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and inside:
            for size in pool.sizes:
                if size != node.id:
                    new = binary(node, ast.Mult(), parse(size))
                    yield exchange(node, new, "geometry")
                    yield exchange(node, binary(node, ast.Add(), parse(size)), "geometry")
                    yield exchange(node, parse(size), "geometry", 1.1)
        elif isinstance(node, ast.Slice):
            yield from _slices(function, node, pool)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Add, ast.Sub)):
            if inside:
                yield exchange(node, node.left, "geometry")
                yield exchange(node, node.right, "geometry")
    for node, parents in walk(function):
        if (
            isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Load)
            and not indexing((*parents, node))
        ):
            if isinstance(parents[-1], (ast.Assign, ast.Tuple)) and node.id not in pool.sizes:
                for size in pool.sizes:
                    new = binary(node, ast.Mult(), parse(size))
                    yield exchange(node, new, "geometry", 1.1)
    indexed = [n for n, _ in walk(function) if isinstance(n, ast.Subscript)]
    for node in indexed:
        if isinstance(node.ctx, ast.Load) and "::-1" not in ast.unparse(node):
            for text in ("[::-1]", "[::-1, ::-1]", "[:, :, ::-1, ::-1]"):
                new = parse("a" + text)
                new.value = node
                yield exchange(node, new, "geometry", 1.2)


def _slices(function, node, pool):
    for size in pool.sizes:
        lower, upper = node.lower, node.upper

        def add(part, s=size):
            return parse(s) if part is None else binary(part, ast.Add(), parse(s))

        if upper is not None:
            new = ast.Slice(add(lower), add(upper), node.step)
            yield exchange(node, new, "geometry")
            yield exchange(node, ast.Slice(lower, add(upper), node.step), "geometry")
        yield exchange(node, ast.Slice(add(lower), upper, node.step), "geometry")
        if node.step is None:
            yield exchange(node, ast.Slice(lower, upper, parse(size)), "geometry")
