"""Which inputs to give: guessed from the oracle, the signature, the source and the parameters."""

import ast
import inspect
import itertools
import re

import numpy as np

from parity_tests.debug.specs import Spec
from parity_tests.debug.structure import attributes
from parity_tests.debug.subject import _TRAINING, TARGET

_LOSS = re.compile(
    r"loss|entrop|mse|mae|bce|cce|nll|huber|hinge|l1|diverg|criterion|erro|logcosh|focal|"
    r"quantil|pinball|perda|custo|cost",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"conv|pool|pad|upsampl|shuffle|lrn|imag", re.IGNORECASE)
_SEQUENCE = re.compile(
    r"rnn|lstm|gru|attention|sequence|recurrent|transformer|atencao|recorrente|elman", re.IGNORECASE
)


class Hints:
    """What the target's class and source say about its inputs."""

    def __init__(self, subject):
        self.subject = subject
        self.name = subject.name
        required, _most, names = subject.forward_arity
        names = [name for name in names if name not in _TRAINING]
        self.names = names[: max(min(required, len(names)), 1)]
        self.optional = names[len(self.names) :]
        self.source = _source(type(subject.pristine))
        self.forward_source = _source(getattr(type(subject.pristine), subject.forward_name, None))
        self.rank = _unpacked_rank(self.forward_source, self.names)
        self.sizes = _sizes(subject.pristine)
        self.packed = self._packed()

    def _packed(self):
        """How many arrays a single tuple argument is taken apart into."""
        if len(self.names) != 1:
            return 0
        for node in ast.walk(_parsed(self.forward_source)):
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Name)
                and node.value.id == self.names[0]
                and isinstance(node.targets[0], ast.Tuple)
            ):
                return len(node.targets[0].elts)
        return 0

    @property
    def is_loss(self):
        return len(self.names) >= 2 and (
            bool(TARGET.match(self.names[1])) or bool(_LOSS.search(self.name))
        )

    @property
    def takes_logits(self):
        return bool(re.search(r"exp\(|softmax|sigmoid|logaddexp|logits", self.source))

    @property
    def takes_log(self):
        return bool(re.search(r"log\(|log2\(|log1p\(", self.source))

    def ranks(self):
        if self.rank:
            return [self.rank, *[r for r in (2, 3, 4, 1) if r != self.rank]]
        digits = re.search(r"([123])[dD]", self.name)
        if _IMAGE.search(self.name):
            first = int(digits.group(1)) + 2 if digits else 4
        elif (digits and not re.search(r"norm|drop", self.name, re.IGNORECASE)) or (
            digits and "1" not in digits.group(1)
        ):
            first = int(digits.group(1)) + 2
        elif _SEQUENCE.search(self.name) and "ell" not in self.name:
            first = 3
        else:
            first = 2
        return [first, *[rank for rank in (2, 3, 4, 5, 1) if rank != first]]


def _source(thing):
    try:
        return inspect.getsource(thing)
    except (TypeError, OSError):
        return ""


def _parsed(source):
    try:
        return ast.parse(inspect.cleandoc(source) if source[:1].isspace() else source)
    except SyntaxError:
        try:
            return ast.parse("class _:\n" + source)
        except SyntaxError:
            return ast.Module([], [])


def _unpacked_rank(source, names):
    """The rank that `a, b, c = x.shape` says."""
    for node in ast.walk(_parsed(source)):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Tuple)
            and isinstance(node.value, ast.Attribute)
            and node.value.attr == "shape"
            and isinstance(node.value.value, ast.Name)
            and node.value.value.id in names
            and not any(isinstance(part, ast.Starred) for part in node.targets[0].elts)
        ):
            return len(node.targets[0].elts)
    return None


def _sizes(thing):
    """Sizes of features that the object was built with, the likeliest first."""
    found = []
    shapes = []
    for name, value in attributes(thing).items():
        if isinstance(value, np.ndarray) and value.ndim:
            shapes.append(value.shape)
        elif isinstance(value, (int, np.integer)) and not isinstance(value, bool):
            weight = 0 if re.search(r"in|feature|channel|dim|size|embed", name) else 1
            found.append((weight, int(value)))
        elif isinstance(value, (list, tuple)) and value:
            shapes += [part.shape for part in value if isinstance(part, np.ndarray)]
            if all(isinstance(part, int) for part in value):
                found.append((1, int(value[-1])))
    sizes = [size for _, size in sorted(found, key=lambda pair: pair[0])]
    sizes += [size for shape in shapes for size in shape]
    sizes = [size for size in dict.fromkeys(sizes) if 1 <= size <= 256]
    tail = [4, 6] if 4 not in sizes else [6]
    return [*sizes, *[size for size in tail if size not in sizes]]


def _shape(rank, size, last=True):
    bodies = {1: (), 2: (4,), 3: (3, 5), 4: (2, 6, 6), 5: (2, 4, 4, 4)}
    if rank == 1:
        return (size,)
    body = bodies[rank]
    return (*body, size) if last else (body[0], size, *body[1:])


def candidates(subject, module=None):
    """Lists of specs to try, the likeliest first."""
    hints = Hints(subject)
    seen = set()
    for specs in itertools.chain(
        _from_module(module, hints), _losses(hints), _integers(hints), _layers(hints)
    ):
        key = tuple(spec.text() for spec in specs)
        if key not in seen:
            seen.add(key)
            yield specs


def _normal(*shapes):
    return [Spec("normal", shape) for shape in shapes]


def _from_module(module, hints):
    """Inputs that a torch module is made for, features last."""
    if module is None:
        return
    kind = type(module).__name__
    get = lambda *names: next((getattr(module, n) for n in names if hasattr(module, n)), None)  # noqa: E731
    if kind.endswith("Loss"):
        yield from _torch_losses(kind, hints)
        return
    if kind in ("Embedding", "EmbeddingBag"):
        yield [Spec("ints", (3, 4), module.num_embeddings)]
        yield [Spec("ints", (6,), module.num_embeddings)]
        return
    size = get(
        "in_features", "in_channels", "num_features", "input_size", "embed_dim", "num_channels"
    )
    if kind == "Bilinear":
        yield _normal((4, module.in1_features), (4, module.in2_features))
    if kind == "LayerNorm" or kind == "RMSNorm":
        yield _normal((4, *module.normalized_shape))
        yield _normal((2, 3, *module.normalized_shape))
    if "Attention" in kind and size:
        shape = (2, 4, size)
        yield _normal(shape)
        yield _normal(shape, shape, shape)
        yield _normal(shape, (2, 5, size), (2, 5, size))
    if kind.endswith("Cell") and size:
        hidden = (3, module.hidden_size)
        yield _normal((3, size), hidden)
        yield _normal((3, size), hidden, hidden)
        yield _normal((3, size))
    if kind in ("RNN", "LSTM", "GRU") and size:
        yield _normal((2, 4, size))
        yield _normal((2, 4, size), (2, module.hidden_size))
        yield _normal((2, 4, size), (2, module.hidden_size), (2, module.hidden_size))
    digits = re.search(r"([123])d", kind)
    if digits:
        rank = int(digits.group(1)) + 2
        if "Norm1d" in kind and size:
            yield _normal((6, size))
        yield _normal(_shape(rank, size or 3))
    if size:
        for rank in hints.ranks():
            yield _normal(_shape(rank, size))


def _torch_losses(kind, hints):
    soft = [Spec("normal", (6, 5)), Spec("onehot", (6, 5))]
    table = {
        "CrossEntropyLoss": [
            [Spec("normal", (6, 5)), Spec("classes", (6,), 5)],
            soft,
        ],
        "NLLLoss": [
            [Spec("logprob", (6, 5)), Spec("classes", (6,), 5)],
            [Spec("logprob", (6, 5)), Spec("onehot", (6, 5))],
        ],
        "BCELoss": [[Spec("prob", (6, 3)), Spec("binary", (6, 3))]],
        "BCEWithLogitsLoss": [[Spec("normal", (6, 3)), Spec("binary", (6, 3))]],
        "KLDivLoss": [[Spec("logprob", (4, 5)), Spec("probs", (4, 5))]],
        "HingeEmbeddingLoss": [[Spec("normal", (6, 3)), Spec("signs", (6, 3))]],
        "SoftMarginLoss": [[Spec("normal", (6, 3)), Spec("signs", (6, 3))]],
        "PoissonNLLLoss": [[Spec("normal", (6, 3)), Spec("positive", (6, 3))]],
        "GaussianNLLLoss": [
            [Spec("normal", (6, 3)), Spec("normal", (6, 3)), Spec("positive", (6, 3))]
        ],
        "CosineEmbeddingLoss": [
            [Spec("normal", (5, 4)), Spec("normal", (5, 4)), Spec("signs", (5,))]
        ],
        "MarginRankingLoss": [[Spec("normal", (6,)), Spec("normal", (6,)), Spec("signs", (6,))]],
        "TripletMarginLoss": [_normal((5, 4), (5, 4), (5, 4))],
        "MultiMarginLoss": [[Spec("normal", (6, 5)), Spec("classes", (6,), 5)]],
        "MultiLabelSoftMarginLoss": [[Spec("normal", (6, 5)), Spec("binary", (6, 5))]],
    }
    yield from table.get(kind, [_normal((4, 3), (4, 3))])


def _losses(hints):
    """Predictions and targets, by the loss's name and by what its source computes."""
    if not hints.is_loss:
        return
    name = hints.name.lower()
    extra = len(hints.names) - 2
    logits = Spec("normal", (6, 5))
    probs = Spec("probs" if hints.takes_log else "normal", (6, 5))
    pred = logits if hints.takes_logits else probs
    onehot, classes = Spec("onehot", (6, 5)), Spec("classes", (6,), 5)
    shape = (6, 3)
    unit = Spec("normal" if hints.takes_logits else "prob", shape)
    binary = Spec("binary", shape)
    found = []
    if re.search(r"nll|likelihood", name) and not hints.takes_log and extra == 0:
        found += [[Spec("logprob", (6, 5)), classes], [Spec("logprob", (6, 5)), onehot]]
    if re.search(r"bce|binar|logistic|sigmoid", name):
        found += [[unit, binary], [unit.reshaped((6,)), binary.reshaped((6,))]]
    if re.search(r"cce|categ|cross|entrop|cruzada|nll|softmax|focal", name):
        found += [[pred, onehot], [pred, classes], [unit, binary]]
    if re.search(r"kl|diverg", name):
        found += [[Spec("probs", (4, 5)), Spec("probs", (4, 5))]]
        found += [[Spec("logprob", (4, 5)), Spec("probs", (4, 5))]]
        if "exp(" in hints.source or not hints.takes_log:
            found.reverse()
    if re.search(r"hinge|margin|svm|perceptron", name):
        found += [
            [Spec("normal", shape), Spec("signs", shape)],
            [logits, classes],
            [logits, onehot],
        ]
    if re.search(r"poisson|gamma|tweedie|msle|log", name):
        found += [[Spec("normal", shape), Spec("positive", shape)]]
        found.insert(0, [Spec("positive", shape), Spec("positive", shape)])
    if re.search(r"contrastive|cosine", name) and extra:
        found += [[*_normal((5, 4), (5, 4)), Spec("binary", (5,))]]
        found += [[*_normal((5, 4), (5, 4)), Spec("signs", (5,))]]
    found += [_normal(*[shape] * (2 + extra))]
    found += [[pred, classes], [Spec("prob", shape), binary], [Spec("probs", (6, 5)), onehot]]
    found += [[Spec("positive", shape)] * (2 + extra), _normal((6,), (6,)), _normal((6, 1), (6, 1))]
    for specs in found:
        yield [*specs, *[Spec("normal", specs[0].shape)] * (2 + extra - len(specs))]


def _integers(hints):
    """Indices, for an embedding or anything that looks things up."""
    if re.search(r"embed|lookup|token", hints.name, re.IGNORECASE) and len(hints.names) == 1:
        for value in attributes(hints.subject.pristine).values():
            parts = value if isinstance(value, (list, tuple)) else [value]
            for part in parts:
                if isinstance(part, np.ndarray) and part.ndim == 2:
                    yield [Spec("ints", (3, 4), part.shape[0])]
                    yield [Spec("ints", (6,), part.shape[0])]


def _layers(hints):
    count = hints.packed or len(hints.names)
    ranks, sizes = hints.ranks(), hints.sizes
    if count == 1:
        tuples = [
            value
            for value in attributes(hints.subject.pristine).values()
            if isinstance(value, tuple) and value and all(isinstance(v, int) for v in value)
        ]
        if re.search(r"norm", hints.name, re.IGNORECASE):
            for value in tuples:
                yield _normal((4, *value))
        for rank in ranks:
            for size in sizes[:6]:
                yield _normal(_shape(rank, size))
            if rank >= 3:
                for size in sizes[:4]:
                    yield _normal(_shape(rank, size, last=False))
        for size in sizes[:5]:
            yield [Spec("positive", (3, size))]
        for size in sizes[:5]:
            yield [Spec("ints", (3, 4), size)]
        return
    for rank in ranks[:3]:
        for size in sizes[:5]:
            yield _normal(*[_shape(rank, size)] * count)
        for chosen in itertools.islice(itertools.product(sizes[:4], repeat=count), 60):
            yield _normal(*[_shape(rank, size) for size in chosen])
            if rank == 3:
                yield _normal(
                    _shape(3, chosen[0]), *[(*_shape(2, s)[:0], 3, s) for s in chosen[1:]]
                )
