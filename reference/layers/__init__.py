"""Layers (chapters 19 to 26)."""

from reference.layers.attention import MultiheadAttention, ScaledDotProductAttention
from reference.layers.containers import Parallel, Residual, Sequential, SqueezeExcitation
from reference.layers.convolution import Convolution1D, Convolution2D, Convolution3D
from reference.layers.dense import Bilinear, Identity, Linear
from reference.layers.dropout import AlphaDropout, ChannelDropout, Dropout, FeatureAlphaDropout
from reference.layers.embedding import Embedding, EmbeddingBag
from reference.layers.folding import Fold, Unfold
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
from reference.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    LPPooling,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from reference.layers.pooling_adaptive import (
    AdaptiveAveragePooling,
    AdaptiveMaxPooling,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from reference.layers.pooling_indexed import FractionalMaxPooling, MaxUnpooling
from reference.layers.positional import (
    LearnedEncoding,
    PatchEmbedding,
    RotaryEncoding,
    SinusoidalEncoding,
)
from reference.layers.recurrent import GRU, LSTM, RNN, PeepholeLSTM
from reference.layers.recurrent_cells import GRUCell, LSTMCell, PeepholeLSTMCell, RNNCell
from reference.layers.reparametrization import SpectralNorm, WeightNorm
from reference.layers.reshaping import (
    ChannelShuffle,
    Flatten,
    PixelShuffle,
    PixelUnshuffle,
    Unflatten,
)
from reference.layers.separable import DepthwiseConvolution2D, SeparableConvolution2D
from reference.layers.transformer import (
    Transformer,
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerEncoderLayer,
)
from reference.layers.transposed import (
    TransposedConvolution1D,
    TransposedConvolution2D,
    TransposedConvolution3D,
)
from reference.layers.upsampling import Upsample, UpsamplingBilinear2d, UpsamplingNearest2d

__all__ = [
    "AdaptiveAveragePooling",
    "AdaptiveMaxPooling",
    "AlphaDropout",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "BatchNorm",
    "Bilinear",
    "ChannelDropout",
    "ChannelShuffle",
    "CircularPad",
    "ConstantPad",
    "Convolution1D",
    "Convolution2D",
    "Convolution3D",
    "CrossMapLRN2d",
    "DepthwiseConvolution2D",
    "Dropout",
    "Embedding",
    "EmbeddingBag",
    "FeatureAlphaDropout",
    "Flatten",
    "Fold",
    "FractionalMaxPooling",
    "GRU",
    "GRUCell",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GroupNorm",
    "Identity",
    "InstanceNorm",
    "L2Normalize",
    "LPPooling",
    "LSTM",
    "LSTMCell",
    "LayerNorm",
    "LearnedEncoding",
    "Linear",
    "LocalResponseNorm",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "MaxUnpooling",
    "MultiheadAttention",
    "Parallel",
    "PatchEmbedding",
    "PeepholeLSTM",
    "PeepholeLSTMCell",
    "PixelShuffle",
    "PixelUnshuffle",
    "RMSNorm",
    "RNN",
    "RNNCell",
    "ReflectionPad",
    "ReplicationPad",
    "Residual",
    "RotaryEncoding",
    "ScaledDotProductAttention",
    "SeparableConvolution2D",
    "Sequential",
    "SinusoidalEncoding",
    "SpectralNorm",
    "SqueezeExcitation",
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "TransposedConvolution1D",
    "TransposedConvolution2D",
    "TransposedConvolution3D",
    "Unflatten",
    "Unfold",
    "Upsample",
    "UpsamplingBilinear2d",
    "UpsamplingNearest2d",
    "WeightNorm",
    "ZeroPad",
]
