"""What every optimizer refuses, by the example of SGD, and what single ones do."""

import numpy as np

import reference
from parity_tests.catalogue._row import Refusal

_PAIR, _ROWS = np.ones(2), np.ones((3, 2))


def _stepping(params, grads, **options):
    return lambda: reference.SGD(0.1, **options).step(params, grads)


def _loading(state, params, **options):
    return lambda: reference.SGD(0.1, momentum=0.9, **options).load_state(state, params)


def _adding(**group):
    def act():
        optimizer = reference.SGD(0.1)
        optimizer.step([_PAIR.copy()], [_PAIR])
        optimizer.add_group(**group)

    return act


def _grouped(*groups):
    return lambda: reference.SGD(0.1, groups=list(groups))


def _read_only():
    array = np.ones(2)
    array.flags.writeable = False
    return array


def _setting(rate):
    def act():
        reference.SGD(0.1).learning_rate = rate

    return act


STEPS = (
    Refusal(_stepping([_PAIR], []), ValueError, "one entry for each of the 1 params; got 0"),
    Refusal(_stepping([_PAIR], [np.ones(3)]), ValueError, r"the parameter's shape \(2,\)"),
    Refusal(_stepping([_PAIR], [[1.0]]), TypeError, r"grads\[0\] must be a NumPy array"),
    Refusal(_stepping([[1.0]], [_PAIR]), TypeError, r"params\[0\] must be a NumPy array"),
    Refusal(_stepping([_PAIR * 1j], [_PAIR]), TypeError, "be real; got dtype complex128"),
    Refusal(_stepping([_read_only()], [_PAIR]), ValueError, "be writable; got a read-only array"),
    Refusal(_stepping([np.float64(1.0)], [np.float64(1.0)]), ValueError, "be writable"),
    Refusal(
        _stepping([_PAIR], [_PAIR], groups=[{"count": 2}]),
        ValueError,
        "2 entries, the sum of the groups' counts; got 1",
    ),
    Refusal(
        lambda: reference.SGD(0.1, nesterov=True),
        ValueError,
        "nesterov must come with a momentum above 0 and a dampening of 0; got momentum=0",
    ),
    Refusal(
        lambda: reference.SGD(0.1, momentum=0.9, dampening=0.1, nesterov=True),
        ValueError,
        "a dampening of 0; got momentum=0.9, dampening=0.1",
    ),
    Refusal(
        lambda: reference.SGD(0.1, momentum=0.9, nesterov="yes"),
        TypeError,
        "nesterov must be True or False",
    ),
    Refusal(_setting(-0.1), ValueError, "learning_rate must be 0 or more"),
)

GROUPS = (
    Refusal(_grouped(), ValueError, "hold one group or more; got none"),
    Refusal(_grouped({"count": 1, "beta": 2}), ValueError, "have keys among count, learning_rate"),
    Refusal(_grouped({"nesterov": False}), ValueError, "say its count of arrays"),
    Refusal(_grouped({"count": 1.5}), TypeError, "count must be an integer"),
    Refusal(_grouped({"count": 1, "momentum": "a"}), TypeError, "momentum must be a real number"),
    Refusal(
        lambda: reference.SGD(0.1).add_group(count=1),
        RuntimeError,
        "come after the first step, or to groups with counts",
    ),
    Refusal(_adding(count=1, beta=2), ValueError, "have keys among count"),
    Refusal(_adding(count=1, momentum="a"), TypeError, "momentum must be a real number"),
)

_ENTRY = {"momentum_buffer": _PAIR}
STATES = (
    Refusal(_loading([], [_PAIR]), ValueError, "be a list of 1 dicts, one for each of the params"),
    Refusal(_loading(_ENTRY, [_PAIR]), ValueError, "be a list of 1 dicts"),
    Refusal(_loading([[_PAIR]], [_PAIR]), ValueError, "be empty or a dict of momentum_buffer"),
    Refusal(_loading([{"v": _PAIR}], [_PAIR]), ValueError, "be empty or a dict of momentum_buffer"),
    Refusal(_loading([{"momentum_buffer": 1}], [_PAIR]), TypeError, "be a NumPy array"),
    Refusal(_loading([_ENTRY], [np.ones(3)]), ValueError, r"must have shape \(3,\)"),
    Refusal(
        lambda: reference.SGD(0.1).load_state([_ENTRY], [_PAIR]), ValueError, "a dict of nothing"
    ),
    Refusal(
        _loading([{}], [_PAIR], groups=[{"count": 2}]), ValueError, "the sum of the groups' counts"
    ),
)


def _betas(betas):
    return lambda: reference.Adam(betas=betas)


MOMENTS = (
    Refusal(_betas((0.9, 1.0)), ValueError, r"betas must lie in \[0, 1\)"),
    Refusal(_betas((0.9,)), ValueError, "betas must"),
    Refusal(_betas((0.9, "a")), TypeError, "betas"),
)


STEP_FACTORS = (
    Refusal(lambda: reference.Rprop(etas=(1.0, 1.2)), ValueError, r"etas must be a factor in"),
    Refusal(lambda: reference.Rprop(etas=(0.5, 1.0)), ValueError, r"etas must be a factor in"),
)
FLOORS = (
    Refusal(lambda: reference.Adafactor(eps=(None, -1.0)), ValueError, r"eps\[1\] must be 0"),
    Refusal(lambda: reference.Adafactor(eps=(-1.0, 0.1)), ValueError, "eps must be 0 or more"),
    Refusal(lambda: reference.Adafactor(eps=(0.1,)), ValueError, "eps must"),
    Refusal(lambda: reference.Adafactor(d=0.5), ValueError, "d must lie in"),
    Refusal(lambda: reference.Adafactor(beta2_decay=0.5), ValueError, "beta2_decay must lie in"),
)


def _orthogonally(param, grad):
    return lambda: reference.Muon().step([param.copy()], [grad])


MATRICES = (
    Refusal(lambda: reference.Muon(ns_steps=-1), ValueError, "ns_steps must be at least 0"),
    Refusal(_orthogonally(_PAIR, _PAIR), ValueError, r"params\[0\] must have 2 axes"),
    Refusal(_orthogonally(_ROWS, _ROWS[:2]), ValueError, r"the parameter's shape \(3, 2\)"),
)


def _history(*state, params=(_PAIR,)):
    return lambda: reference.LBFGS().load_state(list(state), list(params))


_COUNTED = {"func_evals": np.array(1.0), "n_iter": np.array(1.0)}
_NUMBERS = {name: np.array(1.0) for name in ("t", "H_diag", "prev_loss")}
_WHOLE = {**_COUNTED, **_NUMBERS, "d": _PAIR, "prev_flat_grad": _PAIR, "ro": []}
_WHOLE |= {"old_dirs": [], "old_stps": []}
HISTORIES = (
    Refusal(_history(), ValueError, "be a list of 1 dicts, one for each of the params"),
    Refusal(_history(_COUNTED, _COUNTED, params=(_PAIR, _PAIR)), ValueError, r"state\[1\] must be"),
    Refusal(_history(_WHOLE | {"d": np.ones(3)}), ValueError, r"must have shape \(2,\)"),
    Refusal(_history(_WHOLE | {"old_dirs": [[1.0]]}), TypeError, r"state\[0\]\['old_dirs'\] must"),
)


def _sparsely(grad, param=_ROWS):
    return lambda: reference.SparseAdam().step([param.copy()], [grad])


_PLACES = np.array([0, 2])
SPARSE = (
    Refusal(_sparsely(np.ones(()), np.ones(())), ValueError, "have an axis or more"),
    Refusal(_sparsely(_PAIR), ValueError, r"the parameter's shape \(3, 2\)"),
    Refusal(_sparsely((_PLACES,)), ValueError, r"a pair \(indices, rows\); got 1 entries"),
    Refusal(_sparsely((_PAIR, _PAIR)), TypeError, r"grads\[0\]\[0\] must"),
    Refusal(_sparsely((_PLACES, [1.0])), TypeError, r"grads\[0\]\[1\] must be a NumPy array"),
    Refusal(_sparsely((np.zeros((3, 2), int), _PAIR)), ValueError, r"have shape \(n,\) or"),
    Refusal(_sparsely((np.zeros((), int), _PAIR)), ValueError, r"have shape \(n,\) or"),
    Refusal(_sparsely((np.array([0, 3]), np.ones((2, 2)))), ValueError, r"lie in \[0, 3\)"),
    Refusal(_sparsely((_PLACES, np.ones((2, 3)))), ValueError, r"must have shape \(2, 2\)"),
)
