"""Rows: recurrent layers and cells."""

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests.catalogue._recurrent import (
    CarriedState,
    Packing,
    PeepholeCell,
    PeepholeLayers,
    SequenceAdapter,
    takes_packed,
)
from parity_tests.catalogue._row import Refusal, Row, register
from parity_tests.oracle import Positions, Replay, TimeFirst
from parity_tests.strategies import Draft, Input, sizes

# --- what is drawn ---


def _options(draw, kind):
    options = {
        "input_size": draw(sizes(1, 3)),
        "hidden_size": draw(sizes(1, 4)),
        "num_layers": draw(st.sampled_from([1, 2, 1, 2, 3])),
        "bias": draw(st.booleans()),
        "batch_first": draw(st.booleans()),
        "dropout": draw(st.sampled_from([0.0, 0.5, 0.2, 1.0])),
        "bidirectional": draw(st.booleans()),
    }
    if kind == "RNN":
        options["nonlinearity"] = draw(st.sampled_from(["tanh", "relu"]))
    if kind == "LSTM":
        options["proj_size"] = draw(sizes(0, options["hidden_size"] - 1))
    return options


def _state(draw, kind, options, batch):
    """The positional inputs after the first: none, None, or a state."""
    cells = options["num_layers"] * (1 + options["bidirectional"])
    hidden = Input((cells, *batch, options.get("proj_size") or options["hidden_size"]))
    cell = Input((cells, *batch, options["hidden_size"]))
    given = (hidden, cell) if kind.endswith("LSTM") else hidden
    return draw(st.sampled_from([(), (None,), (given,), (given,)]))


def _sequences(kind):
    def draw_sequences(draw):
        options = _options(draw, kind)
        batch = draw(st.sampled_from([(), (0,), (1,), (2,), (3,)]))
        time = (draw(sizes(1, 3)),)
        axes = batch + time if options["batch_first"] else time + batch
        data = Input((*axes, options["input_size"]))
        return Draft(options, (data, *_state(draw, kind, options, batch)))

    return draw_sequences


def _packed(kind):
    def draw_packed(draw):
        options = _options(draw, kind)
        lengths = np.array(draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)))
        order = np.argsort(-lengths, kind="stable") if draw(st.booleans()) else None
        if order is None:
            lengths = np.sort(lengths)[::-1]
        reached = np.arange(lengths.max())[:, np.newaxis] < lengths
        places = [reached.sum(axis=1), order, None if order is None else np.argsort(order)]
        data = Input((int(lengths.sum()), options["input_size"]))
        packed = (data, *[_given(place) for place in places])
        return Draft(options, (packed, *_state(draw, kind, options, (len(lengths),))))

    return draw_packed


def _given(array):
    return None if array is None else Input(array.shape, "given", {"array": array})


def _cell(kind):
    def draw_cell(draw):
        options = {
            "input_size": draw(sizes(0, 4)),
            "hidden_size": draw(sizes(0, 4)),
            "bias": draw(st.booleans()),
        }
        if kind == "RNNCell":
            options["nonlinearity"] = draw(st.sampled_from(["tanh", "relu"]))
        batch = draw(st.sampled_from([(), (0,), (1,), (3,)]))
        hidden = Input((*batch, options["hidden_size"]))
        given = (hidden, hidden) if kind.endswith("LSTMCell") else hidden
        state = draw(st.sampled_from([(), (None,), (given,), (given,)]))
        return Draft(options, (Input((*batch, options["input_size"])), *state))

    return draw_cell


# --- how a module becomes a layer ---


def _convert(component, *own):
    """The conversion that copies the options all recurrent layers have, and those named."""
    names = ("input_size", "hidden_size", "num_layers", "bias", "dropout", "bidirectional", *own)
    return lambda module: component(**{name: getattr(module, name) for name in names})


def _replay(module, inputs):
    """PyTorch's masks of dropout, of all steps before the next layer's."""
    if module.dropout == 0:
        return Replay()
    data, *places = inputs[0] if isinstance(inputs[0], tuple) else (inputs[0],)
    packing = Packing(*places) if places else None
    features = (1 + module.bidirectional) * (_proj_size(module) or module.hidden_size)
    time_first = data if places or data.ndim == 2 or not module.batch_first else data.swapaxes(0, 1)
    masks = []
    for _ in range(module.num_layers - 1):
        ones = torch.ones((*time_first.shape[:-1], features))
        mask = torch.nn.functional.dropout(ones, module.dropout).numpy()
        if packing is not None:
            mask = packing.pad(mask)
        elif data.ndim == 2:
            mask = mask[np.newaxis]
        else:
            mask = mask.swapaxes(0, 1)
        # The least draw that is kept is the probability of being dropped itself.
        masks.append(np.where(mask > 0, module.dropout, 0.0))
    return Replay(*masks)


def _proj_size(module):
    return getattr(module, "proj_size", 0)


def _law():
    """The share of values that dropout silences between two layers, and the scale of the rest."""
    layer = reference.LSTM(
        3, 50, num_layers=2, dropout=0.3, bidirectional=True, rng=np.random.default_rng(0)
    )
    layer.forward(np.ones((20, 30, 3)))
    noise = layer.noises[1]
    score = (np.mean(noise == 0) - 0.3) / np.sqrt(0.3 * 0.7 / noise.size)
    unscaled = np.abs(noise[noise != 0] * 0.7 - 1).max() / 1e-15
    return [("share of dropped values", score), ("scale of the kept, in 1e-15", unscaled)]


# The parameters of a cell, in PyTorch's order.
_IN_A_CELL = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def _peephole(draw):
    options = _options(draw, "PeepholeLSTM")
    del options["batch_first"]
    batch, time = draw(st.sampled_from([(0,), (1,), (3,)])), draw(sizes(1, 3))
    data = Input((*batch, time, options["input_size"]))
    keywords = {}
    if draw(st.booleans()):
        lengths = draw(st.lists(st.integers(1, time), min_size=batch[0], max_size=batch[0]))
        keywords["lengths"] = np.array(lengths, dtype=np.int64)
    return Draft(options, (data, *_state(draw, "PeepholeLSTM", options, batch)), keywords)


def _replay_peephole(module, inputs):
    """The formula drops what is padded and what is not, in the order of the reference."""
    if module.dropout == 0:
        return Replay()
    shape = (*inputs[0].shape[:-1], (1 + module.bidirectional) * module.hidden_size)
    masks = [
        torch.nn.functional.dropout(torch.ones(shape), module.dropout).numpy()
        for _ in range(module.num_layers - 1)
    ]
    return Replay(*[np.where(mask > 0, module.dropout, 0.0) for mask in masks])


# Graves (2013), eq. 7-11, in 40 digits: the parameters of one cell with one input and two units,
# the state to start from, and what three steps give.
_PARAMS = (
    [[0.5], [-0.25], [1.0], [0.75], [-1.0], [0.5], [0.25], [-0.5]],
    [
        [0.5, -1],
        [0.25, 0.75],
        [-0.5, 0.5],
        [1, -0.25],
        [0.75, 0.25],
        [-0.25, 1],
        [0.5, 0.5],
        [-0.75, 1],
    ],
    [0.125, -0.25, 0.5, 0.25, 0, -0.5, 0.375, 0.125],
    [0.25, 0, 0.5, -0.125, 0.25, 0.5, -0.25, 0],
    [[0.5, -0.75], [1, 0.25], [-0.5, 1.5]],
)
_HIDDEN, _CELL = [[0.5, -0.25]], [[2.0, -1.5]]
_SHOWN = [
    [0.338494514633947574, -0.067757067168527205],
    [0.232638989085502381, -0.192445064955251578],
    [0.429534265115471909, -0.0517951986018358226],
]
_FIRST_CELL = [[1.97158379775243954, -1.08086163851090239]]
_LAST_CELL = [[1.47231128385469448, -0.396210120667928164]]
_SIZES = {"input_size": 1, "hidden_size": 2}
_HUGE_SUMS = ([[10.0], [-10.0]], [[0.0, 0.0], [0.0, 0.0]], [0.0, 0.0], [0.0, 0.0])
_LITERALS = {
    reference.PeepholeLSTMCell: [
        (_SIZES, ([[0.5]], (_HIDDEN, _CELL)), (_SHOWN[:1], _FIRST_CELL), _PARAMS),
    ],
    reference.PeepholeLSTM: [
        (
            _SIZES,
            ([[[0.5], [-1.0], [2.0]]], ([_HIDDEN], [_CELL])),
            ([_SHOWN], ([_SHOWN[-1:]], [_LAST_CELL])),
            _PARAMS,
        ),
    ],
}


# --- what is refused ---


def _ask(component, *inputs, options=(3, 4), **keywords):
    def act():
        if not inputs:
            return component(*options, **keywords)
        return component(*options).forward(*inputs, **keywords)

    return act


def _refused_layer(component, several):
    """Bad options, inputs, states and lengths of a layer along time."""
    x, good = np.zeros((2, 5, 3)), np.zeros((1, 2, 4))
    bad = np.zeros((1, 3, 4))
    carried = (good, bad) if several else bad
    other = good if several else (good, good)
    return [
        Refusal(_ask(component, options=(0, 4)), ValueError, "input_size must be at least 1"),
        Refusal(_ask(component, options=(3, 0)), ValueError, "hidden_size must be at least 1"),
        Refusal(_ask(component, options=(3.0, 4)), TypeError, "input_size must be an integer"),
        Refusal(_ask(component, num_layers=0), ValueError, "num_layers must be at least 1"),
        Refusal(_ask(component, dropout=1.5), ValueError, r"dropout must lie in \[0, 1\]"),
        Refusal(_ask(component, dropout=True), TypeError, "dropout must be a real number"),
        Refusal(_ask(component, bidirectional=2), TypeError, "bidirectional must be True or"),
        Refusal(_ask(component, bias=None), TypeError, "bias must be True or False"),
        Refusal(_ask(component, rng=3), TypeError, "rng must be a numpy.random.Generator"),
        Refusal(_ask(component, x[0]), ValueError, "have 3 axes"),
        Refusal(_ask(component, x[..., :2]), ValueError, "have 3 features on its last axis"),
        Refusal(_ask(component, x[:, :0]), ValueError, "not be empty along axis 1"),
        Refusal(_ask(component, x, carried), ValueError, r"have shape \(1, 2, 4\)"),
        Refusal(_ask(component, x, other), ValueError, "state must be"),
        Refusal(_ask(component, x, [good, good]), TypeError, "state must be a NumPy array"),
        Refusal(_ask(component, x, lengths=[5, 5]), TypeError, "NumPy array of integers"),
        Refusal(_ask(component, x, lengths=np.ones(2)), TypeError, "lengths must hold integers"),
        Refusal(_ask(component, x, lengths=np.array([5])), ValueError, r"have shape \(2,\)"),
        Refusal(_ask(component, x, lengths=np.array([5, 0])), ValueError, r"lie in \[1, 5\]"),
        Refusal(_ask(component, x, lengths=np.array([6, 1])), ValueError, r"lie in \[1, 5\]"),
    ]


def _refused_cell(component, several):
    """Bad options, inputs and states of a cell."""
    x, good, bad = np.zeros((2, 3)), np.zeros((2, 4)), np.zeros((3, 4))
    carried = (good, bad) if several else bad
    other = (good,) if several else (good, good)
    return [
        Refusal(_ask(component, options=(-1, 4)), ValueError, "input_size must be at least 0"),
        Refusal(_ask(component, options=(3, -1)), ValueError, "hidden_size must be at least 0"),
        Refusal(_ask(component, bias="no"), TypeError, "bias must be True or False"),
        Refusal(_ask(component, rng=3), TypeError, "rng must be a numpy.random.Generator"),
        Refusal(_ask(component, x[0]), ValueError, "have 2 axes"),
        Refusal(_ask(component, x[:, :2]), ValueError, "have 3 features on its last axis"),
        Refusal(_ask(component, x, carried), ValueError, r"have shape \(2, 4\)"),
        Refusal(_ask(component, x, other), ValueError, "state must be"),
    ]


# --- the rows ---

_LAYERS = (
    (reference.RNN, torch.nn.RNN, ("nonlinearity",)),
    (reference.LSTM, torch.nn.LSTM, ("proj_size",)),
    (reference.GRU, torch.nn.GRU, ()),
)
_OWN_REFUSALS = {
    "RNN": [
        Refusal(_ask(reference.RNN, nonlinearity="sin"), ValueError, "be one of 'tanh', 'relu'"),
    ],
    "LSTM": [
        Refusal(_ask(reference.LSTM, proj_size=4), ValueError, "be below hidden_size=4"),
        Refusal(_ask(reference.LSTM, proj_size=-1), ValueError, "proj_size must be at least 0"),
    ],
    "GRU": [],
}

for _component, _oracle, _own in _LAYERS:
    _kind = _component.__name__
    _shared = {
        "keywords": {"hx": "state"},
        "replay": _replay,
        "adapter": SequenceAdapter,
        "inputs": (TimeFirst(), CarriedState()),
        "outputs": (TimeFirst(), CarriedState()),
        "cancels_within": True,
        "absent_as_zero": True,
    }
    register(
        Row(
            _component,
            _oracle,
            _convert(_component, *_own),
            _sequences(_kind),
            "composite",
            refusals=[*_refused_layer(_component, _kind == "LSTM"), *_OWN_REFUSALS[_kind]],
            law=_law if _kind == "LSTM" else None,
            **_shared,
        ),
        Row(
            _component,
            takes_packed(_oracle),
            _convert(_component, *_own),
            _packed(_kind),
            "composite",
            name=f"Packed{_kind}",
            unreached={"axis of 0": "what is packed has a step or more, and PyTorch a feature"},
            **_shared,
        ),
    )

register(
    Row(
        reference.PeepholeLSTM,
        PeepholeLayers,
        _convert(reference.PeepholeLSTM),
        _peephole,
        "composite",
        replay=_replay_peephole,
        literals=_LITERALS[reference.PeepholeLSTM],
        cancels_within=True,
        absent_as_zero=True,
        refusals=_refused_layer(reference.PeepholeLSTM, True),
    ),
    *[
        Row(
            component,
            kind,
            lambda module, component=component: component(
                module.input_size, module.hidden_size, bias=module.bias
            ),
            _cell(component.__name__),
            "composite",
            keywords={"hx": "state"},
            inputs=Positions(1),
            outputs=Positions(1),
            cancels_within=True,
            absent_as_zero=True,
            refusals=_refused_cell(component, component is not reference.GRUCell),
            parameters=_IN_A_CELL,
            literals=_LITERALS.get(component, ()),
        )
        for component, kind in (
            (reference.LSTMCell, torch.nn.LSTMCell),
            (reference.GRUCell, torch.nn.GRUCell),
            (reference.PeepholeLSTMCell, PeepholeCell),
        )
    ],
    Row(
        reference.RNNCell,
        torch.nn.RNNCell,
        lambda module: reference.RNNCell(
            module.input_size, module.hidden_size, module.bias, module.nonlinearity
        ),
        _cell("RNNCell"),
        "composite",
        parameters=_IN_A_CELL,
        keywords={"hx": "state"},
        inputs=Positions(1),
        outputs=Positions(1),
        cancels_within=True,
        absent_as_zero=True,
        literals=(
            # A sum beyond the largest number is far out on the curve.
            (_SIZES, ([[1e308]], [[0.0, 0.0]]), [[1.0, -1.0]], _HUGE_SUMS),
        ),
        refusals=[
            *_refused_cell(reference.RNNCell, False),
            Refusal(
                _ask(reference.RNNCell, nonlinearity="sin"), ValueError, "be one of 'tanh', 'relu'"
            ),
        ],
    ),
)
