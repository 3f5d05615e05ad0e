"""What distinguishes one mistake from another: how yours differs, and upon what that depends."""

import os
from dataclasses import dataclass

import numpy as np

from parity_tests.debug.structure import attributes, is_floating
from parity_tests.debug.study import differing


@dataclass
class Clue:
    """A likely cause, how strongly it is suggested, and the pattern that suggests it."""

    cause: str
    strength: float
    pattern: str


def same(a, b, rtol=2e-5):
    """Equal up to rounding, as whole arrays."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape or a.size == 0:
        return False
    size = max(float(np.max(np.abs(b))), 1e-12)
    with np.errstate(all="ignore"):
        return bool(np.all(np.abs(a - b) <= rtol * size))


class Evidence:
    """One wrong gradient under the lens."""

    def __init__(self, study, finding):
        self.study, self.finding = study, finding
        data = finding.evidence
        self.exam, self.key = data["exam"], data["quantity"]
        self.case = self.exam.case
        self.yours = None if data["yours"] is None else np.asarray(data["yours"])
        self.right = np.where(np.isnan(data["right"]), 0, data["right"])
        self.mask = data["mask"]
        self.derivative = self.exam.own.jacobians.get(self.key)
        self.shapes = [np.shape(g) for g in self.case.upstreams]
        self.takes = self.case.start.takes_upstream
        self.inner = self.exam.traced.inner if self.exam.traced is not None else {}

    # --- other questions to the target ---

    def your_gradient(self, upstreams, case=None):
        case = case or self.case
        try:
            _, yours, _ = self.study.yours(self.study.with_upstreams(case, upstreams))
        except Exception:
            return None
        found = getattr(yours, self.key[0]) or []
        return found[self.key[1]] if self.key[1] < len(found) else None

    def true_gradient(self, upstreams):
        flat = np.concatenate([np.ravel(g) for g in upstreams])
        with np.errstate(all="ignore"):
            found = flat @ np.nan_to_num(self.derivative.matrix)
        return found.reshape(np.shape(self.right))

    def other_upstreams(self, seed=5):
        rng = np.random.default_rng(seed)
        return [rng.normal(size=shape) for shape in self.shapes]

    def your_matrix(self, most=64):
        """Your gradient as a linear map of the upstream gradient, (outputs, elements)."""
        if not self.takes:
            return None
        total = int(sum(np.prod(shape) for shape in self.shapes))
        if total > most:
            return None
        rows = []
        for row in range(total):
            flat = np.zeros(total)
            flat[row] = 1
            upstreams, begin = [], 0
            for shape in self.shapes:
                size = int(np.prod(shape))
                upstreams.append(flat[begin : begin + size].reshape(shape))
                begin += size
            found = self.your_gradient(upstreams)
            if found is None or np.shape(found) != np.shape(self.right):
                return None
            rows.append(np.ravel(found))
        return np.array(rows, dtype=float)

    # --- the questions ---

    def clues(self):
        """All clues; each test speaks for itself."""
        tests = [
            self.kind_of_number,
            self.exchanged,
            self.no_upstream,
            self.one_ratio,
            self.signs,
            self.shape,
            self.transposition,
            self.last_one_only,
            self.diagonal,
            self.cut_paths,
            self.coupling,
            self.inner_diagonal,
            self.pieces,
            self.ratio_field,
            self.rows_of_difference,
            self.later_in_time,
        ]
        found = []
        for test in tests:
            try:
                found += [clue for clue in test() if clue is not None]
            except Exception:
                if os.environ.get("PARITY_DEBUG_STRICT"):
                    raise
        return found

    @property
    def same_shape(self):
        return self.yours is not None and np.shape(self.yours) == np.shape(self.right)

    def kind_of_number(self):
        if self.yours is None:
            return
        kind = self.yours.dtype
        if np.issubdtype(kind, np.integer) or np.issubdtype(kind, np.bool_):
            yield Clue("dtype", 0.97, f"yours holds {kind}: fractions are cut off")
        elif kind == np.float16:
            yield Clue("dtype", 0.97, f"yours holds {kind}: rounded to three digits")

    def no_upstream(self):
        if not self.takes or not self.same_shape:
            return
        other = self.other_upstreams()
        mine = self.your_gradient(other)
        if mine is None or not np.any(self.yours):
            return
        if same(mine, self.yours, 1e-9) and not same(self.true_gradient(other), self.right):
            yield Clue("upstream_missing", 1.0, "yours does not change with grad_output")
            return
        nothing = self.your_gradient([np.zeros(shape) for shape in self.shapes])
        if nothing is not None and np.abs(nothing).max(initial=0) > 1e-9:
            yield Clue("upstream_missing", 0.9, "yours is not zero for a grad_output of zero")
            return
        twice = self.your_gradient([2 * g for g in self.case.upstreams])
        if twice is not None and not same(twice, 2 * self.yours, 1e-6):
            yield Clue("wrong_point", 0.88, "yours is not proportional to grad_output")

    def exchanged(self):
        """Is yours the right gradient of another input or parameter?"""
        for where in ("inputs", "params"):
            for place, other in enumerate(getattr(self.exam.own, where)):
                if (where, place) == self.key or other is None or self.yours is None:
                    continue
                if np.any(other) and same(self.yours, np.nan_to_num(other)):
                    name = "grad_input" if where == "inputs" else "grad_params"
                    words = f"yours is the right {name}[{place}]"
                    yield Clue("wrong_point", 0.985, words)
                    return

    @property
    def elementwise(self):
        """Does every output depend on one element alone?"""
        if self.derivative is None or self.key[0] != "inputs":
            return False
        matrix = np.nan_to_num(self.derivative.matrix)
        if matrix.shape[0] != matrix.shape[1] or len(matrix) < 2:
            return False
        off = matrix - np.diag(np.diag(matrix))
        return bool(np.abs(off).max() <= 1e-9 * max(np.abs(matrix).max(), 1e-12))

    def ratio(self, yours, right):
        """The one factor between both, or None."""
        size = float(np.sum(right * right))
        if size == 0:
            return None
        factor = float(np.sum(yours * right) / size)
        gap = np.max(np.abs(yours - factor * right), initial=0)
        return factor if gap <= 1e-4 * np.max(np.abs(right), initial=0) else None

    def one_ratio(self):
        if not self.same_shape or not np.any(self.right) or self.right.size < 2:
            return
        factor = self.ratio(self.yours, self.right)
        if factor is None:
            return
        if abs(factor) < 1e-9:
            yield Clue("missing_path", 0.7, "yours is zero everywhere")
            yield Clue("overwrite_not_accumulate", 0.3, "yours is zero everywhere")
            return
        if abs(factor + 1) < 1e-4:
            yield Clue("sign", 1.0, "yours = - right, everywhere")
            return
        shown = f"yours = {factor:.5g} x right, everywhere"
        causes = self.what_moves_the_ratio(factor)
        for cause, strength, why in causes:
            yield Clue(cause, strength, f"{shown}{why}")

    def what_moves_the_ratio(self, factor):
        """Does the ratio follow the shapes, the parameters or the options?"""
        study, seen = self.study, []
        if factor < 0:
            seen.append(("sign", 0.5, ""))
        for words, specs in _other_shapes(study.specs):
            other = self.ratio_elsewhere(specs)
            if other is not None and abs(other / factor - 1) > 1e-3:
                seen.append(("scale_reduction", 0.99, f"; another ratio with {words}"))
                break
        moved = self.ratio_elsewhere(study.specs, seed=91)
        if moved is not None and abs(moved / factor - 1) > 1e-3:
            seen.append(("missing_factor", 0.9, "; another ratio with other values"))
        for name, other in self.ratios_by_option():
            if other is not None and abs(other / factor - 1) > 1e-3:
                counted = any(w in name for w in ("pool", "kernel", "size", "window", "stride"))
                if counted:
                    seen.append(("scale_reduction", 0.97, f"; another ratio with another {name}"))
                else:
                    seen.append(("missing_factor", 0.97, f"; another ratio with another {name}"))
                break
        if not any(strength > 0.85 for _, strength, _ in seen):
            counts = {np.prod(self.case.inputs[0].shape), *self.case.inputs[0].shape}
            near = [c for c in counts if abs(factor - c) < 1e-4 or abs(factor * c - 1) < 1e-5]
            strength = 0.93 if not near else 0.8
            seen.append(("scale_constant", strength, "; the same for all shapes and values"))
            seen.append(("scale_reduction", 0.6 if near else 0.4, ""))
            seen.append(("missing_factor", 0.5, ""))
        return seen

    def ratio_elsewhere(self, specs, seed=90, subject=None):
        """The ratio in another case, by numeric differentiation."""
        study = self.study
        try:
            case = study.case(specs, seed=seed, subject=subject)
            exam = study.examine(case, seconds=0.4, oracle=False)
        except Exception:
            return None
        yours, own, _, _ = exam.quantity(*self.key)
        if yours is None or np.shape(yours) != np.shape(own):
            return None
        known = ~np.isnan(own)
        return self.ratio(yours[known], own[known]) if known.any() else None

    def ratios_by_option(self):
        from parity_tests.debug import guess_oracle, hyper

        study = self.study
        if study.session.module is None:
            return
        values, _ = guess_oracle.given_arguments(study.subject, study.session.module)
        for name, value in values.items():
            for new in hyper.variations(name, value)[:3]:
                if study.left < 0.3:
                    return
                try:
                    subject = hyper.rebuilt(study, values, name, new)
                except Exception:
                    continue
                yield name, self.ratio_elsewhere(study.specs, subject=subject)

    def signs(self):
        if not self.same_shape or self.right.size < 2:
            return
        if same(np.abs(self.yours), np.abs(self.right)) and not same(self.yours, -self.right):
            yield Clue("sign", 0.8, "the magnitudes are right, some signs are not")

    def shape(self):
        if self.yours is None or self.same_shape:
            return
        mine, right = np.shape(self.yours), np.shape(self.right)
        if sorted(mine) == sorted(right) and mine != right:
            for axes in _orders(len(mine)):
                if same(self.yours.transpose(axes), self.right):
                    yield Clue("transposed", 1.0, "equal after a transpose")
                    return
            yield Clue("transposed", 0.8, f"shape {mine} where {right} is needed")
            yield Clue("wrong_axis", 0.6, "")
            return
        if self.yours.size > self.right.size:
            for axes in _subsets(self.yours.ndim):
                total = self.yours.sum(axis=axes)
                if total.size == self.right.size and same(total.reshape(right), self.right):
                    words = f"right once it is summed over axis {axes}"
                    yield Clue("not_summed", 1.0, words)
                    return
            yield Clue("not_summed", 0.7, f"shape {mine} where {right} is needed")
            yield Clue("wrong_axis", 0.65, "")
            return
        if self.yours.size == self.right.size and same(self.yours.reshape(right), self.right):
            yield Clue("not_summed", 0.6, f"the values are right, the shape is {mine}")
            yield Clue("wrong_axis", 0.55, "an axis of size one is kept or dropped")
            return
        yield Clue("wrong_axis", 0.8, f"shape {mine} where {right} is needed")
        yield Clue("geometry", 0.4, "")

    def transposition(self):
        if not self.same_shape:
            return
        square = self.right.ndim >= 2 and self.right.shape[-1] == self.right.shape[-2]
        if square and same(np.swapaxes(self.yours, -1, -2), self.right):
            yield Clue("transposed", 1.0, "equal after a transpose")
        if self.right.ndim == 4 and same(self.yours[:, :, ::-1, ::-1], self.right):
            yield Clue("geometry", 0.97, "equal after a flip of the window")
        for place, param in enumerate(self.case.params):
            if param.ndim == 2 and param.shape[0] == param.shape[1] and self.takes:
                found = self.with_param(place, param.T)
                if found is not None and same(found, self.right):
                    words = f"equal if params[{place}] is transposed"
                    yield Clue("transposed", 0.97, words)
            for axes in _turns(param) if self.takes else ():
                found = self.with_param(place, np.swapaxes(param, *axes))
                if found is not None and same(found, self.right):
                    yield Clue("transposed", 0.97, f"equal if axes {axes} of params[{place}] swap")
                    break
            for axes in _flips(param):
                found = self.with_param(place, np.flip(param, axes))
                if found is not None and same(found, self.right):
                    words = f"equal if params[{place}] is flipped along axes {axes}"
                    yield Clue("geometry", 0.97, words)
                    break

    def with_param(self, place, value):
        """Your backward after its forward, with one parameter exchanged for it alone."""
        instance = self.case.start.copy()
        inputs = [np.array(v) for v in self.case.inputs]
        try:
            instance.forward(inputs)
            values = [np.array(p) for p in instance.params]
            values[place] = value
            instance.set_params(values)
            found = instance.backward([np.array(g) for g in self.case.upstreams], inputs)
        except Exception:
            return None
        parts = getattr(found, self.key[0]) or []
        return parts[self.key[1]] if self.key[1] < len(parts) else None

    def last_one_only(self):
        """Is yours the gradient of only the last (first) sample, step or position?"""
        if not self.same_shape or self.derivative is None or len(self.shapes) != 1:
            return
        shape = self.shapes[0]
        if self.key[0] == "params" or not self.takes:
            for axes in _subsets(len(shape)):
                for end in (-1, 0):
                    mask = np.zeros(shape)
                    index = [slice(None)] * len(shape)
                    for axis in np.atleast_1d(axes):
                        index[axis] = end
                    mask[tuple(index)] = 1
                    partial = self.true_gradient([self.case.upstreams[0] * mask])
                    if same(partial, self.yours) and not same(partial, self.right):
                        words = f"only the {'last' if end else 'first'} entry of axis {axes} counts"
                        yield Clue("overwrite_not_accumulate", 0.97, words)
                        return
        counts = self.contributions()
        if counts is None:
            return
        many = counts > 1
        wrong = self.mask
        if wrong.any() and not (wrong & ~many).any() and (~many).any():
            share = float((wrong & many).sum()) / max(int(many.sum()), 1)
            if share > 0.5:
                words = "right where one output contributes, wrong where several do"
                yield Clue("overwrite_not_accumulate", 0.78, words)

    def contributions(self):
        """How many places of the output each element reaches (channels count once)."""
        shape = self.shapes[0]
        if not shape or self.derivative is None:
            return None
        matrix = np.abs(np.nan_to_num(self.derivative.matrix)) > 1e-12
        matrix = matrix.reshape(-1, shape[-1], self.right.size).any(axis=1)
        return matrix.sum(axis=0).reshape(self.right.shape)

    def diagonal(self):
        if not self.same_shape or self.derivative is None or self.key[0] != "inputs":
            return
        if self.right.size != self.derivative.matrix.shape[0]:
            return
        mine = self.your_matrix()
        if mine is None:
            return
        true = np.nan_to_num(self.derivative.matrix)
        off = ~np.eye(len(true), dtype=bool)
        size = np.abs(true).max()
        cross = np.abs(true[off]).max(initial=0) > 1e-4 * size
        if cross and np.abs(mine[off]).max(initial=0) <= 1e-9 * size:
            exact = same(np.diag(mine), np.diag(true))
            words = "yours is diagonal: no element answers to another one's grad_output"
            yield Clue("diagonal_jacobian", 1.0 if exact else 0.75, words)

    def inner_diagonal(self):
        """Somewhere inside: a gradient that keeps only the diagonal of one step's Jacobian."""
        if self.study.twin is None or self.exam.traced is None:
            return
        mine = self.study.backward_values(self.case)
        known = [
            (name, value, gradient)
            for name, (value, gradient) in self.inner.items()
            if value.ndim and value.size <= 200
        ]
        held = {
            name
            for name, _, gradient in known
            if any(same(v, gradient) for v in mine.values() if np.shape(v) == gradient.shape)
        }
        for late, value, gradient in known:
            if late not in held:
                continue
            for early, other, _ in known:
                if early in held or early == late or other.shape != value.shape:
                    continue
                diagonal = self.study.twin.diagonal(
                    self.case.start.copy(), self.case.inputs, self.case.upstreams, early, late
                )
                if diagonal is None:
                    continue
                wanted = diagonal * gradient
                shaped = [v for v in mine.values() if np.shape(v) == wanted.shape]
                if np.any(wanted) and any(self.ratio(v, wanted) for v in shaped):
                    words = f"at {early} only the diagonal of d {late} / d {early} is used"
                    yield Clue("diagonal_jacobian", 0.98, words)
                    return

    def coupling(self):
        """Along which axes do elements answer to each other: in truth, and in yours?"""
        if not self.same_shape or self.derivative is None or self.key[0] != "inputs":
            return
        if len(self.shapes) != 1 or self.shapes[0] != self.right.shape:
            return
        mine = self.your_matrix()
        if mine is None:
            return
        true = np.nan_to_num(self.derivative.matrix)
        shape = self.right.shape
        extra = lacking = None
        for axis in range(len(shape)):
            mine_couples = _couples(mine, shape, axis)
            true_couples = _couples(true, shape, axis)
            if mine_couples and not true_couples:
                extra = axis
            if true_couples and not mine_couples:
                lacking = axis
        if extra is not None:
            words = f"yours mixes entries along axis {extra}, the forward does not"
            yield Clue("wrong_axis", 0.93, words)
        elif lacking is not None:
            words = f"the forward mixes entries along axis {lacking}, yours does not"
            yield Clue("missing_path", 0.6, words)
            yield Clue("diagonal_jacobian", 0.55, words)

    def cut_paths(self):
        """Is yours the gradient without the path through one stored quantity?"""
        if not self.same_shape or self.study.twin is None or self.exam.traced is None:
            return
        paths = self.study.twin.paths(
            self.case.start.copy(), self.case.inputs, self.case.upstreams, self.key
        )
        missing = self.right - self.yours
        if not np.any(missing):
            return
        for name, contribution in paths.items():
            if not np.any(contribution) or same(contribution, self.right):
                continue
            factor = self.ratio(missing, contribution)
            if factor is None or abs(factor) < 1e-6:
                continue
            if abs(factor - 1) < 1e-4:
                yield Clue("missing_path", 0.92, f"yours = right without the path through {name}")
            elif abs(factor - 2) < 1e-4:
                yield Clue("sign", 0.9, f"the path through {name} has the opposite sign")
            elif not same(missing, factor * self.right):
                words = f"the path through {name} comes in {1 - factor:.5g} times"
                yield Clue("scale_constant", 0.7, words)
                yield Clue("missing_factor", 0.62, words)

    def pieces(self):
        """Right on one side of a threshold of the input, wrong on the other."""
        if not self.same_shape or self.key[0] != "inputs":
            return
        values = [("the input", self.case.inputs[self.key[1]])]
        floats = [v for v in self.case.inputs if is_floating(v) and v.shape == self.right.shape]
        if len(floats) == 2:
            values.append(("the difference", floats[0] - floats[1]))
        values += [
            (name, value)
            for name, (value, _) in self.inner.items()
            if np.shape(value) == self.right.shape
        ]
        wrong = self.mask
        if wrong.all() or wrong.sum() < 1 or (~wrong).sum() < 2:
            return
        for name, value in values:
            for words, measure in ((name, value), (f"|{name}|", np.abs(value))):
                if measure[wrong].max() <= measure[~wrong].min() + 1e-12:
                    limit = measure[wrong].max()
                    yield Clue("branch", 0.84, f"wrong where {words} is {limit:.4g} or less")
                    return
                if measure[wrong].min() >= measure[~wrong].max() - 1e-12:
                    limit = measure[wrong].min()
                    yield Clue("branch", 0.84, f"wrong where {words} is {limit:.4g} or more")
                    return

    def ratio_field(self):
        """Is yours / right a field that does not depend on grad_output?"""
        if not self.same_shape or not self.takes or self.derivative is None:
            return
        other = self.other_upstreams(7)
        mine, true = self.your_gradient(other), self.true_gradient(other)
        if mine is None:
            return
        solid = (np.abs(self.right) > 1e-6) & (np.abs(true) > 1e-6)
        if solid.sum() < 2:
            return
        with np.errstate(all="ignore"):
            field, again = self.yours / self.right, mine / true
        if not np.allclose(field[solid], again[solid], rtol=1e-3):
            return
        if np.ptp(field[solid]) < 1e-6:
            return
        yield Clue("wrong_derivative", 0.55, "yours / right varies, but not with grad_output")
        for name, value in self.factors():
            try:
                wide = np.broadcast_to(value, self.right.shape)
            except ValueError:
                continue
            for words, power in ((name, 1), (f"1/{name}", -1), (f"{name}^2", 2)):
                with np.errstate(all="ignore"):
                    factor = wide.astype(float) ** power
                    fits = np.allclose(1 / field[solid], factor[solid], rtol=1e-3)
                    inverse = np.allclose(field[solid], factor[solid], rtol=1e-3)
                if fits:
                    yield Clue("missing_factor", 0.9, f"right = yours x {words}")
                    return
                if inverse:
                    yield Clue("missing_factor", 0.7, f"yours = right x {words}")
                    yield Clue("wrong_derivative", 0.66, f"yours = right x {words}")
                    return

    def factors(self):
        for place, param in enumerate(self.case.params):
            yield f"params[{place}]", np.asarray(param)
        for name, (value, _) in self.inner.items():
            yield name, np.asarray(value)
            yield f"(1 - {name})", 1 - np.asarray(value)
        for name, value in attributes(self.exam.after.thing).items():
            if isinstance(value, np.ndarray) and value.ndim and value.dtype != object:
                yield f"self.{name}", value

    def rows_of_difference(self):
        """The same vector in every row."""
        if not self.same_shape or self.right.ndim < 2 or self.right.shape[0] < 2:
            return
        gap = self.yours - self.right
        if not np.any(gap):
            return
        if np.allclose(gap, gap[:1], rtol=1e-4, atol=1e-9 * np.abs(gap).max()):
            words = "yours - right is the same in every row"
            yield Clue("missing_path", 0.58, words)

    def later_in_time(self):
        """Right at the last step only."""
        if not self.same_shape or self.right.ndim != 3 or self.key[0] != "inputs":
            return
        by_step = self.mask.any(axis=(0, 2))
        if len(by_step) > 1 and not by_step[-1] and by_step[:-1].all():
            words = "right at the last step, wrong at all earlier ones"
            yield Clue("missing_path", 0.86, words)
            yield Clue("transposed", 0.45, words)
            yield Clue("wrong_point", 0.4, words)


def _couples(matrix, shape, axis):
    """Is some output tied to an element that differs from it along this axis only?"""
    size = np.abs(matrix).max()
    where = np.argwhere(np.abs(matrix) > 1e-7 * size)
    for row, column in where:
        a, b = np.unravel_index(row, shape), np.unravel_index(column, shape)
        if a[axis] != b[axis]:
            return True
    return False


def _turns(param):
    """Pairs of axes of equal size, of an array with three axes or more."""
    import itertools

    pairs = itertools.combinations(range(param.ndim), 2)
    return [(a, b) for a, b in pairs if param.ndim > 2 and param.shape[a] == param.shape[b] > 1]


def _flips(param):
    """Pairs (or single ones) of axes along which a kernel may have been flipped."""
    import itertools

    if param.ndim < 3:
        return
    pairs = itertools.combinations(range(param.ndim), 2)
    yield from (pair for pair in pairs if param.shape[pair[0]] == param.shape[pair[1]] > 1)
    yield from ((axis,) for axis in range(param.ndim) if param.shape[axis] > 1)


def _orders(rank):
    import itertools

    return itertools.permutations(range(rank))


def _subsets(rank):
    import itertools

    for count in range(1, rank + 1):
        yield from itertools.combinations(range(rank), count)


def _other_shapes(specs):
    from parity_tests.debug.specs import with_batch

    batch = specs[0].shape[0] if specs and specs[0].shape else 0
    if batch:
        other = with_batch(specs, batch + 2)
        if other:
            yield "another batch size", other
    first = specs[0]
    for axis in range(1, len(first.shape)):
        size = first.shape[axis]
        for changed in (size + 1, size + 2):
            found = [
                spec.reshaped((*spec.shape[:axis], changed, *spec.shape[axis + 1 :]))
                if len(spec.shape) > axis and spec.shape[axis] == size and spec.array is None
                else spec
                for spec in specs
            ]
            yield f"another size of axis {axis}", found


def differs(a, b):
    return bool(differing(a, b).any())
