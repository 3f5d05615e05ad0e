"""The target's source, rewritten so that autograd's run can be watched and operated on.

In the second world every use of a variable and every operation passes through a note. Notes tell
what there is to differentiate by, under the words of the source. And they allow to change the
chain rule in one place, the values staying as they are: a use that is cut has no path, an
operation may pass on 1, or something else, in place of its derivative.
"""

import ast
import operator
from dataclasses import dataclass, field

_UNTOUCHED = {"self", "np", "numpy", "math", "super", "range", "len", "print", "isinstance", "zip",
              "enumerate", "tuple", "list", "float", "int", "getattr", "hasattr"}  # fmt: skip
_MOST, _REPEATS = 160, 12  # expressions that are remembered, and how often each
_LONGEST = 60  # characters of an expression that are still a name for its value


@dataclass
class Site:
    """A place in the source: a use of a variable, or an operation."""

    text: str
    line: int
    function: str | None = None  # the name of what is called; None for an operator
    literal: bool = False  # an operator with a plain number on one side
    operands: dict = field(default_factory=dict)  # place -> is it the only one that is traced?


class Notes:
    """What the instrumented source reports."""

    def __init__(self):
        self.uses, self.operations = [], []  # sites
        self.forget()

    def forget(self):
        self.made = {}  # text -> the arrays that it made
        self.used = []  # the uses whose value was an array, in order
        self.active, self.change = False, None

    def use(self, site, value):
        """The value of a variable where it is read."""
        if not self.active or not hasattr(value, "tensor"):
            return value
        if site not in self.used:
            self.used.append(site)
        return _detached(value) if self.change == ("cut", site) else value

    def call(self, place, function, *arguments, **keywords):
        """The value of an operation."""
        result = function(*arguments, **keywords)
        if not self.active or not hasattr(result, "tensor"):
            return result
        site = self.operations[place]
        self._remember(site, arguments, result)
        if self.change is not None and self.change[:2] == ("operand", place):
            _, _, which, rule = self.change
            others = list(arguments)
            others[which] = _detached(arguments[which])
            return rule(arguments[which], function(*others, **keywords), result)
        return result

    def method(self, place, name, owner, *arguments, **keywords):
        """The value of `owner.name(...)`; the owner is its first operand."""

        def function(first, *rest, **options):
            return getattr(first, name)(*rest, **options)

        return self.call(place, function, owner, *arguments, **keywords)

    def _remember(self, site, arguments, result):
        traced = [
            place
            for place, value in enumerate(arguments)
            if hasattr(value, "tensor") and value.tensor.requires_grad
        ]
        for place in traced:
            site.operands[place] = len(traced) == 1
        if len(site.text) <= _LONGEST and len(self.made) < _MOST:
            made = self.made.setdefault(site.text, [])
            if len(made) < _REPEATS:
                made.append(result)

    def builtins(self):
        return {"__use__": self.use, "__made__": self.call, "__method__": self.method,
                "__operator__": operator}  # fmt: skip


def _detached(value):
    return type(value)(value.tensor.detach())


_OPERATORS = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "truediv",
              ast.Pow: "pow", ast.MatMult: "matmul"}  # fmt: skip


class Noting(ast.NodeTransformer):
    """Puts the notes into the functions of a module, but for constructors and backward."""

    def __init__(self, notes):
        self.notes, self.inside = notes, False

    def visit_FunctionDef(self, node):
        if node.name == "backward" or (node.name.startswith("__") and node.name != "__call__"):
            return node
        before, self.inside = self.inside, True
        node.body = [self.visit(statement) for statement in node.body]
        self.inside = before
        return node

    def _site(self, sites, node, function=None, literal=False):
        sites.append(Site(ast.unparse(node), node.lineno, function, literal))
        return ast.Constant(len(sites) - 1)

    def _used(self, node):
        return _call("__use__", self._site(self.notes.uses, node), node)

    def visit_Name(self, node):
        loaded = isinstance(node.ctx, ast.Load) and node.id not in _UNTOUCHED
        return self._used(node) if self.inside and loaded else node

    def visit_Attribute(self, node):
        own = isinstance(node.value, ast.Name) and node.value.id == "self"
        if self.inside and own and isinstance(node.ctx, ast.Load):
            return self._used(node)
        return self.generic_visit(node)

    def visit_BinOp(self, node):
        if not self.inside or type(node.op) not in _OPERATORS:
            return self.generic_visit(node)
        literal = _literal(node.left) or _literal(node.right)
        place = self._site(self.notes.operations, node, literal=literal)
        function = _attribute("__operator__", _OPERATORS[type(node.op)])
        return _call("__made__", place, function, self.visit(node.left), self.visit(node.right))

    def visit_Call(self, node):
        function = node.func
        if not self.inside or (isinstance(function, ast.Name) and function.id in _UNTOUCHED):
            return self.generic_visit(node)
        called = function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)
        place = self._site(self.notes.operations, node, called)
        arguments = [self.visit(argument) for argument in node.args]
        keywords = [self.visit(keyword) for keyword in node.keywords]
        root = function.value if isinstance(function, ast.Attribute) else None
        if root is None or (isinstance(root, ast.Name) and root.id in _UNTOUCHED) or _dotted(root):
            first = [ast.Name("__made__", ast.Load()), place, function]
        else:
            name = ast.Constant(function.attr)
            first = [ast.Name("__method__", ast.Load()), place, name, self.visit(root)]
        return ast.Call(first[0], [*first[1:], *arguments], keywords)

    def visit_AugAssign(self, node):
        node.value = self.visit(node.value)
        return node


def _literal(node):
    """Numbers alone: 2, 0.5, math.sqrt(2 * np.pi)."""
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return names <= {"np", "numpy", "math"}


def _dotted(node):
    """`np.random` and the like: a module's attribute."""
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and (
        node.value.id in _UNTOUCHED - {"self"}
    )  # fmt: skip


def _attribute(name, attribute):
    return ast.Attribute(ast.Name(name, ast.Load()), attribute, ast.Load())


def _call(name, *arguments):
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def instrument(tree, notes):
    return ast.fix_missing_locations(Noting(notes).visit(tree))
