"""The book's systems and equations, as data of the project, and what is found of them."""

import functools
import math
import tomllib
from pathlib import Path

import torch

_HERE = Path(__file__).parent
# Values of the parameters at which the equations are evaluated.
_PARAMETERS = {"alpha": 0.3, "a": 1.2, "theta": 2.8, "scale": 1.05, "rate": 0.1, "noise": -0.7}
_FUNCTIONS = {
    "exp": torch.exp,
    "abs": torch.abs,
    "cosh": torch.cosh,
    "sqrt": torch.sqrt,
    "where": torch.where,
    "clip": torch.clip,
}


@functools.cache
def systems() -> list[dict]:
    """Every system that the book names."""
    return tomllib.loads((_HERE / "systems.toml").read_text(encoding="utf-8"))["system"]


@functools.cache
def equations() -> list[dict]:
    """The numbered equations of chapters 6 to 8, a function with its derivative."""
    return tomllib.loads((_HERE / "equations.toml").read_text(encoding="utf-8"))["equation"]


def evaluate(expression: str, z: torch.Tensor) -> torch.Tensor:
    """An expression of equations.toml at z, in float64."""
    return eval(expression, {"__builtins__": {}}, {**_FUNCTIONS, **_PARAMETERS, "z": z})


def examine(equation: dict) -> dict:
    """Whether the printed derivative is the function's, and what it says at the kinks.

    `error` is the largest difference from autograd's derivative of the printed function, away
    from the kinks; `at_kinks` the printed value beside the one-sided slopes there.
    """
    if "derivative" not in equation:
        return {"holds": None, "error": None, "at_kinks": []}
    kinks = torch.tensor(equation.get("kinks", []), dtype=torch.float64)
    z = torch.linspace(-6, 6, 481, dtype=torch.float64) + 0.003
    z.requires_grad_()
    (slope,) = torch.autograd.grad(evaluate(equation["function"], z).sum(), z)
    printed = evaluate(equation["derivative"], z)
    error = (printed - slope).abs().max().item()
    at_kinks = []
    for kink in kinks:
        points = torch.stack([kink - 1e-9, kink, kink + 1e-9]).requires_grad_()
        values = evaluate(equation["function"], points)
        (sides,) = torch.autograd.grad(values.sum(), points)
        own = None if equation.get("open_at_kinks") else evaluate(equation["derivative"], kink)
        at_kinks.append(
            {
                "at": kink.item(),
                "left": sides[0].item(),
                "right": sides[2].item(),
                "printed": None if own is None else own.item(),
            }
        )
    return {"holds": error < 1e-12, "error": error, "at_kinks": at_kinks}


def named(value: float) -> str:
    """A value of a printed derivative in terms of the parameters that it stands for."""
    alpha, scale = _PARAMETERS["alpha"], _PARAMETERS["scale"]
    names = {0.0: "0", 1.0: "1", alpha: "alpha", scale * alpha: "lambda alpha"}
    return next(name for known, name in names.items() if math.isclose(value, known, abs_tol=1e-12))


def numbers(text: str) -> list[str]:
    """The equation numbers in a text such as "7.8-7.9"."""
    first, _, last = text.partition("-")
    if not last:
        return [first] if first else []
    chapter, start = first.split(".")
    return [f"{chapter}.{n}" for n in range(int(start), int(last.split(".")[1]) + 1)]
