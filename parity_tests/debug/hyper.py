"""Probe 10: hyper-parameters away from their defaults."""

import ast
import inspect
import re

import numpy as np

from parity_tests.debug import guess_oracle, oracles, probes, verdicts
from parity_tests.debug.failures import OwnCodeError, UsageError
from parity_tests.debug.findings import Finding
from parity_tests.debug.subject import Subject

_STRUCTURAL = re.compile(r"stride|pad|dilat|kernel|pool|window|head|group", re.IGNORECASE)
_SKIPPED = re.compile(r"seed|rng|name|dtype|train|verbose|init|inplace|in_place", re.IGNORECASE)
_FRACTION = re.compile(r"^p$|rate|prob|momentum|beta|decay|rho|smooth|fraction", re.IGNORECASE)
_EPS = re.compile(r"eps|tiny|stab", re.IGNORECASE)


def examine(study):
    """Vary one argument of the constructor at a time, in the oracle too where it has it."""
    session = study.session
    if session.module is None:
        return
    values, _ = guess_oracle.given_arguments(study.subject, session.module)
    for name, value in values.items():
        for new in variations(name, value, study.oracle is not None):
            if study.left < 1.0:
                return
            if _try(study, values, name, new):
                return


def variations(name, value, oracle=False):
    """Other values of an argument that it probably takes."""
    if _SKIPPED.search(name):
        return []
    if isinstance(value, (bool, np.bool_)):
        return [not value]
    if isinstance(value, (int, np.integer)):
        if re.search(r"stride", name):
            return [2, 3] if value == 1 else [1, value + 1]
        if re.search(r"pad", name):
            return [1, 2] if value == 0 else [0]
        if re.search(r"dilat", name):
            return [2] if value == 1 else [1]
        if _STRUCTURAL.search(name):
            return [value + 1] if "group" not in name and "head" not in name else []
        return []
    if isinstance(value, (float, np.floating)):
        if _EPS.search(name):
            return [0.1] if oracle else []
        if _FRACTION.search(name):
            return [0.37] if value != 0.37 else [0.6]
        return [value * 1.7 + 0.13] if value >= 0 else [value * 1.3]
    if value is None and re.search(r"stride", name):
        return [1, 3]
    sizes = isinstance(value, tuple) and all(isinstance(part, int) for part in value)
    if sizes and _STRUCTURAL.search(name) and len(value) > 1:
        return [(value[0] + 1, *value[1:]), (*value[:-1], value[-1] + 1)]
    if isinstance(value, str) and name == "reduction":
        return [choice for choice in ("mean", "sum", "none") if choice != value]
    return []


def rebuilt(study, values, name, new):
    """A subject with another value of one argument."""
    kind = type(study.subject.pristine)
    session = study.session
    options = {**values, name: new}
    signature = inspect.signature(kind)
    from parity_tests.debug.session import _in_double

    positional, keywords = [], {}
    for key, parameter in signature.parameters.items():
        if key not in options:
            continue
        if parameter.kind == inspect.Parameter.POSITIONAL_ONLY:
            positional.append(options[key])
        elif parameter.kind in (
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            inspect.Parameter.KEYWORD_ONLY,
        ):
            keywords[key] = options[key]
    words = ", ".join([*map(repr, positional), *[f"{k}={v!r}" for k, v in keywords.items()]])
    expression = f"{kind.__name__}({words})"
    return Subject(
        lambda: _in_double(kind(*positional, **keywords)), session.world.files, expression
    )


def _try(study, values, name, new):
    words = f"{name}={new!r}"
    try:
        subject = rebuilt(study, values, name, new)
        case = study.case(study.specs, seed=21, subject=subject, words=words)
    except (OwnCodeError, UsageError, ValueError, TypeError):
        return False
    saved = study.oracle, study.subject
    study.oracle = _varied_oracle(study, saved[0], values, name, new, subject, case)
    if _EPS.search(name) and study.oracle is None:
        # A guard against zero: backward may leave it out, as long as it is tiny.
        study.oracle = saved[0]
        return False
    study.subject = subject
    count = len(study.report.findings)
    remarks = list(study.report.remarks)
    try:
        found = probes.check_case(study, case, words, oracle=study.oracle is not None)
    except OwnCodeError as error:
        found = False
        if not error.shape_like and not error.refuses:
            study.report.remark(f"with {words}: {error} ({error.place})")
    finally:
        varied = study.oracle
        study.oracle, study.subject = saved
    for finding in study.report.findings[count:]:
        finding.evidence["hyper"] = (name, values[name], new)
    if not found and saved[0] is not None and saved[0].guessed:
        found = _ignored(study, case, values, name, new, words)
        if not found:
            study.report.remarks[:] = [*remarks, *study.report.remarks[len(remarks) :]]
    del varied
    return found


def _ignored(study, case, values, name, new, words):
    """Does a guessed oracle that agreed so far change with an argument that you ignore?"""
    oracle = guess_oracle.guess(case.start.subject, study.session.module, {**values, name: new})
    base = study.oracle
    if oracle is None or base is None or not hasattr(oracle, "module"):
        return False
    oracle.layout, oracle.mapping = base.layout, base.mapping
    oracle.training = base.training
    try:
        mine = study.yours_outputs(case)
        before = study.case(study.specs, seed=21)
        same = study.yours_outputs(before)
        theirs = oracle.run(case.inputs, case.params).outputs
        theirs_before = base.run(before.inputs, before.params).outputs
    except (OwnCodeError, RuntimeError, ValueError, IndexError):
        return False
    agreed = all(
        np.shape(a) == np.shape(b) and not verdicts.differing(a, b).any()
        for a, b in zip(same, theirs_before, strict=False)
    )
    unchanged = all(np.array_equal(a, b) for a, b in zip(mine, same, strict=True))
    changed = any(
        np.shape(a) != np.shape(b) or verdicts.differing(a, b).any()
        for a, b in zip(mine, theirs, strict=False)
    )
    if agreed and unchanged and changed:
        finding = Finding(
            "forward", words, f"forward does not change with {name}; {oracle.text} does"
        )
        finding.evidence = {"hyper": (name, values[name], new), "unchanged": True}
        study.report.findings.append(finding)
        probes.mark_wrong(study, [finding])
        return True
    return False


def _varied_oracle(study, oracle, values, name, new, subject, case):
    """The same oracle with the argument changed; None where it cannot be."""
    if oracle is None:
        return None
    if oracle.guessed:
        return None
    text = vary_text(oracle.text, name, values[name], new)
    if text is None:
        return None
    try:
        found = oracles.parse(text)
    except UsageError:
        return None
    found.layout, found.mapping = oracle.layout, oracle.mapping
    if getattr(oracle, "mapping", None) is not None and hasattr(found, "module"):
        old = [tuple(w.shape) for w in oracle.parameters()]
        if [tuple(w.shape) for w in found.parameters()] != old:
            return None
    return found


def vary_text(text, name, old, new):
    """An oracle's expression with the argument that the target calls `name` changed."""
    node = oracles.arguments_of(text)
    if not isinstance(node, ast.Call):
        return None
    try:
        kind = eval(compile(ast.Expression(node.func), "<oracle>", "eval"), oracles._namespace())
        names = list(inspect.signature(kind).parameters)
    except Exception:
        return None
    theirs = next(
        (n for n in names if n == name or name in guess_oracle._ARGUMENTS.get(n, ())), None
    )
    if name in names:
        theirs = name
    if theirs is None and name in ("beta1", "beta2") and "betas" in names:
        return _vary_betas(node, names, name, new)
    if theirs is None:
        return None
    for keyword in node.keywords:
        if keyword.arg == theirs:
            if not _same(keyword.value, old):
                return None
            keyword.value = ast.parse(repr(new), mode="eval").body
            return ast.unparse(node)
    place = names.index(theirs)
    if place < len(node.args):
        if not _same(node.args[place], old):
            return None
        node.args[place] = ast.parse(repr(new), mode="eval").body
        return ast.unparse(node)
    default = inspect.signature(kind).parameters[theirs].default
    if default != old and not (default is None and old is None):
        return None
    node.keywords.append(ast.keyword(theirs, ast.parse(repr(new), mode="eval").body))
    return ast.unparse(node)


def _vary_betas(node, names, name, new):
    betas = (0.9, 0.999)
    for keyword in node.keywords:
        if keyword.arg == "betas":
            try:
                betas = ast.literal_eval(keyword.value)
            except ValueError:
                return None
    betas = (new, betas[1]) if name == "beta1" else (betas[0], new)
    node.keywords = [k for k in node.keywords if k.arg != "betas"]
    node.keywords.append(ast.keyword("betas", ast.parse(repr(betas), mode="eval").body))
    return ast.unparse(node)


def _same(node, value):
    try:
        found = ast.literal_eval(node)
    except ValueError:
        return False
    if isinstance(found, tuple) and isinstance(value, int):
        return all(part == value for part in found)
    return found == value
