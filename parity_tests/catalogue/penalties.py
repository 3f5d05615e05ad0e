"""Rows: penalties on parameters."""

from hypothesis import strategies as st

import reference
from parity_tests.catalogue._row import Point, Refusal, Row, register
from parity_tests.oracle import formula
from parity_tests.strategies import Draft, Input, numbers, shapes


def _parameters(**options):
    """The draw of a penalty on one to three arrays, with these options."""

    def draw_parameters(draw):
        drawn = {name: draw(strategy) for name, strategy in options.items()}
        count = draw(st.integers(1, 3))
        return Draft(drawn, tuple(Input(draw(shapes(0, 3, 0, 3))) for _ in range(count)))

    return draw_parameters


def _l1(*parameters, strength):
    return strength * sum(p.abs().sum() for p in parameters)


def _l2(*parameters, strength):
    return strength / 2 * sum((p * p).sum() for p in parameters)


def _elastic_net(*parameters, strength, l1_ratio):
    sizes = sum(p.abs().sum() for p in parameters)
    squares = sum((p * p).sum() for p in parameters)
    return strength * (l1_ratio * sizes + (1 - l1_ratio) / 2 * squares)


_STRENGTH = st.just(0.0) | numbers(1e-4, 2)
_BUDGET = {"output": "composite", "grad_input": "elementwise"}

register(
    Row(
        reference.L1,
        formula(_l1, strength=0.01),
        lambda module: reference.L1(module.strength),
        _parameters(strength=_STRENGTH),
        _BUDGET,
        kinks=(0.0,),
        literals=[
            ({"strength": 0.5}, ([1.0, -2.5],), 1.75),
            ({"strength": 0.25}, ([[1.0, -3.0]], [-4.0]), 2.0),
        ],
        points=(Point("0", ([0.0, 1.0],), (0, 0), {"strength": 0.5}),),
        refusals=(Refusal(lambda: reference.L1(-1), ValueError, "strength must be 0 or more"),),
    ),
    Row(
        reference.L2,
        formula(_l2, strength=0.01),
        lambda module: reference.L2(module.strength),
        _parameters(strength=_STRENGTH),
        _BUDGET,
        literals=[
            ({"strength": 0.5}, ([1.0, -2.5],), 1.8125),
            ({"strength": 0.25}, ([[1.0, -3.0]], [-4.0]), 3.25),
        ],
        refusals=(Refusal(lambda: reference.L2(-1), ValueError, "strength must be 0 or more"),),
    ),
    Row(
        reference.ElasticNet,
        formula(_elastic_net, strength=0.01, l1_ratio=0.5),
        lambda module: reference.ElasticNet(module.strength, module.l1_ratio),
        _parameters(strength=_STRENGTH, l1_ratio=numbers(0, 1)),
        {"output": "composite", "grad_input": "composite"},
        kinks=(0.0,),
        literals=[
            ({"strength": 0.5, "l1_ratio": 0.25}, ([1.0, -2.5],), 1.796875),
            ({"strength": 0.5, "l1_ratio": 1.0}, ([1.0, -2.5], [3.0]), 3.25),
        ],
        points=(Point("0", ([0.0, 1.0],), (0, 0), {"strength": 0.5, "l1_ratio": 0.5}),),
        refusals=(
            Refusal(lambda: reference.ElasticNet(l1_ratio=2), ValueError, r"lie in \[0, 1\]"),
        ),
    ),
)
