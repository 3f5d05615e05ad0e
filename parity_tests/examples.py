"""A few lines of code for each component, that run as they stand."""

import hypothesis
import numpy as np
import torch
from hypothesis import given

from parity_tests import oracle
from parity_tests.catalogue import OptimizerRow, Row
from parity_tests.strategies import Case, Input, cases
from parity_tests.trial import Trial

_DRAWS = hypothesis.settings(
    max_examples=60,
    phases=[hypothesis.Phase.generate],
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


def code(row) -> str:
    """Code that makes the component and takes one step with it; the last line prints."""
    if isinstance(row, OptimizerRow) and not row.example:
        return _optimizer(row)
    if isinstance(row, Row):
        return _layer(row)
    return row.example


def _optimizer(row: OptimizerRow) -> str:
    name = row.component.__name__
    return "\n".join(
        [
            "import numpy as np",
            f"from reference import {name}",
            f"optimizer = {name}()",
            "params = [np.array([[1.0, -2.0], [0.5, 3.0]])]",
            "optimizer.step(params, [np.array([[0.1, 0.2], [-0.3, 0.4]])])",
            "print(params[0])",
        ]
    )


def _layer(row: Row) -> str:
    case = _smallest(row)
    trial = Trial(row, case, "float64")
    options = ", ".join(f"{k}={_option(v)}" for k, v in case.draft.options.items())
    lines = ["import numpy as np"]
    if row.oracle.__module__.startswith("torch") and row.construct is None:
        lines += ["import torch", "from parity_tests import mirror", "torch.manual_seed(0)"]
        mode = "" if case.training else ".eval()"
        lines.append(f"layer = mirror(torch.nn.{row.oracle.__name__}({options}).double(){mode})")
    else:
        lines.append("from parity_tests import catalogue, examples")
        lines.append(f"layer = examples.layer(catalogue.find({row.title!r}))")
    inputs = ", ".join(_literal(entry) for entry in trial.inputs)
    keywords = "".join(f", {k}={_literal(v)}" for k, v in trial.keywords.items())
    lines.append(f"output = layer.forward({inputs}{keywords})")
    outputs = [o for o in trial.theirs.outputs if oracle.is_floating(o)]
    grads = ", ".join(map(_literal, trial.upstream(outputs)))
    lines.append(f"grad_inputs, grad_params = layer.backward({grads})")
    lines.append("print(output, grad_inputs[0])")
    return "\n".join(lines)


def layer(row: Row):
    """The mirror of a drawn module of a row whose oracle is a formula."""
    return Trial(row, _smallest(row), "float64").adapter()


def _smallest(row: Row) -> Case:
    """The first ordinary case that draws no empty array and can be written down."""
    found: list[Case] = []

    @_DRAWS
    @given(case=cases(row.draw, ("ordinary",)))
    def look(case):
        arrays = [leaf for leaf in oracle.flatten(case.draft.inputs) if isinstance(leaf, Input)]
        small = all(0 < np.prod(leaf.shape, initial=1.0) <= 64 for leaf in arrays)
        # What is constructed in a way of its own is not written down.
        written = case.draft.options.values() if row.construct is None else ()
        plain = all(_can_be_written(option) for option in written)
        if small and plain and not case.strided:
            found.append(case)

    look()
    found.sort(key=lambda case: sum(map(_size, oracle.flatten(case.draft.inputs))))
    return next(case for case in found if _is_full(Trial(row, case, "float64")))


def _is_full(trial: Trial) -> bool:
    """Neither an output nor a parameter is empty."""
    return all(a.size for a in [*trial.theirs.outputs, *map(np.asarray, trial.adapter().params)])


def _size(leaf) -> float:
    return abs(float(np.prod(leaf.shape, initial=1.0)) - 6) if isinstance(leaf, Input) else 0


_NO_LITERALS = ("inf", "-inf", "nan")


def _can_be_written(option) -> bool:
    plain = (bool, int, float, str, type(None), np.ndarray)
    leaves = oracle.flatten(option)
    return all(isinstance(leaf, plain) and repr(leaf) not in _NO_LITERALS for leaf in leaves)


def _option(value) -> str:
    """An option of PyTorch's constructor, which takes arrays as tensors."""
    if isinstance(value, np.ndarray):
        return f"torch.tensor({value.tolist()}, dtype=torch.float64)"
    return _literal(value)


def _literal(value) -> str:
    if isinstance(value, tuple):
        return "(" + "".join(f"{_literal(part)}, " for part in value) + ")"
    if isinstance(value, torch.Tensor):
        return f"torch.tensor({value.tolist()}, dtype={value.dtype})"
    if isinstance(value, np.ndarray):
        numbers = np.round(value, 3) if oracle.is_floating(value) else value
        # What a mask blocks is no literal of Python's.
        return f"np.array({numbers.tolist()})".replace("inf", "np.inf")
    return repr(value)
