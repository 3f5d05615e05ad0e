"""Layers (chapters 19 to 26)."""

from reference.layers.containers import Parallel, Residual, Sequential
from reference.layers.convolution import Convolution1D, Convolution2D, Convolution3D
from reference.layers.dense import Bilinear, Identity, Linear
from reference.layers.dropout import AlphaDropout, ChannelDropout, Dropout, FeatureAlphaDropout
from reference.layers.embedding import Embedding, EmbeddingBag
from reference.layers.local_response import CrossMapLRN2d, LocalResponseNorm
from reference.layers.normalization import (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    L2Normalize,
    LayerNorm,
    RMSNorm,
)
from reference.layers.padding import (
    CircularPad,
    ConstantPad,
    ReflectionPad,
    ReplicationPad,
    ZeroPad,
)
from reference.layers.pooling import MaxPooling1D, MaxPooling2D, MaxPooling3D
from reference.layers.recurrent import GRU, LSTM, RNN, PeepholeLSTM
from reference.layers.recurrent_cells import GRUCell, LSTMCell, PeepholeLSTMCell, RNNCell
from reference.layers.reparametrization import SpectralNorm, WeightNorm
from reference.layers.reshaping import Flatten

__all__ = [
    "AlphaDropout",
    "BatchNorm",
    "Bilinear",
    "ChannelDropout",
    "CircularPad",
    "ConstantPad",
    "Convolution1D",
    "Convolution2D",
    "Convolution3D",
    "CrossMapLRN2d",
    "Dropout",
    "Embedding",
    "EmbeddingBag",
    "FeatureAlphaDropout",
    "Flatten",
    "GRU",
    "GRUCell",
    "GroupNorm",
    "Identity",
    "InstanceNorm",
    "L2Normalize",
    "LSTM",
    "LSTMCell",
    "LayerNorm",
    "Linear",
    "LocalResponseNorm",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Parallel",
    "PeepholeLSTM",
    "PeepholeLSTMCell",
    "RMSNorm",
    "RNN",
    "RNNCell",
    "ReflectionPad",
    "ReplicationPad",
    "Residual",
    "Sequential",
    "SpectralNorm",
    "WeightNorm",
    "ZeroPad",
]
