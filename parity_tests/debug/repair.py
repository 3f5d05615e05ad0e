"""Which single edit of the target's own code makes everything right?

The evidence of last resort and of most use: if the gradient becomes right (on several cases) when
one factor, sign, axis or index of `backward` is changed, the mistake is there. Edits are tried on
copies in memory; nothing is written.
"""

import ast
import copy
import inspect
import textwrap
import time
import types
import warnings

import numpy as np

from parity_tests.debug.edits import Pool, Slots, enumerate_edits
from parity_tests.debug.guess_oracle import given_arguments
from parity_tests.debug.structure import attributes, is_floating, walk
from parity_tests.debug.study import differing
from parity_tests.debug.subject import Instance


class Repair:
    """A search for edits of one method (and the helpers that it calls)."""

    def __init__(self, study, stage, right, seconds=2.5):
        self.study, self.stage, self.seconds = study, stage, seconds
        self.right = right  # cases with what must come out: (case, {key: (array, known, error)})
        self.thing = study.subject.pristine
        self.began = time.process_time()
        self.tried = 0

    def search(self, most=10):
        """Edits after which all cases are right, the likeliest first."""
        found = []
        for name, function, node in self.methods():
            space = function.__globals__
            self.starts = [self._start(case) for case, _ in self.right]
            pool, slots = self.pool(node), Slots(node)
            for edit in enumerate_edits(node, pool):
                if time.process_time() - self.began > self.seconds:
                    break
                if self._mends(name, node, slots, edit, space):
                    found.append(edit)
                    if len(found) >= most:
                        break
        found.sort(key=lambda edit: edit.weight)
        return found

    def methods(self):
        """(name, function, its syntax tree) of the method and of helpers that it calls."""
        main = "backward" if self.stage == "backward" else self.study.subject.forward_name
        queue, seen = [main], []
        while queue:
            name = queue.pop(0)
            method = getattr(type(self.thing), name, None)
            if name in seen or not inspect.isfunction(method):
                continue
            seen.append(name)
            method = inspect.unwrap(method)
            try:
                source = textwrap.dedent(inspect.getsource(method))
                node = ast.parse(source).body[0]
            except (OSError, TypeError, SyntaxError):
                continue
            ast.increment_lineno(node, method.__code__.co_firstlineno - 1)
            node.decorator_list = []
            yield name, method, node
            for part in ast.walk(node):
                if (
                    isinstance(part, ast.Call)
                    and isinstance(part.func, ast.Attribute)
                    and isinstance(part.func.value, ast.Name)
                    and part.func.value.id == "self"
                ):
                    queue.append(part.func.attr)

    def _start(self, case):
        """The object as the method finds it."""
        instance = case.start.copy()
        if self.stage == "backward":
            inputs = [np.array(value) for value in case.inputs]
            instance.forward(inputs)
            self._freeze(instance, case, inputs)
        return instance

    def _freeze(self, instance, case, inputs):
        """Make what forward stored read-only, so that trials can share it, if backward allows."""
        arrays = [value for _, value in walk(instance.thing) if isinstance(value, np.ndarray)]
        flags = [array.flags.writeable for array in arrays]
        for array in arrays:
            array.flags.writeable = False
        trial = Instance(instance.subject, copy.copy(instance.thing))
        try:
            trial.backward([np.array(g) for g in case.upstreams], inputs)
        except Exception:
            self.frozen = False
            for array, flag in zip(arrays, flags, strict=True):
                if flag and array.base is None:
                    array.flags.writeable = True

    frozen = True

    def _mends(self, name, node, slots, edit, space):
        for old, new in edit.pairs:
            slots.put(old, new)
        try:
            function = _compiled(node, space)
        except Exception:
            return False
        finally:
            for old, _ in edit.pairs:
                slots.put(old, old)
        return all(
            self._right_now(name, function, start, case, expected)
            for start, (case, expected) in zip(self.starts, self.right, strict=True)
        )

    def _right_now(self, name, function, start, case, expected):
        self.tried += 1
        shared = self.frozen and self.stage == "backward"
        thing = copy.copy(start.thing) if shared else copy.deepcopy(start.thing)
        instance = Instance(start.subject, thing)
        try:
            setattr(instance.thing, name, types.MethodType(function, instance.thing))
        except AttributeError:
            return False
        inputs = [np.array(value) for value in case.inputs]
        try:
            with np.errstate(all="ignore"):
                if self.stage == "forward":
                    outputs = [o for o in instance.forward(inputs) if is_floating(o)]
                    given = {("outputs", i): o for i, o in enumerate(outputs)}
                else:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        gradients = instance.backward([np.array(g) for g in case.upstreams], inputs)
                    given = {
                        (where, place): value
                        for where in ("inputs", "params")
                        for place, value in enumerate(getattr(gradients, where) or [])
                    }
        except Exception:
            return False
        for key, (array, known, error) in expected.items():
            mine = given.get(key)
            if mine is None or differing(mine, array, known, error).any():
                return False
            if np.asarray(mine).dtype != np.asarray(array).dtype and key[0] != "outputs":
                return False
        return True

    # --- what edits may use ---

    def pool(self, node):
        """Names in reach of the method, by kind."""
        start = self.starts[0]
        values = attributes(start.thing)
        names = [a.arg for a in node.args.args[1:]]
        upstream = names if self.stage == "backward" else []
        arrays, factors, sizes, hypers = [], [], [], {}
        for name, value in values.items():
            if isinstance(value, np.ndarray) and value.ndim and is_floating(value):
                arrays.append(f"self.{name}")
            elif isinstance(value, (float, np.floating)) and not isinstance(value, bool):
                hypers[name] = float(value)
            elif isinstance(value, (int, np.integer)) and not isinstance(value, bool):
                sizes.append(f"self.{name}")
                if name not in ("training",):
                    hypers.setdefault(name, value)
        local = _locals(node)
        arrays += [name for name in (*names, *local) if name not in arrays]
        small = [name for name in local if len(name) <= 2]
        sizes += small
        factors += arrays
        factors += [f"self.{name}" for name in hypers]
        factors += [f"(1 - self.{n})" for n in hypers] + [f"np.sqrt(self.{n})" for n in hypers]
        masks = [f"self.{n}" for n, v in values.items() if isinstance(v, np.ndarray)]
        factors += [mask for mask in masks if mask not in factors]
        factors += [f"(1 - {a})" for a in arrays if a.startswith("self.")]
        main = names[0] if names else None
        counts = []
        for array in [a for a in (main, *arrays) if a][:6]:
            counts += [f"len({array})", f"{array}.size", f"{array}.shape[-1]"]
            counts += [f"({array}.size / {array}.shape[-1])"]
        counts += [f"{a}.shape[{k}]" for a in [n for n in (main,) if n] for k in (0, 1, 2)]
        counts += [size for size in sizes if size.startswith("self.")]
        counts += [f"({a} * {b})" for a in sizes[:3] for b in sizes[:3] if a <= b]
        defaults = given_arguments(self.study.subject, None)[0]
        text = inspect.getsource(type(self.thing))
        spelt = {factor for factor in factors if self.stage == "backward" and factor in text}
        simple = {f"self.{name}" for name in values}
        return Pool(
            upstream,
            _unique(factors),
            _unique(counts),
            hypers,
            arrays,
            sizes,
            defaults,
            {factor for factor in spelt if "(" in factor or factor in simple - set(arrays)},
        )


def _unique(items):
    return list(dict.fromkeys(items))


def _locals(node):
    found = []
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            found.append(part.id)
    return _unique(found)


def _compiled(tree, space):
    module = ast.Module([tree], [])
    ast.fix_missing_locations(module)
    scope = dict(space)
    exec(compile(module, "<edited>", "exec"), scope)
    return scope[tree.name]
