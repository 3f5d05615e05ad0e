"""Optimizers, schedules and what they are given."""

import math
import numbers

import numpy as np

from reference._checks._message import fail, kind_of, plain_number, shape_of, summary_of
from reference._checks.arrays import check_floating, check_indices, check_integers, check_shape
from reference._checks.options import check_integer, check_nonnegative, check_number, check_numbers


def check_betas(owner, *, method="__init__", **option):
    """Two numbers in [0, 1)."""
    ((name, value),) = option.items()
    if not all(0 <= beta < 1 for beta in check_numbers(owner, 2, method=method, **option)):
        fail(ValueError, owner, method, name, "lie in [0, 1)", value)
    return value


def check_etas(owner, *, method="__init__", **option):
    """Two factors, one in (0, 1) and one above 1."""
    ((name, value),) = option.items()
    shrink, grow = check_numbers(owner, 2, method=method, **option)
    if not 0 < shrink < 1 < grow:
        fail(ValueError, owner, method, name, "be a factor in (0, 1) and one above 1", value)
    return value


def check_eps_pair(owner, *, method="__init__", **option):
    """Two numbers of 0 or more, the first of which may be None."""
    ((name, value),) = option.items()
    if isinstance(value, (tuple, list)) and len(value) == 2 and value[0] is None:
        check_nonnegative(owner, method=method, **{f"{name}[1]": value[1]})
    elif any(number < 0 for number in check_numbers(owner, 2, method=method, **option)):
        fail(ValueError, owner, method, name, "be 0 or more", value)
    return value


def check_scalar_dtype(owner, *, method="__init__", **option):
    """A floating dtype; None is float64."""
    ((name, value),) = option.items()
    if value is not None and value not in (np.float32, np.float64, np.longdouble):
        fail(TypeError, owner, method, name, "be None or a floating dtype", repr(value))
    return np.dtype(np.float64 if value is None else value)


def check_milestones(owner, count, *, method="__init__", **option):
    """So many integers of 0 or more, none lower than the one before."""
    ((name, value),) = option.items()
    if not isinstance(value, (list, tuple)) or len(value) != count:
        fail(ValueError, owner, method, name, f"be a list of {count} entries", repr(value))
    for place, milestone in enumerate(value):
        check_integer(owner, minimum=0, method=method, **{f"{name}[{place}]": milestone})
    if sorted(value) != list(value):
        fail(ValueError, owner, method, name, "not fall", value)
    return value


def check_point(owner, *, method="__init__", **option):
    """A copy of a floating array, or a real number as a float64 scalar."""
    ((name, value),) = option.items()
    if isinstance(value, numbers.Real) and not isinstance(value, np.generic):
        return np.float64(check_number(owner, method=method, **option))
    check_floating(owner, method, name, value)
    return np.array(value)[()]


def check_derivative(owner, order, point, *, outputs=(), method="update_step", **values):
    """What a given function returned: its shape is that of the derivative of this order."""
    ((name, value),) = values.items()
    shape = outputs + np.shape(point) * order
    if not isinstance(value, numbers.Real):
        check_floating(owner, method, name, value)
    if np.shape(value) != shape:
        fail(ValueError, owner, method, name, f"return shape {shape}", shape_of(value))
    return np.asarray(value, point.dtype)[()]


def check_curvature(owner, *, method="update_step", **values):
    """d . A d for a direction d: above 0."""
    ((name, value),) = values.items()
    if not value > 0:
        fail(ValueError, owner, method, name, "be positive definite", f"d . A d = {value}")


def check_symmetric(owner, *, method="__init__", **array):
    """A matrix that is its own transpose, to half of its digits: what made it rounds."""
    ((name, value),) = array.items()
    largest = np.max(np.abs(value), initial=0, where=np.isfinite(value))
    within = math.sqrt(np.finfo(value.dtype).eps) * largest
    apart = ~np.isclose(value, value.T, rtol=0, atol=within, equal_nan=True)
    if apart.any():
        row, column = (int(index) for index in np.argwhere(apart)[0])
        fact = f"{value[row, column]} at {row, column} and {value[column, row]} at {column, row}"
        fail(ValueError, owner, method, name, "be symmetric", fact)


def check_groups(owner, groups, options):
    """The options of each group in full: its own where given, else the optimizer's."""
    options = {name: plain_number(value) for name, value in options.items()}
    if groups is None:
        return [{"count": None, **options}]
    if not isinstance(groups, (list, tuple)):
        fail(TypeError, owner, "__init__", "groups", "be a list of dicts", kind_of(groups))
    if not groups:
        fail(ValueError, owner, "__init__", "groups", "hold one group or more", "none")
    complete = []
    for place, group in enumerate(groups):
        argument = f"groups[{place}]"
        unknown = sorted(set(group) - {"count", *options})
        if unknown:
            known = ", ".join(["count", *options])
            fail(ValueError, owner, "__init__", argument, f"have keys among {known}", unknown)
        if "count" not in group:
            fail(ValueError, owner, "__init__", argument, "say its count of arrays", sorted(group))
        check_integer(owner, minimum=0, count=group["count"])
        own = {name: plain_number(value) for name, value in group.items()}
        complete.append({**options, **own})
    return complete


def check_counted(owner):
    """The optimizer's groups, each with its count of arrays."""
    if owner.groups[0]["count"] is not None:
        return owner.groups
    if not owner.state:
        hint = "Give the constructor groups=[...] with a count each."
        requirement = "come after the first step, or to groups with counts"
        fail(RuntimeError, owner, "add_group", "group", requirement, "no step yet", hint)
    return [{**owner.groups[0], "count": len(owner.state)}]


def check_step(owner, params, grads):
    """Parameters and gradients that match, and for each parameter the options of its group."""
    groups = check_params(owner, params, len(owner.state))
    if len(params) != len(grads):
        requirement = f"have one entry for each of the {len(params)} params"
        fail(ValueError, owner, "step", "grads", requirement, f"{len(grads)} entries")
    for place, (param, grad) in enumerate(zip(params, grads, strict=True)):
        if grad is not None:
            owner.check_grad(place, param, grad)
    return groups


def check_evaluation(owner, closure):
    """The loss and the gradients that a closure returns."""
    if not callable(closure):
        fail(TypeError, owner, "step", "closure", "be a function", kind_of(closure))
    found = closure()
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        fail(TypeError, owner, "step", "closure", "return (loss, grads)", kind_of(found))
    return found


def check_alone(owner):
    """No further group: the options are those of all parameters."""
    fact, hint = "a second one", "Give the constructor the options of all parameters."
    fail(ValueError, owner, "add_group", "group", "be the only one", fact, hint)


def check_params(owner, params, seen, *, method="step"):
    """Real arrays that can be written to, as many as `seen`; for each the options of its group."""
    for place, param in enumerate(params):
        argument = f"params[{place}]"
        check_floating(owner, method, argument, param)
        if np.iscomplexobj(param):
            fail(TypeError, owner, method, argument, "be real", f"dtype {param.dtype}")
        if not isinstance(param, np.ndarray) or not param.flags.writeable:
            hint = "Pass a copy."
            fail(ValueError, owner, method, argument, "be writable", "a read-only array", hint)
    if owner.groups[0]["count"] is None:
        groups, source = [owner.groups[0]] * (seen or len(params)), "as in the first step"
    else:
        groups = [group for group in owner.groups for _ in range(group["count"])]
        source = "the sum of the groups' counts"
    if len(groups) != len(params):
        requirement = f"have {len(groups)} entries, {source}"
        fail(ValueError, owner, method, "params", requirement, f"{len(params)} entries")
    return groups


def check_alike(owner, known, params, *, method="update"):
    """Floating arrays, of the shapes of the known ones if there are any."""
    if known is not None and len(params) != len(known):
        requirement = f"have {len(known)} entries, as in the first update"
        fail(ValueError, owner, method, "params", requirement, f"{len(params)} entries")
    for place, param in enumerate(params):
        argument = f"params[{place}]"
        check_floating(owner, method, argument, param)
        if known is not None:
            check_shape(owner, known[place].shape, method=method, **{argument: param})


def check_grad(owner, place, param, grad):
    """A floating array of the parameter's shape."""
    check_floating(owner, "step", f"grads[{place}]", grad)
    if grad.shape != param.shape:
        requirement = f"have the parameter's shape {param.shape}"
        fail(ValueError, owner, "step", f"grads[{place}]", requirement, shape_of(grad))


def check_grads(owner, grads, *, method, in_place=False):
    """A list of floating arrays, or None, that can be written to if `in_place`."""
    if not isinstance(grads, (list, tuple)):
        fail(TypeError, owner, method, "grads", "be a list of arrays", kind_of(grads))
    for place, grad in enumerate(grads):
        argument = f"grads[{place}]"
        check_floating(owner, method, argument, grad)
        changes = in_place and grad is not None
        if changes and not (isinstance(grad, np.ndarray) and grad.flags.writeable):
            fail(ValueError, owner, method, argument, "be writable", "a read-only array")


def check_sparse_grad(owner, place, param, grad):
    """An array of the parameter's shape, or a pair (indices, rows) that fits into it."""
    argument = f"grads[{place}]"
    if param.ndim == 0:
        fail(ValueError, owner, "step", f"params[{place}]", "have an axis or more", shape_of(param))
    if not isinstance(grad, tuple):
        check_grad(owner, place, param, grad)
        return
    if len(grad) != 2:
        requirement = "be an array or a pair (indices, rows)"
        fail(ValueError, owner, "step", argument, requirement, f"{len(grad)} entries")
    indices, rows = grad
    check_integers(owner, method="step", **{f"{argument}[0]": indices})
    check_floating(owner, "step", f"{argument}[1]", rows)
    if indices.ndim not in (1, 2) or np.atleast_2d(indices).shape[0] > param.ndim:
        requirement = f"have shape (n,) or (k, n) with k <= {param.ndim}"
        fail(ValueError, owner, "step", f"{argument}[0]", requirement, shape_of(indices))
    for axis, along in enumerate(np.atleast_2d(indices)):
        named = {f"{argument}[0]": along}
        check_indices(owner, param.shape[axis], method="step", **named)
    axes, count = np.atleast_2d(indices).shape
    check_shape(owner, (count, *param.shape[axes:]), method="step", **{f"{argument}[1]": rows})


def check_finite_norm(owner, norm, *, method):
    """A norm that is a number."""
    if not np.isfinite(norm):
        hint = "error_if_nonfinite=False scales by it all the same."
        fail(RuntimeError, owner, method, "grads", "have a finite norm", norm, hint)


def check_norm_exists(owner, order, *, method="get_total_norm", **array):
    """An array of one element or more, where the norm of nothing is not defined."""
    ((name, value),) = array.items()
    if value.size == 0:
        requirement = f"have an element or more for norm_type={order}"
        fail(ValueError, owner, method, name, requirement, shape_of(value))


def check_state(owner, state, params):
    """A saved state that fits the parameters; returns the layout of each parameter's entry."""
    method = "load_state"
    groups = check_params(owner, params, 0, method=method)
    if not isinstance(state, (list, tuple)) or len(state) != len(params):
        requirement = f"be a list of {len(params)} dicts, one for each of the params"
        fail(ValueError, owner, method, "state", requirement, summary_of(state))
    layouts = []
    for place, (entry, param, group) in enumerate(zip(state, params, groups, strict=True)):
        argument = f"state[{place}]"
        options = {name: group[name] for name in owner.defaults if name != "maximize"}
        layout = owner.state_layout(param, **options)
        if not isinstance(entry, dict) or (entry and set(entry) != set(layout)):
            requirement = f"be empty or a dict of {', '.join(layout) or 'nothing'}"
            fail(ValueError, owner, method, argument, requirement, summary_of(entry))
        for name, array in entry.items():
            check_floating(owner, method, f"{argument}[{name!r}]", array)
            check_shape(owner, layout[name].shape, method=method, **{name: array})
        layouts.append(layout)
    return layouts


def check_history(owner, state, params):
    """A saved state of one history for all parameters, kept with the first of them."""
    method = "load_state"
    check_params(owner, params, 0, method=method)
    if not isinstance(state, (list, tuple)) or len(state) != len(params):
        requirement = f"be a list of {len(params)} dicts, one for each of the params"
        fail(ValueError, owner, method, "state", requirement, summary_of(state))
    counters, vectors = {"func_evals", "n_iter"}, {"d", "prev_flat_grad"}
    histories, numbers_ = {"old_dirs", "old_stps"}, {"ro", "t", "H_diag", "prev_loss"}
    known = counters | vectors | histories | numbers_
    for place, entry in enumerate(state):
        allowed = (set(), counters, known) if place == 0 else (set(),)
        if not isinstance(entry, dict) or set(entry) not in allowed:
            requirement = f"be a dict of {', '.join(sorted(allowed[-1])) or 'nothing'}"
            fail(ValueError, owner, method, f"state[{place}]", requirement, summary_of(entry))
        size = sum(param.size for param in params)
        for name in entry.keys() & (vectors | histories):
            for vector in entry[name] if name in histories else [entry[name]]:
                argument = f"state[{place}][{name!r}]"
                check_floating(owner, method, argument, vector)
                check_shape(owner, (size,), method=method, **{argument: vector})
