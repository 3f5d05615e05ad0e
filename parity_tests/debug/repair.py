"""Which single edit of the target's own code makes everything right?

The evidence of last resort and of most use: if the gradient becomes right (on several cases) when
one factor, sign, axis or index of `backward` is changed, the mistake is there. Edits are tried on
copies in memory; nothing is written.
"""

import ast
import contextlib
import copy
import inspect
import itertools
import signal
import threading
import time
import types

import numpy as np

from parity_tests.debug.edits import Pool, Slots, enumerate_edits
from parity_tests.debug.edits.base import CHOOSING, called, tree
from parity_tests.debug.guess_oracle import given_arguments
from parity_tests.debug.structure import attributes, is_floating, walk
from parity_tests.debug.study import differing
from parity_tests.debug.subject import Instance, quiet

_MEMORY = 1 << 30  # bytes that edited code may allocate
_LONGEST = 0.5  # seconds of one trial


class Repair:
    """A search for edits of one method (and the helpers that it calls)."""

    def __init__(self, study, stage, right, seconds=2.5, right_lines=()):
        self.study, self.stage, self.seconds = study, stage, seconds
        self.right = right  # cases with what must come out: (case, {key: (array, known, error)})
        self.right_lines = right_lines  # of the trace: they are tried last
        self.thing = study.subject.pristine
        self.began = time.process_time()
        self.tried = 0

    def search(self, most=10):
        """Edits after which all cases are right, the likeliest first."""
        with quiet(), np.errstate(all="ignore"), _bounded() as self.timed:
            return self._search(most)

    def _search(self, most):
        found = self.found = []
        for name, function, node in self.methods():
            space = function.__globals__
            self.starts = [self._start(case) for case, _ in self.right]
            pool, slots = self.pool(node), Slots(node)
            for edit in self._ordered(enumerate_edits(node, pool)):
                if time.process_time() - self.began > self.seconds:
                    break
                found += self._mending(name, node, slots, edit, space)
                if len(found) >= most:
                    break
        found.sort(key=lambda edit: edit.weight)
        return found

    def _ordered(self, edits):
        """Edits of lines that the trace found right come last, and only if nothing mends it."""
        later = []
        for edit in edits:
            if getattr(edit.pairs[0][0], "lineno", 0) in self.right_lines:
                later.append(edit)
            else:
                yield edit
        if not self.found:
            yield from later

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
                node = tree(method)
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

    def _mending(self, name, node, slots, edit, space):
        """The edit, or those of its choices, that make all cases right."""
        for old, new in edit.pairs:
            slots.put(old, _located(new, old))
        try:
            function = _compiled(node, space)
        except Exception:
            return []
        finally:
            for old, _ in edit.pairs:
                slots.put(old, old)
        if edit.options is None:
            return [edit] if self._all_right(name, function) else []
        found = []
        for place in range(len(edit.options)):
            if time.process_time() - self.began > self.seconds:
                break
            function.__globals__["_pick"] = place
            if self._all_right(name, function):
                found.append(edit.chosen(place))
        return found

    def _all_right(self, name, function):
        return all(
            self._right_now(name, function, start, case, expected)
            for start, (case, expected) in zip(self.starts, self.right, strict=True)
        )

    def _right_now(self, name, function, start, case, expected):
        self.tried += 1
        shared = self.frozen and self.stage == "backward"
        thing = copy.copy(start.thing) if shared else copy.deepcopy(start.thing)
        instance = Instance(start.subject, thing)
        instance.bare = True
        try:
            setattr(instance.thing, name, types.MethodType(function, instance.thing))
        except AttributeError:
            return False
        inputs = [np.array(value) for value in case.inputs]
        if self.timed:
            signal.setitimer(signal.ITIMER_VIRTUAL, _LONGEST)
        try:
            given = self._given(instance, case, inputs)
        except Exception:
            return False
        finally:
            if self.timed:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        for key, (array, known, error) in expected.items():
            mine = given.get(key)
            if mine is None or differing(mine, array, known, error).any():
                return False
            if np.asarray(mine).dtype != np.asarray(array).dtype and key[0] != "outputs":
                return False
        return True

    def _given(self, instance, case, inputs):
        """What the edited method gives, by key."""
        if self.stage == "forward":
            outputs = [out for out in instance.forward(inputs) if is_floating(out)]
            return {("outputs", place): out for place, out in enumerate(outputs)}
        gradients = instance.backward([np.array(g) for g in case.upstreams], inputs)
        return {
            (where, place): value
            for where in ("inputs", "params")
            for place, value in enumerate(getattr(gradients, where) or [])
        }

    # --- what edits may use ---

    def _distinct(self, counts):
        """One expression for each number that they stand for (in all cases)."""
        chosen = {}
        scopes = []
        for start, (case, _) in zip(self.starts, self.right, strict=True):
            values = self.study.backward_values(case) if self.stage == "backward" else {}
            scopes.append({**values, "self": start.thing})
        for count in _unique(counts):
            found = []
            for scope in scopes:
                try:
                    found.append(float(eval(count, {}, scope)))
                except Exception:
                    break
            if len(found) == len(scopes) and any(value != 1 for value in found):
                chosen.setdefault(tuple(found), count)
        return list(chosen.values())

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
        arrays += [text for text in _subscripts(node) if text not in arrays]
        small = [name for name in local if len(name) <= 2]
        sizes += small
        factors += arrays
        factors += [f"self.{name}" for name in hypers]
        factors += [f"(1 - self.{n})" for n in hypers] + [f"np.sqrt(self.{n})" for n in hypers]
        masks = [f"self.{n}" for n, v in values.items() if isinstance(v, np.ndarray)]
        factors += [mask for mask in masks if mask not in factors]
        own = [a for a in arrays if a.startswith("self.")]
        factors += [f"(1 - {a})" for a in own] + [f"(1 - {a} ** 2)" for a in own]
        factors += [f"{a} * (1 - {a})" for a in own]
        main = names[0] if names else None
        counts = []
        for array in [a for a in (main, *arrays) if a][:6]:
            counts += [f"len({array})", f"{array}.size", f"{array}.shape[-1]"]
            counts += [f"({array}.size / {array}.shape[-1])"]
        counts += [f"{a}.shape[{k}]" for a in [n for n in (main,) if n] for k in (0, 1, 2)]
        counts += [size for size in sizes if size.startswith("self.")]
        counts += [f"({a} * {b})" for a in sizes[:3] for b in sizes[:3] if a <= b]
        counts = self._distinct(counts)
        defaults = given_arguments(self.study.subject, None)[0]
        forward = getattr(type(self.thing), self.study.subject.forward_name)
        text = inspect.getsource(forward)
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
            self.stage,
            self._scaled(),
            _masks(node, tree(forward)),
        )

    def _scaled(self):
        """Pairs of gradients in backward of which one is the other times something fixed."""
        if self.stage != "backward":
            return set()
        case, _ = self.right[0]
        other = [np.random.default_rng(8).normal(size=np.shape(g)) for g in case.upstreams]
        changed = self.study.with_upstreams(case, other)
        first, second = (self.study.backward_values(c) for c in (case, changed))
        moved = [
            name
            for name, value in first.items()
            if np.shape(second.get(name)) == value.shape and not np.array_equal(value, second[name])
        ]
        return {
            (one, two)
            for one, two in itertools.permutations(moved, 2)
            if first[one].shape == first[two].shape
            and np.allclose(first[two] * second[one], second[two] * first[one], rtol=1e-6)
        }


def _masks(*trees):
    """Names that are assigned a comparison, a cut or a choice."""
    return {
        ast.unparse(target)
        for tree in trees
        for part in ast.walk(tree)
        if isinstance(part, ast.Assign)
        for target in part.targets
        if isinstance(part.value, ast.Compare) or called(part.value) in CHOOSING
    }


def _number(value):
    """A floating array or number; sizes and shapes are refused."""
    if isinstance(value, (int, tuple, list)) and not isinstance(value, bool):
        raise TypeError("a size")
    return value


@contextlib.contextmanager
def _bounded():
    """Edited code may ask for huge arrays or loop for long: both end in an exception."""
    limits = None
    try:
        import resource

        limits = resource.getrlimit(resource.RLIMIT_AS)
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, limits[1]))
    except (ImportError, OSError, ValueError):
        limits = None
    timed = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
    before = signal.signal(signal.SIGVTALRM, _too_long) if timed else None
    try:
        yield timed
    finally:
        if timed:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, before)
        if limits is not None:
            resource.setrlimit(resource.RLIMIT_AS, limits)


def _too_long(number, frame):
    raise TimeoutError("an edit runs for too long")


def _unique(items):
    return list(dict.fromkeys(items))


def _subscripts(node):
    """Slices that the method reads: self.h[:, t] and the like."""
    found = [
        ast.unparse(part)
        for part in ast.walk(node)
        if isinstance(part, ast.Subscript) and isinstance(part.ctx, ast.Load)
    ]
    return [text for text in _unique(found) if ".shape" not in text][:8]


def _locals(node):
    found = []
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            found.append(part.id)
    return _unique(found)


def _located(node, place):
    """The node with the lines of another where it has none; nodes that were parsed have theirs."""
    if "lineno" in node._attributes and not hasattr(node, "lineno"):
        ast.copy_location(node, place)
    elif hasattr(node, "lineno"):
        return node
    for part in ast.iter_child_nodes(node):
        _located(part, place)
    return node


def _compiled(tree, space):
    module = ast.Module([tree], [])
    scope = dict(space)
    scope["_number"] = _number
    exec(compile(module, "<edited>", "exec"), scope)
    return scope[tree.name]
