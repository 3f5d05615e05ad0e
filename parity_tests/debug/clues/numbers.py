"""Clues from numbers: kinds, ratios and signs, and what they depend on."""

import math

import numpy as np

from parity_tests.debug import guess_oracle, hyper
from parity_tests.debug.clues.evidence import Clue, ratio, same
from parity_tests.debug.specs import with_batch
from parity_tests.debug.structure import attributes

_COUNTED = ("pool", "kernel", "size", "window", "stride")


def kind_of_number(evidence):
    if evidence.yours is None:
        return
    kind = evidence.yours.dtype
    if np.issubdtype(kind, np.integer) or np.issubdtype(kind, np.bool_):
        yield Clue("dtype", 0.97, f"yours holds {kind}: fractions are cut off")
    elif kind == np.float16:
        yield Clue("dtype", 0.97, f"yours holds {kind}: rounded to three digits")


def exchanged(evidence):
    """Is yours the right gradient of another input or parameter?"""
    for where in ("inputs", "params"):
        for place, other in enumerate(getattr(evidence.exam.own, where)):
            if (where, place) == evidence.key or other is None or evidence.yours is None:
                continue
            if np.any(other) and same(evidence.yours, np.nan_to_num(other)):
                name = "grad_input" if where == "inputs" else "grad_params"
                yield Clue("wrong_point", 0.985, f"yours is the right {name}[{place}]")
                return


def no_upstream(evidence):
    if not evidence.takes or not evidence.same_shape:
        return
    other = evidence.other_upstreams()
    mine = evidence.your_gradient(other)
    if mine is None or not np.any(evidence.yours):
        return
    if same(mine, evidence.yours, 1e-9) and not same(evidence.true_gradient(other), evidence.right):
        yield Clue("upstream_missing", 1.0, "yours does not change with grad_output")
        return
    nothing = evidence.your_gradient([np.zeros(shape) for shape in evidence.shapes])
    if nothing is not None and np.abs(nothing).max(initial=0) > 1e-9:
        yield Clue("upstream_missing", 0.9, "yours is not zero for a grad_output of zero")
        return
    twice = evidence.your_gradient([2 * g for g in evidence.case.upstreams])
    if twice is not None and not same(twice, 2 * evidence.yours, 1e-6):
        yield Clue("wrong_point", 0.88, "yours is not proportional to grad_output")


def one_ratio(evidence):
    if not evidence.same_shape or not np.any(evidence.right) or evidence.right.size < 2:
        return
    factor = ratio(evidence.yours, evidence.right)
    if factor is None:
        return
    if abs(factor) < 1e-9:
        yield Clue("missing_path", 0.7, "yours is zero everywhere")
        yield Clue("overwrite_not_accumulate", 0.3, "yours is zero everywhere")
    elif abs(factor + 1) < 1e-4:
        yield Clue("sign", 1.0, "yours = - right, everywhere")
    elif abs(factor - 1) > 1e-6:
        shown = f"yours = {factor:.5g} x right, everywhere"
        for cause, strength, why in _what_moves_the_ratio(evidence, factor):
            yield Clue(cause, strength, shown + why)


def _what_moves_the_ratio(evidence, factor):
    """Does the ratio follow the shapes, the parameters or the options?"""
    specs = evidence.study.specs
    seen = [("sign", 0.5, "")] if factor < 0 else []
    for words, other_specs in _other_shapes(specs):
        other = _ratio_elsewhere(evidence, other_specs)
        if other is not None and abs(other / factor - 1) > 1e-3:
            seen.append(("scale_reduction", 0.99, f"; another ratio with {words}"))
            changed = zip(specs[0].shape, other_specs[0].shape, strict=True)
            if any(a != b and _root(factor, a) and _root(other, b) for a, b in changed):
                seen.append(("missing_factor", 0.992, "; the root of that size"))
            break
    moved = _ratio_elsewhere(evidence, specs, seed=91)
    if moved is not None and abs(moved / factor - 1) > 1e-3:
        seen.append(("missing_factor", 0.9, "; another ratio with other values"))
    for name, value, other, new in _ratios_by_option(evidence):
        if other is None or abs(other / factor - 1) <= 1e-3:
            continue
        why = f"; another ratio with another {name}"
        if any(word in name for word in _COUNTED):
            seen.append(("scale_reduction", 0.97, why))
        elif any(_power(factor, other, value, new, exponent) for exponent in (1, -1, 2, -2)):
            seen.append(("hyperparameter_ignored", 0.985, f"; the ratio follows {name}"))
            seen.append(("missing_factor", 0.965, ""))
        else:
            seen.append(("missing_factor", 0.97, why))
        break
    if not any(strength > 0.85 for _, strength, _ in seen):
        seen += _constant_ratio(evidence, factor)
    return seen


def _root(factor, size):
    """Is the factor the root of a size, or one over it?"""
    return abs(factor**2 - size) < 1e-4 * size or abs(factor**2 * size - 1) < 1e-4


def _power(factor, other, value, new, exponent):
    if not isinstance(value, float) or value <= 0:
        return False
    return abs(factor / value**exponent - 1) < 1e-4 and abs(other / new**exponent - 1) < 1e-3


def _constant_ratio(evidence, factor):
    """The same ratio everywhere: a number, a count that did not move, or a constant by name."""
    name = _named(evidence, factor)
    if name:
        yield "missing_factor", 0.96, f"; {name} is that factor"
    shape = evidence.case.inputs[0].shape
    counts = {int(np.prod(shape)), *shape}
    near = any(abs(factor - c) < 1e-4 or abs(factor * c - 1) < 1e-5 for c in counts)
    words = "; the same for all shapes and values"
    yield "scale_constant", 0.8 if near else 0.93, words
    yield "scale_reduction", 0.6 if near else 0.4, ""
    yield "missing_factor", 0.5, ""


def _named(evidence, factor):
    """A constant of the class or its module that is this factor, or one over it."""
    thing = evidence.study.subject.pristine
    module = evidence.study.session.module
    places = [("self.", attributes(thing)), ("self.", vars(type(thing)))]
    places += [("", vars(module))] if module is not None else []
    for prefix, names in places:
        for name, value in names.items():
            if not isinstance(value, float) or value in (0.0, 1.0, 2.0, 0.5) or value <= 0:
                continue
            for other, words in ((value, ""), (1 / value, "1 / ")):
                if math.isclose(abs(factor), other, rel_tol=1e-5):
                    return f"{words}{prefix}{name}"
    return None


def _ratio_elsewhere(evidence, specs, seed=90, subject=None):
    """The ratio in another case."""
    found = evidence.elsewhere(specs, seed, subject)
    return ratio(*found) if found is not None and found[1].size else None


def _ratios_by_option(evidence):
    study = evidence.study
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
            yield name, value, _ratio_elsewhere(evidence, study.specs, subject=subject), new


def _other_shapes(specs):
    first = specs[0]
    if first.shape and (other := with_batch(specs, first.shape[0] + 2)):
        yield "another batch size", other
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


def signs(evidence):
    if not evidence.same_shape or evidence.right.size < 2:
        return
    yours, right = evidence.yours, evidence.right
    if same(np.abs(yours), np.abs(right)) and not same(yours, -right):
        yield Clue("sign", 0.8, "the magnitudes are right, some signs are not")


def ratio_field(evidence):
    """Is yours / right a field that does not depend on grad_output?"""
    if not evidence.same_shape or not evidence.takes or evidence.derivative is None:
        return
    other = evidence.other_upstreams(7)
    mine, true = evidence.your_gradient(other), evidence.true_gradient(other)
    if mine is None:
        return
    right = evidence.right
    solid = (np.abs(right) > 1e-6) & (np.abs(true) > 1e-6)
    if solid.sum() < 2:
        return
    with np.errstate(all="ignore"):
        field, again = evidence.yours / right, mine / true
    # What is right is known from differences, to a few digits; these only name a cause.
    if not np.allclose(field[solid], again[solid], rtol=1e-3) or np.ptp(field[solid]) < 1e-6:
        return
    yield Clue("wrong_derivative", 0.55, "yours / right varies, but not with grad_output")
    yield from _named_field(evidence, field, solid)


def _named_field(evidence, field, solid):
    """The ratio field as a power of something that forward made."""
    for name, value in _factors(evidence):
        try:
            wide = np.broadcast_to(value, field.shape)
        except ValueError:
            continue
        for words, power in ((name, 1), (f"1/{name}", -1), (f"{name}^2", 2)):
            with np.errstate(all="ignore"):
                factor = wide.astype(float) ** power
                fits = np.allclose(1 / field[solid], factor[solid], rtol=1e-3)
                inverse = np.allclose(field[solid], factor[solid], rtol=1e-3)
            if fits:
                cause = "scale_reduction" if name == _TIMES else "missing_factor"
                yield Clue(cause, 0.9, f"right = yours x {words}")
                return
            if inverse:
                cause = "scale_reduction" if name == _TIMES else "missing_factor"
                yield Clue(cause, 0.7, f"yours = right x {words}")
                yield Clue("wrong_derivative", 0.66, f"yours = right x {words}")
                return


_TIMES = "how often each element is used"


def _factors(evidence):
    times = evidence.contributions()
    if times is not None and np.ptp(times) > 0:
        yield _TIMES, times
    for place, param in enumerate(evidence.case.params):
        yield f"params[{place}]", np.asarray(param)
    for name, (value, _) in evidence.inner.items():
        yield name, np.asarray(value)
        yield f"(1 - {name})", 1 - np.asarray(value)
        yield f"(1 - {name}^2)", 1 - np.asarray(value) ** 2
    for name, value in attributes(evidence.exam.after.thing).items():
        if isinstance(value, np.ndarray) and value.ndim and value.dtype != object:
            yield f"self.{name}", value


TESTS = (kind_of_number, exchanged, no_upstream, one_ratio, signs, ratio_field)
