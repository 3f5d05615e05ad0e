"""Work on sequences: 50 steps of a recurrent network, attention at 128 tokens."""

import numpy as np

from parity_tests.bench.work import Work, assign
from parity_tests.strategies import Draft, Input

# --- recurrence ---

_STEPS = {
    "small": {"batch": 3, "length": 5, "channels": 6},
    "50 steps": {"batch": 32, "length": 50, "channels": 128},
}


def _recurrent(batch, length, channels):
    options = {"input_size": channels, "hidden_size": channels, "batch_first": True}
    return Draft(options, (Input((batch, length, channels)),))


def _peephole(batch, length, channels):
    options = {"input_size": channels, "hidden_size": channels}
    return Draft(options, (Input((batch, length, channels)),))


def _packed(batch, length, channels):
    """Sequences of falling lengths, the longest of that length."""
    lengths = np.linspace(length, 1, batch).astype(np.int64)
    counts = (np.arange(length)[:, np.newaxis] < lengths).sum(axis=1)
    data = Input((int(lengths.sum()), channels))
    options = {"input_size": channels, "hidden_size": channels}
    return Draft(options, ((data, _given(counts), None, None),))


def _given(array):
    return Input(array.shape, "given", {"array": array})


def _cell(batch, channels):
    options = {"input_size": channels, "hidden_size": channels}
    return Draft(options, (Input((batch, channels)),))


_SQUARE = {"channels": 2}
_ONE_STEP = {
    "small": {"batch": 3, "channels": 6},
    "one step": {"batch": 32, "channels": 256},
}

# --- attention ---

_TOKENS = {
    "small": {"batch": 2, "length": 5, "channels": 8},
    "128 tokens": {"batch": 8, "length": 128, "channels": 256},
}
_BLOCK = {
    "small": {"batch": 2, "length": 5, "channels": 8},
    "128 tokens": {"batch": 4, "length": 128, "channels": 128},
}
_ATTENDING = {"length": 2, "channels": 2}


def _attended(batch, length, channels):
    heads = 4
    part = Input((batch, heads, length, channels // heads))
    return Draft({}, (part, part, part))


def _multihead(batch, length, channels):
    sequence = Input((batch, length, channels))
    options = {"embed_dim": channels, "num_heads": 4, "batch_first": True}
    return Draft(options, (sequence, sequence, sequence), {"need_weights": False})


def _block(inputs, **more):
    """A transformer's part, without dropout, that takes that many sequences."""

    def draft(batch, length, channels):
        options = {
            "d_model": channels,
            "nhead": 4,
            "dim_feedforward": 4 * channels,
            "dropout": 0.0,
            "batch_first": True,
            **more,
        }
        return Draft(options, (Input((batch, length, channels)),) * inputs)

    return Work(draft, _BLOCK, _ATTENDING)


# --- positions, words ---


def _positioned(batch, length, channels):
    options = {"d_model": channels, "base": 10000.0}
    return Draft(options, (Input((batch, length, channels)),))


def _learned(batch, length, channels):
    positions = np.linspace(-1, 1, length * channels).reshape(length, channels)
    options = {"max_length": length, "d_model": channels, "positions": positions}
    return Draft(options, (Input((batch, length, channels)),))


_WORDS = {
    "small": {"batch": 2, "length": 5, "channels": 6, "words": 10},
    "text": {"batch": 32, "length": 128, "channels": 128, "words": 10000},
}


def _embedded(batch, length, channels, words):
    options = {"num_embeddings": words, "embedding_dim": channels}
    return Draft(options, (_indices((batch, length), words),))


def _bagged(batch, length, channels, words):
    options = {"num_embeddings": words, "embedding_dim": channels, "mode": "mean"}
    return Draft(options, (_indices((batch, length), words),))


def _indices(shape, count):
    return Input(shape, "integers", {"low": 0, "high": count})


def _aligned(batch, length, channels):
    """CTC: sequences of that length, each with a fifth as many labels."""
    count = max(length // 5, 1)
    return Draft(
        {},
        (
            Input((length, batch, channels), "log_probabilities"),
            Input((batch, count), "integers", {"low": 1, "high": channels}),
            (length,) * batch,
            (count,) * batch,
        ),
    )


assign(
    {
        **{name: Work(_recurrent, _STEPS, _SQUARE) for name in ("RNN", "LSTM", "GRU")},
        **{
            name: Work(_packed, _STEPS, _SQUARE)
            for name in ("PackedRNN", "PackedLSTM", "PackedGRU")
        },
        "PeepholeLSTM": Work(_peephole, _STEPS, _SQUARE),
        **{
            name: Work(_cell, _ONE_STEP, _SQUARE)
            for name in ("RNNCell", "LSTMCell", "GRUCell", "PeepholeLSTMCell")
        },
        "ScaledDotProductAttention": Work(_attended, _TOKENS, {"length": 2}),
        "MultiheadAttention": Work(_multihead, _TOKENS, _ATTENDING),
        "TransformerEncoderLayer": _block(1),
        "TransformerDecoderLayer": _block(2),
        "TransformerEncoder": _block(1, num_layers=2, final_norm=True),
        "TransformerDecoder": _block(2, num_layers=2, final_norm=True),
        "Transformer": _block(2, num_encoder_layers=1, num_decoder_layers=1),
        "SinusoidalEncoding": Work(_positioned, _TOKENS),
        "RotaryEncoding": Work(_positioned, _TOKENS),
        "LearnedEncoding": Work(_learned, _TOKENS),
        "Embedding": Work(_embedded, _WORDS),
        "EmbeddingBag": Work(_bagged, _WORDS),
        "CTCLoss": Work(
            _aligned,
            {
                "small": {"batch": 2, "length": 10, "channels": 5},
                "speech": {"batch": 16, "length": 100, "channels": 40},
            },
            {"length": 2},
        ),
    }
)
