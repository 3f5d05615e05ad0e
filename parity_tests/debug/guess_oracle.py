"""A torch class for a target by its name, its arguments carried over by name."""

import ast
import inspect
import re

import torch

from parity_tests.debug import oracles
from parity_tests.debug.failures import UsageError

_ALIASES = {
    "dense": "Linear",
    "fullyconnected": "Linear",
    "fc": "Linear",
    "affine": "Linear",
    "swish": "SiLU",
    "batchnorm": "BatchNorm1d",
    "batchnormalization": "BatchNorm1d",
    "layernormalization": "LayerNorm",
    "mse": "MSELoss",
    "meansquarederror": "MSELoss",
    "mae": "L1Loss",
    "meanabsoluteerror": "L1Loss",
    "huber": "HuberLoss",
    "cce": "CrossEntropyLoss",
    "crossentropy": "CrossEntropyLoss",
    "softmaxcrossentropy": "CrossEntropyLoss",
    "categoricalcrossentropy": "CrossEntropyLoss",
    "sparsecategoricalcrossentropy": "CrossEntropyLoss",
    "bce": "BCELoss",
    "binarycrossentropy": "BCELoss",
    "bcewithlogits": "BCEWithLogitsLoss",
    "maxpooling": "MaxPool2d",
    "globalaveragepooling": "AdaptiveAvgPool2d",
    "parametricrelu": "PReLU",
    "nesterov": "SGD",
    "momentum": "SGD",
    "gradientdescent": "SGD",
    "stochasticgradientdescent": "SGD",
}
_ARGUMENTS = {
    "lr": ("lr", "learning_rate", "eta", "rate", "step_size", "alpha"),
    "in_features": (
        "in_features",
        "input_size",
        "n_in",
        "in_dim",
        "input_dim",
        "n_inputs",
        "fan_in",
    ),
    "out_features": ("out_features", "output_size", "n_out", "out_dim", "output_dim", "units"),
    "in_channels": ("in_channels", "input_channels", "channels_in", "c_in", "n_in", "cin"),
    "out_channels": ("out_channels", "num_filters", "filters", "channels_out", "c_out", "cout"),
    "kernel_size": ("kernel_size", "pool_size", "kernel", "k", "size", "window"),
    "stride": ("stride", "strides", "s"),
    "padding": ("padding", "pad", "p"),
    "dilation": ("dilation",),
    "groups": ("groups", "num_groups"),
    "num_groups": ("num_groups", "groups"),
    "num_channels": ("num_channels", "channels", "num_features"),
    "num_features": ("num_features", "features", "channels", "dim", "n", "num_channels", "size"),
    "normalized_shape": ("normalized_shape", "features", "dim", "size", "n", "num_features"),
    "num_embeddings": ("num_embeddings", "vocab_size", "vocabulary", "n", "num_words"),
    "embedding_dim": ("embedding_dim", "dim", "size", "d", "features"),
    "input_size": ("input_size", "in_features", "n_in", "input_dim", "in_dim", "n_inputs"),
    "hidden_size": ("hidden_size", "hidden", "units", "n_hidden", "hidden_dim"),
    "negative_slope": ("negative_slope", "alpha", "slope", "a"),
    "alpha": ("alpha", "rho", "decay", "a", "decay_rate", "beta", "gamma"),
    "rho": ("rho", "decay", "decay_rate", "gamma"),
    "lambd": ("lambd", "lambda_", "lam", "threshold"),
    "momentum": ("momentum", "mu", "beta"),
    "eps": ("eps", "epsilon"),
    "weight_decay": ("weight_decay", "l2", "decay"),
    "dampening": ("dampening",),
    "nesterov": ("nesterov",),
    "betas": ("betas",),
    "beta": ("beta",),
    "delta": ("delta",),
    "dim": ("dim", "axis"),
    "p": ("p", "rate", "probability"),
    "output_size": ("output_size",),
    "bias": ("bias", "use_bias"),
    "affine": ("affine",),
    "reduction": ("reduction",),
    "embed_dim": ("embed_dim", "d_model", "dim"),
    "num_heads": ("num_heads", "heads", "n_heads"),
    "batch_first": ("batch_first",),
    "padding_idx": ("padding_idx",),
    "margin": ("margin",),
    "min_val": ("min_val", "min_value", "low"),
    "max_val": ("max_val", "max_value", "high"),
    "threshold": ("threshold",),
    "label_smoothing": ("label_smoothing", "smoothing"),
    "ignore_index": ("ignore_index",),
    "amsgrad": ("amsgrad",),
    "centered": ("centered",),
    "lr_decay": ("lr_decay",),
    "upscale_factor": ("upscale_factor", "factor", "r"),
}


def _plain(name):
    return re.sub(r"[^a-z0-9]", "", name.lower())


def torch_class(name):
    """The class of torch.nn or torch.optim that a name means."""
    plain = _plain(name)
    modules = {_plain(n): getattr(torch.nn, n) for n in dir(torch.nn) if n[0].isupper()}
    optimizers = {_plain(n): getattr(torch.optim, n) for n in dir(torch.optim) if n[0].isupper()}
    known = {**modules, **optimizers}
    short = re.sub(r"(layer|activation|optimizer|function|my|numpy|np|simple|custom)", "", plain)
    forms = [plain, short, short + "loss", re.sub(r"loss$", "", short)]
    for form in forms:
        form = re.sub(r"pooling", "pool", re.sub(r"convolution", "conv", form))
        form = re.sub(r"average", "avg", form)
        form = re.sub(r"normalization", "norm", form)
        if form in known and isinstance(known[form], type):
            return known[form]
        alias = _ALIASES.get(form) or _ALIASES.get(re.sub(r"[123]d$", "", form))
        if alias:
            digits = re.search(r"([123])d$", form)
            alias = re.sub(r"[123]d$", f"{digits.group(1)}d", alias) if digits else alias
            return getattr(torch.nn, alias, None) or getattr(torch.optim, alias)
        if form in ("conv", "maxpool", "avgpool"):
            return known[form + "2d"]
    return None


def given_arguments(subject, module):
    """The values of the target's constructor arguments, by name, with its defaults."""
    kind = type(subject.pristine)
    try:
        signature = inspect.signature(kind)
        call = ast.parse(subject.expression, mode="eval").body
    except (TypeError, ValueError, SyntaxError):
        return {}, {}
    values, written = {}, {}
    names = [n for n, p in signature.parameters.items() if p.kind < 2]
    for name, parameter in signature.parameters.items():
        if parameter.default is not inspect.Parameter.empty:
            values[name] = parameter.default
    if isinstance(call, ast.Call):
        namespace = dict(vars(module)) if module else {}
        pairs = list(zip(names, call.args, strict=False))
        pairs += [(k.arg, k.value) for k in call.keywords if k.arg]
        for name, node in pairs:
            try:
                value = eval(compile(ast.Expression(node), "<argument>", "eval"), namespace)
            except Exception:
                continue
            values[name] = written[name] = value
    return values, written


def carried(kind, values):
    """Keyword arguments of a torch class from the target's; None if a required one is missing."""
    try:
        signature = inspect.signature(kind)
    except (TypeError, ValueError):
        return None
    found, used = {}, set()
    for name, parameter in signature.parameters.items():
        if name in ("self", "params", "device", "dtype") or parameter.kind > 1:
            if parameter.kind == inspect.Parameter.KEYWORD_ONLY and name in values:
                found[name] = values[name]
            continue
        own = next(
            (n for n in (name, *_ARGUMENTS.get(name, ())) if n in values and n not in used), None
        )
        if name == "betas" and "beta1" in values:
            found[name] = (values["beta1"], values.get("beta2", 0.999))
            used |= {"beta1", "beta2"}
        elif own is not None and values[own] is not None:
            found[name] = values[own]
            used.add(own)
        elif parameter.default is inspect.Parameter.empty:
            if name == "output_size" and "Adaptive" in kind.__name__:
                found[name] = 1
                continue
            return None
    return found


def guess(subject, module, values=None):
    """An oracle guessed from the class's name, or None."""
    kind = torch_class(subject.name)
    if kind is None or not isinstance(kind, type):
        return None
    if values is None:
        values, _ = given_arguments(subject, module)
    if kind in (torch.nn.Softmax, torch.nn.LogSoftmax, torch.nn.Softmin) and "axis" not in values:
        values = {"dim": -1, **values}
    if subject.name.lower() in ("nesterov", "nesterovmomentum", "nag"):
        values = {"nesterov": True, "momentum": 0.9, **values}
    options = carried(kind, values)
    if options is None:
        return None
    if isinstance(kind, type) and issubclass(kind, torch.nn.RNNBase):
        options.setdefault("batch_first", True)
    text = f"{'torch.optim' if issubclass(kind, torch.optim.Optimizer) else 'torch.nn'}"
    shown = ", ".join(f"{k}={v!r}" for k, v in options.items())
    try:
        if issubclass(kind, torch.optim.Optimizer):
            shown = f"params, {shown}" if shown else "params"
            oracle = oracles.OptimizerOracle(
                f"{text}.{kind.__name__}({shown})", lambda params: kind(params, **options)
            )
            oracle.check()
        else:
            oracle = oracles.ModuleOracle(
                f"{text}.{kind.__name__}({shown})", kind(**options), lambda: kind(**options)
            )
    except (UsageError, TypeError, ValueError, RuntimeError, AssertionError):
        return None
    oracle.guessed = True
    oracle.options = options
    return oracle
