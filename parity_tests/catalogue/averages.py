"""Rows: averages of parameters."""

from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import strategies as st
from torch.optim import swa_utils

import reference
from parity_tests import oracle
from parity_tests.catalogue._row import Refusal, RunRow, register
from parity_tests.strategies import numbers


@dataclass(frozen=True)
class Points:
    """The parameters of some steps, from a seed."""

    shapes: tuple
    seed: int
    steps: int
    decay: float

    def steps_of(self, dtype):
        rng = np.random.default_rng(self.seed)
        return [
            [rng.normal(size=shape).astype(dtype) for shape in self.shapes]
            for _ in range(self.steps)
        ]


def _points(draw):
    shapes = draw(st.lists(st.sampled_from([(), (3,), (2, 2), (0, 2)]), min_size=1, max_size=3))
    decay = draw(st.sampled_from([0.0, 0.5, 0.999, 1.0]) | numbers(0, 1))
    return Points(tuple(shapes), draw(st.integers(0, 2**32 - 1)), draw(st.integers(1, 20)), decay)


def _average(make):
    def run(case, dtype):
        average, track = make(case), {}
        for params in case.steps_of(dtype):
            average.update(params)
            _note(track, average.params)
        return {name: np.stack(entries) for name, entries in track.items()}

    return run


def _average_in_torch(function):
    def run(case, dtype, nudge):
        steps = case.steps_of(dtype)
        model = torch.nn.ParameterList([torch.from_numpy(np.array(p)) for p in steps[0]])
        average, track = swa_utils.AveragedModel(model, **function(case)), {}
        for params in steps:
            for tensor, param in zip(model, params, strict=True):
                tensor.data.copy_(torch.from_numpy(np.array(param)))
            average.update_parameters(model)
            _note(track, average.module)
        return {name: np.stack(entries) for name, entries in track.items()}

    return run


def _note(track, params):
    for place, param in enumerate(params):
        track.setdefault(f"params[{place}]", []).append(np.array(oracle.to_numpy(param)))


def _updated(*steps):
    average = reference.StochasticWeightAverage()
    for params in steps:
        average.update(params)
    return average


def _apart(average):
    """How many parameters it has of none, and the first of two that it took in, as it is left."""
    before, first = len(average.params), np.array([1.0])
    average.update([first])
    average.update([np.array([3.0])])
    return [before, *first]


# --- rows ---

register(
    RunRow(
        reference.ExponentialMovingAverage,
        swa_utils.AveragedModel,
        _points,
        _average(lambda case: reference.ExponentialMovingAverage(case.decay)),
        _average_in_torch(
            lambda case: {"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(case.decay)}
        ),
        """import numpy as np
from reference import ExponentialMovingAverage
average = ExponentialMovingAverage(decay=0.9)
average.update([np.ones(2)])
average.update([np.zeros(2)])
print(average.params[0])""",
        own_defaults={"decay": 0.999},
        refusals=(
            Refusal(lambda: reference.ExponentialMovingAverage(1.5), ValueError, r"in \[0, 1\]"),
        ),
        literals=((lambda: _apart(reference.ExponentialMovingAverage(0.5)), [0.0, 1.0]),),
    ),
    RunRow(
        reference.StochasticWeightAverage,
        swa_utils.AveragedModel,
        _points,
        _average(lambda case: reference.StochasticWeightAverage()),
        _average_in_torch(lambda case: {}),
        """import numpy as np
from reference import StochasticWeightAverage
average = StochasticWeightAverage()
average.update([np.ones(2)])
average.update([np.zeros(2)])
print(average.params[0])""",
        refusals=(
            Refusal(
                lambda: _updated([np.ones(2)], [np.ones(3)]),
                ValueError,
                r"have shape \(2,\)",
            ),
            Refusal(
                lambda: _updated([np.ones(2)], [np.ones(2)] * 2),
                ValueError,
                "have 1 entries",
            ),
        ),
        literals=((lambda: _apart(reference.StochasticWeightAverage()), [0.0, 1.0]),),
    ),
)
