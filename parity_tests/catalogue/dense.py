"""Rows: dense layers and embeddings."""

import numpy as np
import torch
from hypothesis import strategies as st

import reference
from parity_tests.adapter import Adapter
from parity_tests.catalogue._row import Refusal, Row, no_counterpart, register
from parity_tests.strategies import Draft, Input, elementwise, numbers, shapes, sizes


def _linear(draw):
    features, out = draw(sizes(0, 6)), draw(sizes(0, 6))
    options = {"in_features": features, "out_features": out, "bias": draw(st.booleans())}
    return Draft(options, (Input((*draw(shapes(0, 3)), features)),))


def _bilinear(draw):
    first, second, leading = draw(sizes(1, 4)), draw(sizes(1, 4)), draw(shapes(0, 3, 0, 3))
    options = {
        "in1_features": first,
        "in2_features": second,
        "out_features": draw(sizes(0, 4)),
        "bias": draw(st.booleans()),
    }
    return Draft(options, (Input((*leading, first)), Input((*leading, second))))


def _table(draw):
    """The options that Embedding and EmbeddingBag share."""
    rows, limit = draw(sizes(0, 6)), draw(st.none() | numbers(-0.5, 3))
    # PyTorch takes no norm of empty rows.
    return {
        "num_embeddings": rows,
        "embedding_dim": draw(sizes(0 if limit is None else 1, 4)),
        "padding_idx": draw(st.none() | st.integers(-rows, rows - 1)) if rows else None,
        "max_norm": limit,
        "norm_type": draw(st.sampled_from([2.0, 1.0, 3.0, 0.5, 0.0, -1.0, np.inf, -np.inf])),
    }


def _is_derivative(options):
    """Whether the gradient neither leaves out the scaling of rows nor is scaled itself."""
    return options["max_norm"] is None and not options["scale_grad_by_freq"]


def _indices(shape, options):
    return Input(shape, "integers", {"low": 0, "high": options["num_embeddings"]})


def _embedding(draw):
    options = _table(draw)
    options["scale_grad_by_freq"] = draw(st.booleans())
    shape = draw(shapes(0, 3)) if options["num_embeddings"] else (0,)
    inputs = (_indices(shape, options),)
    masked = options["padding_idx"] is not None
    return Draft(options, inputs, differentiable=not masked and _is_derivative(options))


def _bag(draw):
    options = _table(draw)
    mode = options["mode"] = draw(st.sampled_from(["sum", "mean", "max"]))
    options["scale_grad_by_freq"] = mode != "max" and draw(st.booleans())
    options["include_last_offset"] = draw(st.booleans())
    longest = 8 if options["num_embeddings"] else 0
    if longest and draw(st.booleans()):
        shape, offsets = (draw(sizes(0, 4)), draw(sizes(1, 4))), None
    else:
        shape = (draw(sizes(0, longest)),)
        starts = sorted(draw(st.lists(st.integers(0, shape[0]), max_size=4)))
        last = shape if options["include_last_offset"] else ()
        offsets = Input((1 + len(starts) + len(last),), "given", {"array": [0, *starts, *last]})
    weights = Input(shape, "normal") if mode == "sum" and draw(st.booleans()) else None
    inputs = (_indices(shape, options), offsets, weights)
    return Draft(options, inputs, differentiable=_is_derivative(options))


class _DividedByAnotherCount(Adapter):
    """PyTorch's scale_grad_by_freq in EmbeddingBag: the gradient of the k-th row in use is
    divided by the number of places of the k-th index in sorted order."""

    def backward(self, *grad_outputs):
        grad_inputs, grad_params = super().backward(*grad_outputs)
        if self.module.scale_grad_by_freq and self.corrected:
            indices = np.sort(self.inputs[0], axis=None)
            used, counts = np.unique(indices, return_counts=True)
            counted = dict(zip(used.tolist(), counts.tolist(), strict=True))
            for row, place in zip(used.tolist(), indices.tolist(), strict=False):
                grad_params[0][row] *= counted[row] / counted[place]
        return grad_inputs, grad_params


def _table_options(module):
    if module.sparse:
        what = f"{type(module).__name__} with sparse=True"
        raise no_counterpart(what, "its gradient is a whole array")
    return {
        "padding_idx": module.padding_idx,
        "max_norm": module.max_norm,
        "norm_type": module.norm_type,
        "scale_grad_by_freq": module.scale_grad_by_freq,
    }


def _bag_of(module):
    return reference.EmbeddingBag(
        module.num_embeddings,
        module.embedding_dim,
        mode=module.mode,
        include_last_offset=module.include_last_offset,
        **_table_options(module),
    )


def _bags(*arguments, **options):
    return lambda: reference.EmbeddingBag(5, 3, **options).forward(*arguments)


# Tables of which some rows are longer than their limit: options, indices, rows, and the table.
_TABLES = (
    # Without rows there is nothing to take.
    ({"num_embeddings": 0, "embedding_dim": 2}, (np.arange(0),), np.ones((0, 2))),
    # As long as the limit is not longer.
    (
        {"num_embeddings": 2, "embedding_dim": 2, "max_norm": 5.0},
        ([0, 1],),
        [[3.0, 4.0], [30 / (10 + 1e-7), 40 / (10 + 1e-7)]],
        [[[3.0, 4.0], [6.0, 8.0]]],
    ),
    # A norm of a negative type is 0 where an element is.
    (
        {"num_embeddings": 1, "embedding_dim": 2, "max_norm": 0.5, "norm_type": -1.0},
        ([0],),
        [[0.0, 1.0]],
        [[[0.0, 1.0]]],
    ),
    # In float32 the norm is added to in float64, and the ratio rounded before it multiplies.
    (
        {"num_embeddings": 1, "embedding_dim": 2, "max_norm": 1.0, "norm_type": np.inf},
        ([0],),
        [[1 - 2.0**-24, 0.5625 - 2.0**-24]],
        [np.array([[2.0, 1.125]], np.float32)],
    ),
)
_FLAT = np.array([0, 4, 2])

register(
    Row(
        reference.Linear,
        torch.nn.Linear,
        lambda m: reference.Linear(m.in_features, m.out_features, bias=m.bias is not None),
        _linear,
        "sum",
        refusals=(
            Refusal(
                lambda: reference.Linear(3, 2).forward(np.ones((4, 2))), ValueError, "3 features"
            ),
            Refusal(lambda: reference.Linear(3, 2).forward(np.ones(())), ValueError, "3 features"),
            Refusal(lambda: reference.Linear(3, -1), ValueError, "out_features must be at least 0"),
            Refusal(lambda: reference.Linear(-1, 3), ValueError, "in_features must be at least 0"),
        ),
        # Without features the bias, too, starts at 0.
        literals=[({"in_features": 0, "out_features": 2}, (np.ones((1, 0)),), [[0.0, 0.0]])],
    ),
    Row(
        reference.Identity,
        torch.nn.Identity,
        lambda m: reference.Identity(),
        elementwise(),
        "exact",
    ),
    Row(
        reference.Bilinear,
        torch.nn.Bilinear,
        lambda m: reference.Bilinear(
            m.in1_features, m.in2_features, m.out_features, bias=m.bias is not None
        ),
        _bilinear,
        "sum",
        refusals=(
            Refusal(lambda: reference.Bilinear(0, 2, 2), ValueError, "at least 1"),
            Refusal(lambda: reference.Bilinear(2, 2, -1), ValueError, "out_features must be at"),
            Refusal(
                lambda: reference.Bilinear(2, 3, 4).forward(np.ones((2, 3)), np.ones((2, 3))),
                ValueError,
                "input1 must have 2 features",
            ),
            Refusal(
                lambda: reference.Bilinear(2, 3, 4).forward(np.ones((2, 2)), np.ones((2, 2))),
                ValueError,
                "input2 must have shape",
            ),
            Refusal(
                lambda: reference.Bilinear(2, 3, 4).forward(np.ones((1, 2)), np.ones((4, 3))),
                ValueError,
                "input2 must have shape",
            ),
        ),
    ),
    Row(
        reference.Embedding,
        torch.nn.Embedding,
        lambda m: reference.Embedding(m.num_embeddings, m.embedding_dim, **_table_options(m)),
        _embedding,
        {"output": "sum", "grad_params": "sum", "every": "exact"},
        changes_params=True,
        literals=_TABLES,
        refusals=(
            Refusal(
                lambda: reference.Embedding(3, 2).forward(np.array([3])), ValueError, r"\[0, 3\)"
            ),
            Refusal(
                lambda: reference.Embedding(3, 2).forward(np.array([-1])), ValueError, r"\[0, 3\)"
            ),
            Refusal(
                lambda: reference.Embedding(3, 2).forward(np.ones(2)), TypeError, "hold integers"
            ),
            Refusal(lambda: reference.Embedding(3, 2, padding_idx=3), ValueError, "padding_idx"),
            Refusal(lambda: reference.Embedding(3, 2, padding_idx=-4), ValueError, "padding_idx"),
            Refusal(lambda: reference.Embedding(3, 2, norm_type=np.nan), ValueError, "norm_type"),
            Refusal(lambda: reference.Embedding(-1, 2), ValueError, "num_embeddings must be at"),
            Refusal(lambda: reference.Embedding(3, -1), ValueError, "embedding_dim must be at"),
        ),
    ),
    Row(
        reference.EmbeddingBag,
        torch.nn.EmbeddingBag,
        _bag_of,
        _bag,
        "sum",
        adapter=_DividedByAnotherCount,
        changes_params=True,
        refusals=(
            Refusal(_bags(_FLAT[None] + 1), ValueError, r"\[0, 5\)"),
            Refusal(_bags(_FLAT[None] - 1), ValueError, r"\[0, 5\)"),
            Refusal(_bags(_FLAT[None] / 2), TypeError, "input_data must hold integers"),
            Refusal(_bags(_FLAT), TypeError, "offsets must be a NumPy array of integers"),
            Refusal(_bags(_FLAT[None], np.array([0])), ValueError, "offsets must be None"),
            Refusal(_bags(_FLAT, np.array([1, 2])), ValueError, "start at 0"),
            Refusal(_bags(_FLAT, np.array([0, 4])), ValueError, "not exceed the length 3"),
            Refusal(_bags(_FLAT, np.array([0, 2, 1])), ValueError, "never fall"),
            Refusal(_bags(_FLAT, np.array([], int)), ValueError, "at least one entry"),
            Refusal(_bags(_FLAT, np.array([[0]])), ValueError, "1 axes"),
            Refusal(
                _bags(_FLAT, np.array([0, 2]), include_last_offset=True), ValueError, "end with"
            ),
            Refusal(_bags(np.zeros((2, 0), int)), ValueError, "not be empty along axis -1"),
            Refusal(_bags(np.zeros((1, 1, 1), int)), ValueError, "1 or 2 axes"),
            Refusal(_bags(_FLAT[None], None, np.ones((1, 3))), ValueError, "mode must be one of"),
            Refusal(
                _bags(_FLAT[None], None, np.ones((1, 2)), mode="sum"),
                ValueError,
                "per_sample_weights must have shape",
            ),
            Refusal(
                lambda: reference.EmbeddingBag(5, 3, scale_grad_by_freq=True, mode="max"),
                ValueError,
                "mode must be one of",
            ),
            Refusal(lambda: reference.EmbeddingBag(5, 3, mode="min"), ValueError, "'min'"),
        ),
        departure=(
            "scale_grad_by_freq divides the k-th row in use by the count of the k-th index in "
            "sorted order."
        ),
    ),
)
