"""Transformers (sections 26.4, 26.6 and 26.7): attention and feed-forward blocks, stacked."""

from reference import _checks, initializers
from reference.activations import GELU, ReLU
from reference.layers.attention import MultiheadAttention
from reference.layers.containers import Container, Sequential
from reference.layers.dense import Linear
from reference.layers.dropout import Dropout
from reference.layers.normalization import LayerNorm

ACTIVATIONS = {"relu": ReLU, "gelu": GELU}
_MASKS = (
    "src_mask",
    "tgt_mask",
    "memory_mask",
    "src_key_padding_mask",
    "tgt_key_padding_mask",
    "memory_key_padding_mask",
    "is_causal",
    "src_is_causal",
    "tgt_is_causal",
    "memory_is_causal",
    "mask",
)


class _Branch:
    """A block with its shortcut: n(x + f(x)), or x + f(n(x)) with the norm first."""

    def __init__(self, norm, dropout, norm_first):
        self.norm, self.dropout, self.norm_first = norm, dropout, norm_first

    def forward(self, input_data, block):
        if self.norm_first:
            return input_data + self.dropout.forward(block(self.norm.forward(input_data)))
        return self.norm.forward(input_data + self.dropout.forward(block(input_data)))

    def backward(self, grad_output, block_backward):
        """The gradient of x, and those of the norm's parameters."""
        if self.norm_first:
            grad_normed = block_backward(self.dropout.backward(grad_output)[0])
            grad_input, grad_norm = self.norm.backward(grad_normed)
            return grad_output + grad_input, grad_norm
        grad_sum, grad_norm = self.norm.backward(grad_output)
        return grad_sum + block_backward(self.dropout.backward(grad_sum)[0]), grad_norm


class _Block(Container):
    """What the layers of encoder and decoder share: their parts, in PyTorch's order."""

    non_floating = _MASKS
    # Whose keys each attention reads: the names of its masks start so.
    sequences = ()

    def __init__(
        self,
        d_model,
        nhead,
        dim_feedforward=2048,
        dropout=0.1,
        activation="relu",
        layer_norm_eps=1e-5,
        norm_first=False,
        bias=True,
        rng=None,
    ):
        _checks.check_choice(self, tuple(ACTIVATIONS), activation=activation)
        norm_first = _checks.check_flag(self, norm_first=norm_first)
        rng = _checks.check_generator(self, rng=rng)
        self.attentions = [
            MultiheadAttention(d_model, nhead, dropout, bias, rng=rng) for _ in self.sequences
        ]
        self.feed_forward = Sequential(
            Linear(d_model, dim_feedforward, bias, rng=rng),
            ACTIVATIONS[activation](),
            Dropout(dropout, rng=rng),
            Linear(dim_feedforward, d_model, bias, rng=rng),
        )
        count = len(self.sequences) + 1
        norms = [LayerNorm(d_model, layer_norm_eps, bias=bias) for _ in range(count)]
        dropouts = [Dropout(dropout, rng=rng) for _ in range(count)]
        self.branches = [_Branch(n, d, norm_first) for n, d in zip(norms, dropouts, strict=True)]
        super().__init__(*self.attentions, self.feed_forward, *norms, *dropouts)

    def gradients(self, attentions, feed_forward, norms):
        """The gradients of all parameters, in the order of the layers."""
        return self.sum_grads([*attentions, feed_forward, *norms, *[None] * len(norms)])

    def grad_masks(self):
        """After backward: the gradient of each mask of floats, by name."""
        named = {}
        for sequence, attention in zip(self.sequences, self.attentions, strict=True):
            for name, grad in attention.grad_masks().items():
                named[f"{sequence}_{name.removeprefix('attn_')}"] = grad
        return named


def _sum_grad_masks(blocks):
    """The gradient of each mask of floats that these blocks all read, by name."""
    named = {}
    for block in blocks:
        for name, grad in block.grad_masks().items():
            named[name] = named.get(name, 0) + grad
    return named


class TransformerEncoderLayer(_Block):
    """Self-attention and a feed-forward network, each with a shortcut and a norm.

    Formula: u = n1(x + attend(x)), y = n2(u + feed(u)), or with norm_first
        u = x + attend(n1(x)), y = u + feed(n2(u)), where feed(u) = W2 act(W1 u + b1) + b2;
        dropout acts on the weights of attention, inside feed and on both blocks before the sum
    Derivative: the chain rule through both blocks and their shortcuts.
    Shapes: src and y (batch, time, d_model); src_mask (time, time) or (batch heads, time, time),
        src_key_padding_mask (batch, time): True for blocked, or floats that are added.
    Dtypes: float32 and float64; the output has the promotion of the input's and the weights'.
    Errors: TypeError for an array that is not floating; ValueError for an option out of range, an
        activation other than relu and gelu, or shapes that do not match; RuntimeError for backward
        before forward.
    Book: section 26.4.
    Paper: Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin (2017), Attention
        is all you need, NeurIPS.
    PyTorch: torch.nn.TransformerEncoderLayer with batch_first. No difference under autograd; its
        fast path for inference writes zeros at padded positions. The gradients of masks of floats
        are apart, in grad_masks(), here and in what is made of such layers.
    """

    sequences = ("src",)

    def forward(self, src, src_mask=None, src_key_padding_mask=None, is_causal=False):
        def attend(x):
            return self.attentions[0].forward(
                x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal
            )

        attended = self.branches[0].forward(src, attend)
        return self.branches[1].forward(attended, self.feed_forward.forward)

    def backward(self, grad_output):
        grads = {}

        def feed_backward(grad):
            grad_fed, grads["feed_forward"] = self.feed_forward.backward(grad)
            return grad_fed

        def attend_backward(grad):
            grad_inputs, grads["attention"] = self.attentions[0].backward(grad)
            return sum(grad_inputs)

        grad_attended, grad_second = self.branches[1].backward(grad_output, feed_backward)
        grad_src, grad_first = self.branches[0].backward(grad_attended, attend_backward)
        grad_norms = [grad_first, grad_second]
        return grad_src, self.gradients([grads["attention"]], grads["feed_forward"], grad_norms)


class TransformerDecoderLayer(_Block):
    """Self-attention, attention to a memory, and a feed-forward network.

    Formula: u = n1(x + attend(x)), v = n2(u + attend(u, memory)), y = n3(v + feed(v)), or with
        norm_first u = x + attend(n1(x)), v = u + attend(n2(u), memory), y = v + feed(n3(v))
    Derivative: the chain rule through the three blocks and their shortcuts; the memory gets the
        sum of the gradients of its keys and values.
    Shapes: tgt and y (batch, time, d_model), memory (batch, steps, d_model); tgt_mask (time, time),
        memory_mask (time, steps), or each (batch heads, ...); tgt_key_padding_mask (batch, time),
        memory_key_padding_mask (batch, steps): True for blocked, or floats that are added.
    Dtypes: float32 and float64; the output has the promotion of the input's and the weights'.
    Errors: TypeError for an array that is not floating; ValueError for an option out of range, an
        activation other than relu and gelu, or shapes that do not match; RuntimeError for backward
        before forward.
    Book: section 26.4.
    Paper: Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin (2017), Attention
        is all you need, NeurIPS.
    PyTorch: torch.nn.TransformerDecoderLayer with batch_first. No difference.
    """

    sequences = ("tgt", "memory")

    def forward(
        self,
        tgt,
        memory,
        tgt_mask=None,
        memory_mask=None,
        tgt_key_padding_mask=None,
        memory_key_padding_mask=None,
        tgt_is_causal=False,
        memory_is_causal=False,
    ):
        def attend(x):
            return self.attentions[0].forward(
                x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal
            )

        def recall(x):
            padding = memory_key_padding_mask
            return self.attentions[1].forward(
                x, memory, memory, padding, False, memory_mask, is_causal=memory_is_causal
            )

        attended = self.branches[0].forward(tgt, attend)
        recalled = self.branches[1].forward(attended, recall)
        return self.branches[2].forward(recalled, self.feed_forward.forward)

    def backward(self, grad_output):
        grads = {}

        def feed_backward(grad):
            grad_fed, grads["feed_forward"] = self.feed_forward.backward(grad)
            return grad_fed

        def recall_backward(grad):
            (grad_query, grad_key, grad_value), grads["recall"] = self.attentions[1].backward(grad)
            grads["memory"] = grad_key + grad_value
            return grad_query

        def attend_backward(grad):
            grad_inputs, grads["attention"] = self.attentions[0].backward(grad)
            return sum(grad_inputs)

        grad_recalled, grad_third = self.branches[2].backward(grad_output, feed_backward)
        grad_attended, grad_second = self.branches[1].backward(grad_recalled, recall_backward)
        grad_tgt, grad_first = self.branches[0].backward(grad_attended, attend_backward)
        grad_params = self.gradients(
            [grads["attention"], grads["recall"]],
            grads["feed_forward"],
            [grad_first, grad_second, grad_third],
        )
        return (grad_tgt, grads["memory"]), grad_params


class TransformerEncoder(Container):
    """Encoder layers one after another, with a norm at the end if there is one.

    Formula: y = norm(f_n(... f_1(x))), each f_i with the same masks
    Derivative: the chain rule, from the last layer to the first.
    Shapes: src and y (batch, time, d_model); mask (time, time), src_key_padding_mask (batch, time).
    Dtypes: float32 and float64; the output has the promotion of the input's and the weights'.
    Errors: those of the layers; TypeError for a layer without the protocol.
    Book: section 26.6.
    Paper: Devlin, Chang, Lee, Toutanova (2019), BERT: pre-training of deep bidirectional
        transformers for language understanding, NAACL, DOI 10.18653/v1/N19-1423.
    PyTorch: torch.nn.TransformerEncoder, which copies one layer so that all start alike; here the
        layers are given.
    """

    non_floating = _MASKS

    def __init__(self, *layers, norm=None):
        super().__init__(*layers, *([] if norm is None else [norm]))
        self.blocks, self.norm = layers, norm

    def forward(self, src, mask=None, src_key_padding_mask=None, is_causal=False):
        for layer in self.blocks:
            src = layer.forward(src, mask, src_key_padding_mask, is_causal)
        return src if self.norm is None else self.norm.forward(src)

    def backward(self, grad_output):
        grads = []
        for layer in reversed(self.layers):
            grad_output, grad_params = layer.backward(grad_output)
            grads.insert(0, grad_params)
        return grad_output, self.sum_grads(grads)

    def grad_masks(self):
        """After backward: the gradient of each mask of floats, by name."""
        named = _sum_grad_masks(self.blocks)
        return {name.replace("src_mask", "mask"): grad for name, grad in named.items()}


class TransformerDecoder(Container):
    """Decoder layers one after another, all reading one memory, with a norm if there is one.

    Formula: y = norm(f_n(... f_1(x, memory), memory)), each f_i with the same masks
    Derivative: the chain rule, from the last layer to the first; the memory gets the sum of the
        gradients of all layers.
    Shapes: tgt and y (batch, time, d_model), memory (batch, steps, d_model); masks as in
        TransformerDecoderLayer.
    Dtypes: float32 and float64; the output has the promotion of the input's and the weights'.
    Errors: those of the layers; TypeError for a layer without the protocol.
    Book: section 26.7.
    Paper: Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin (2017), Attention
        is all you need, NeurIPS.
    PyTorch: torch.nn.TransformerDecoder, which copies one layer so that all start alike; here the
        layers are given.
    """

    non_floating = _MASKS

    def __init__(self, *layers, norm=None):
        super().__init__(*layers, *([] if norm is None else [norm]))
        self.blocks, self.norm = layers, norm

    def forward(
        self,
        tgt,
        memory,
        tgt_mask=None,
        memory_mask=None,
        tgt_key_padding_mask=None,
        memory_key_padding_mask=None,
        tgt_is_causal=False,
        memory_is_causal=False,
    ):
        masks = (tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)
        for layer in self.blocks:
            tgt = layer.forward(tgt, memory, *masks, tgt_is_causal, memory_is_causal)
        return tgt if self.norm is None else self.norm.forward(tgt)

    def backward(self, grad_output):
        grads, grad_memory = [], 0
        if self.norm is not None:
            grad_output, grad_norm = self.norm.backward(grad_output)
            grads.append(grad_norm)
        for layer in reversed(self.blocks):
            (grad_output, grad_part), grad_params = layer.backward(grad_output)
            grad_memory = grad_memory + grad_part
            grads.insert(0, grad_params)
        return (grad_output, grad_memory), self.sum_grads(grads)

    def grad_masks(self):
        """After backward: the gradient of each mask of floats, by name."""
        return _sum_grad_masks(self.blocks)


class Transformer(Container):
    """An encoder of the source and a decoder of the target that reads what the encoder made.

    Formula: y = decode(tgt, encode(src)), both ending with a layer norm; custom_encoder and
        custom_decoder take the place of those that the options would make
    Derivative: the chain rule; the source's gradient passes through the memory.
    Shapes: src (batch, steps, d_model), tgt and y (batch, time, d_model); masks as in the layers.
    Dtypes: float32 and float64; the output has the promotion of the input's and the weights'.
    Errors: those of the layers; ValueError for a number of layers below 1.
    Book: section 26.7.
    Paper: Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin (2017), Attention
        is all you need, NeurIPS.
    PyTorch: torch.nn.Transformer with batch_first. No difference; all matrices start from
        Xavier's uniform law.
    """

    non_floating = _MASKS

    def __init__(
        self,
        d_model=512,
        nhead=8,
        num_encoder_layers=6,
        num_decoder_layers=6,
        dim_feedforward=2048,
        dropout=0.1,
        activation="relu",
        layer_norm_eps=1e-5,
        norm_first=False,
        bias=True,
        custom_encoder=None,
        custom_decoder=None,
        rng=None,
    ):
        _checks.check_integer(self, num_encoder_layers=num_encoder_layers)
        _checks.check_integer(self, num_decoder_layers=num_decoder_layers)
        rng = _checks.check_generator(self, rng=rng)
        options = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps)
        options += (norm_first, bias, rng)
        self.encoder, self.decoder = custom_encoder, custom_decoder
        if self.encoder is not None:
            _checks.check_layers(self, custom_encoder=self.encoder)
        else:
            layers = [TransformerEncoderLayer(*options) for _ in range(num_encoder_layers)]
            norm = LayerNorm(d_model, layer_norm_eps, bias=bias)
            self.encoder = TransformerEncoder(*layers, norm=norm)
        if self.decoder is not None:
            _checks.check_layers(self, custom_decoder=self.decoder)
        else:
            layers = [TransformerDecoderLayer(*options) for _ in range(num_decoder_layers)]
            norm = LayerNorm(d_model, layer_norm_eps, bias=bias)
            self.decoder = TransformerDecoder(*layers, norm=norm)
        super().__init__(self.encoder, self.decoder)
        self.params = [
            initializers.xavier_uniform(param.shape, rng=rng) if param.ndim > 1 else param
            for param in self.params
        ]

    def forward(
        self,
        src,
        tgt,
        src_mask=None,
        tgt_mask=None,
        memory_mask=None,
        src_key_padding_mask=None,
        tgt_key_padding_mask=None,
        memory_key_padding_mask=None,
        src_is_causal=False,
        tgt_is_causal=False,
        memory_is_causal=False,
    ):
        memory = self.encoder.forward(src, src_mask, src_key_padding_mask, src_is_causal)
        masks = (tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)
        return self.decoder.forward(tgt, memory, *masks, tgt_is_causal, memory_is_causal)

    def backward(self, grad_output):
        (grad_tgt, grad_memory), grad_decoder = self.decoder.backward(grad_output)
        grad_src, grad_encoder = self.encoder.backward(grad_memory)
        return (grad_src, grad_tgt), self.sum_grads([grad_encoder, grad_decoder])

    def grad_masks(self):
        """After backward: the gradient of each mask of floats, by name."""
        encoder, decoder = self.encoder.blocks, self.decoder.blocks
        return _sum_grad_masks(encoder) | _sum_grad_masks(decoder)
