"""What is changed in a piece of code, one change at a time: a node and what stands in its place."""

import ast
from collections.abc import Iterator

_OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
}
# The neighbour, and the opposite.
_COMPARISONS = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_TWINS = [
    ("maximum", "minimum"),
    ("fmax", "fmin"),
    ("max", "min"),
    ("argmax", "argmin"),
    ("sum", "mean"),
    ("any", "all"),
    ("floor", "ceil"),
    ("zeros", "ones"),
    ("zeros_like", "ones_like"),
    ("sin", "cos"),
    ("add", "subtract"),
    ("multiply", "divide"),
    ("greater", "greater_equal"),
    ("less", "less_equal"),
    ("logical_and", "logical_or"),
    ("triu", "tril"),
    ("expm1", "exp"),
    ("log1p", "log"),
]
_RENAMED = dict(_TWINS) | {b: a for a, b in _TWINS} | {"prod": "sum", "rint": "floor"}
# Functions and methods whose first argument has the form of the result: it stands in their place.
_UNWRAPPED = {
    *("sqrt", "square", "exp", "expm1", "log", "log1p", "log2", "abs", "absolute", "sign"),
    *("tanh", "sinh", "cosh", "sin", "cos", "arctan", "negative", "reciprocal", "copysign"),
    *("floor", "ceil", "rint", "round", "trunc", "isnan", "isfinite", "nan_to_num", "clip"),
    *("asarray", "array", "astype", "copy", "conj", "nextafter"),
    *("swapaxes", "moveaxis", "transpose", "flip", "roll", "cumsum", "cumprod", "sort", "argsort"),
    *("maximum", "minimum", "fmax", "fmin", "triu", "tril", "reversed", "sorted", "deepcopy"),
    *("broadcast_to", "max", "min"),
}
_ORDERED = {"subtract", "divide", "power", "copysign", "arctan2", "matmul", "where", "einsum"}
# Functions of equals, and builtins that take their arguments in an order that no equation chooses.
_NOT_SWAPPED = {"isinstance", "issubclass", "getattr", "setattr", "hasattr", "range", "super"}
_NOT_SWAPPED |= {"product", "max", "min", "swapaxes"}


def replacements(node: ast.AST) -> Iterator[ast.AST]:
    """All that may stand in the place of a node."""
    change = _CHANGES.get(type(node))
    if change is not None:
        yield from change(node)


def is_check(node: ast.AST) -> bool:
    """A call of one of the checks of bad input."""
    return isinstance(node, ast.Call) and ast.unparse(node.func).startswith("_checks.")


def is_fixed(node: ast.AST, parent: ast.AST) -> bool:
    """Messages of errors, -1 in a new shape (any negative number serves as well), strict zips."""
    if isinstance(parent, ast.keyword) and parent.arg == "strict":
        return True
    if isinstance(parent, ast.Call) and _name(parent.func) == "reshape":
        return isinstance(node, ast.UnaryOp)
    return isinstance(node, (ast.JoinedStr, ast.Raise))


def _binary(node):
    if type(node.op) in _OPERATORS:
        yield ast.BinOp(node.left, _OPERATORS[type(node.op)](), node.right)
    if isinstance(node.op, ast.MatMult):
        yield ast.BinOp(node.right, node.op, node.left)
        return
    yield node.left
    if isinstance(node.op, (ast.Add, ast.Mult, ast.BitAnd, ast.BitOr)):
        yield node.right
    if isinstance(node.op, ast.Sub):
        yield ast.UnaryOp(ast.USub(), node.right)


def _unary(node):
    yield node.operand


def _compare(node):
    for place, operator in enumerate(node.ops):
        for other in _COMPARISONS[type(operator)]:
            ops = [*node.ops[:place], other(), *node.ops[place + 1 :]]
            yield ast.Compare(node.left, ops, node.comparators)


def _boolean(node):
    yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    for place in range(len(node.values)):
        rest = [*node.values[:place], *node.values[place + 1 :]]
        yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)


def _constant(node):
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield ast.Constant(node.value + 1)
        yield ast.Constant(node.value - 1)
    elif isinstance(node.value, float):
        yield ast.Constant(1.01 * node.value if node.value else 1.0)


def _conditional(node):
    yield node.body
    yield node.orelse


def _if(node):
    for truth in (True, False):
        yield ast.If(ast.Constant(truth), node.body, node.orelse)


def _while(node):
    yield ast.Pass()


def _attribute(node):
    if node.attr in ("T", "mT"):
        yield node.value
    if isinstance(node.value, ast.Name) and node.value.id in ("np", "math"):
        if node.attr in _RENAMED:
            yield ast.Attribute(node.value, _RENAMED[node.attr], node.ctx)
        if node.attr == "inf":
            yield ast.Constant(0.0)


def _call(node):
    if is_check(node):
        if node.keywords and node.keywords[-1].arg not in (None, "method"):
            yield node.keywords[-1].value
        return
    name = _name(node.func)
    of_numpy = ast.unparse(node.func).startswith(("np.", "math."))
    method = isinstance(node.func, ast.Attribute) and not _is_module(node.func.value)
    if method and name in _RENAMED:
        renamed = ast.Attribute(node.func.value, _RENAMED[name], ast.Load())
        yield ast.Call(renamed, node.args, node.keywords)
    yield from _unwrapped(node, name, of_numpy)
    yield from _swapped(node, name, of_numpy)
    for place, keyword in enumerate(node.keywords):
        if keyword.arg not in (None, "strict"):
            others = [*node.keywords[:place], *node.keywords[place + 1 :]]
            yield ast.Call(node.func, node.args, others)
    if name == "range" and len(node.args) <= 2:
        *first, end = node.args
        yield ast.Call(node.func, [*first, ast.BinOp(end, ast.Sub(), ast.Constant(1))], [])


def _unwrapped(node, name, of_numpy):
    """The argument of a function, or the array of a method, instead of its result."""
    if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
        if name in _UNWRAPPED:
            yield node.func.value
    elif node.args and not isinstance(node.args[0], ast.Starred):
        own = not of_numpy and (isinstance(node.func, ast.Attribute) or name.startswith("_"))
        if name in _UNWRAPPED or own:
            yield node.args[0]
        if name in ("maximum", "minimum", "fmax", "fmin") and len(node.args) > 1:
            yield node.args[1]
        if name == "where" and len(node.args) == 3:
            yield node.args[1]
            yield node.args[2]


def _swapped(node, name, of_numpy):
    if name in _NOT_SWAPPED or (of_numpy and name not in _ORDERED):
        return
    # The condition of where and the subscripts of einsum stay.
    first = 1 if name in ("where", "einsum") else 0
    pair = node.args[first : first + 2]
    if len(pair) == 2 and not any(isinstance(argument, ast.Starred) for argument in pair):
        args = [*node.args[:first], pair[1], pair[0], *node.args[first + 2 :]]
        yield ast.Call(node.func, args, node.keywords)


def _slice(node):
    def moved(bound, by):
        return ast.BinOp(bound, ast.Add(), ast.Constant(by))

    if node.lower is None and node.step is None:
        yield ast.Slice(ast.Constant(1), node.upper, node.step)
    elif node.lower is not None and not isinstance(node.lower, ast.Constant):
        yield ast.Slice(moved(node.lower, 1), node.upper, node.step)
    if node.upper is None and node.step is None:
        yield ast.Slice(node.lower, ast.Constant(-1), node.step)
    elif node.upper is not None and not isinstance(node.upper, ast.Constant):
        yield ast.Slice(node.lower, moved(node.upper, -1), node.step)
    if node.step is not None:
        yield ast.Slice(node.lower, node.upper, None)


def _augmented(node):
    yield ast.Pass()
    value = ast.Assign([node.target], node.value)
    yield value
    if type(node.op) in _OPERATORS:
        yield ast.AugAssign(node.target, _OPERATORS[type(node.op)](), node.value)


def _assign(node):
    if not isinstance(node.targets[0], (ast.Name, ast.Tuple)):
        yield ast.Pass()


def _expression(node):
    if not isinstance(node.value, (ast.Constant, ast.Yield, ast.YieldFrom)):
        yield ast.Pass()


def _jump(node):
    yield ast.Pass()


def _with(node):
    """The body alone: what a context allows is allowed no more."""
    if all(item.optional_vars is None for item in node.items):
        yield ast.If(ast.Constant(True), node.body, [])


def _comprehension(node):
    for place in range(len(node.ifs)):
        rest = [*node.ifs[:place], *node.ifs[place + 1 :]]
        yield ast.comprehension(node.target, node.iter, rest, node.is_async)


def _name(function):
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _is_module(node):
    return isinstance(node, ast.Name) and (node.id in ("np", "math") or node.id.startswith("_"))


_CHANGES = {
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Compare: _compare,
    ast.BoolOp: _boolean,
    ast.Constant: _constant,
    ast.IfExp: _conditional,
    ast.If: _if,
    ast.While: _while,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.Slice: _slice,
    ast.AugAssign: _augmented,
    ast.Assign: _assign,
    ast.Expr: _expression,
    ast.Break: _jump,
    ast.Continue: _jump,
    ast.With: _with,
    ast.comprehension: _comprehension,
}
