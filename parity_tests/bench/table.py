"""A report as tables: on the terminal, and as docs/speed.md."""

import io

from rich.console import Console
from rich.table import Table

from parity_tests.bench import goals, growth

_HEAD = ("component", "size", "float32", "float64", "memory", "PyTorch's", "goal")
_WIDTH = 160


def holds(report: dict) -> bool:
    """Whether every goal holds, but where a component's data say why not."""
    unexplained = [e for e in report["entries"] if goals.misses(e) and not _reason(e)]
    return not unexplained and not _accidents(report) and not _means_above(report)


def text(report: dict) -> str:
    """The table of a run, in plain text."""
    out = io.StringIO()
    console = Console(file=out, width=_WIDTH)
    console.print(_rich(_HEAD, _lines(report)))
    if report["growth"]:
        console.print(_rich(("component", "exponent of the time, PyTorch's"), _growths(report)))
    for line in _closing(report):
        console.print(line, highlight=False, markup=False)
    return out.getvalue()


def page(report: dict) -> str:
    """docs/speed.md."""
    above = _above(report)
    lines = [
        "# Speed and memory",
        "",
        "Written by `python -m parity_tests.bench.page` from `parity_tests/bench/results.json`,",
        "the results of `nox -s bench` on one machine; a test keeps the two alike. Each number is",
        "the processor time of forward and backward (or of one step), NumPy's over PyTorch's, one",
        "thread each, in turns in one process, on the same memory: the median of the rounds, its",
        "quartiles in brackets. `memory` is the peak in multiples of inputs, parameters, outputs",
        "and gradients, what was given counted in, in float32; - is next to nothing.",
        "",
        *(f"- {line}" for line in _closing(report)),
        "",
        "## Above a goal",
        "",
        *(_markdown(("component", "size", "dtype", "above", "why"), above) if above else ["None."]),
        "",
        "## Every component",
        "",
        *_markdown(_HEAD, _lines(report)),
        "",
        "## Growth",
        "",
        "The exponent p of time ~ size^p in float32, fitted over a half, the whole and twice each",
        "size (kernels: a few sizes), PyTorch's in brackets. An exponent more than",
        f"{growth.SLACK} above that of the work itself, and PyTorch's, would be an accident.",
        "",
        *_markdown(("component", "exponents"), _growths(report)),
    ]
    return "\n".join(lines) + "\n"


def _rich(head, rows):
    table = Table(*head)
    for row in rows:
        table.add_row(*row)
    return table


def _markdown(head, rows) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def _lines(report) -> list[tuple[str, ...]]:
    """A line for each component and size."""
    by_size: dict[tuple[str, str], dict[str, dict]] = {}
    for entry in report["entries"]:
        by_size.setdefault((entry["component"], entry["size"]), {})[entry["dtype"]] = entry
    lines = []
    for (component, size), by_dtype in by_size.items():
        first = next(iter(by_dtype.values()))
        ratios = [_ratio(by_dtype[dtype]) if dtype in by_dtype else "" for dtype in goals.MEAN]
        missed = any(goals.misses(entry) for entry in by_dtype.values())
        verdict = "above" if missed else "ok"
        lines.append((component, size, *ratios, *_memory(first), verdict))
    return lines


def _ratio(entry) -> str:
    ratio = entry["ratio"]
    return f"{ratio['median']:.2f} [{ratio['low']:.2f}, {ratio['high']:.2f}]"


def _memory(entry) -> tuple[str, str]:
    if (times := goals.multiple(entry)) is None:
        return "-", "-"
    return f"{times:.2f}", f"{entry['memory']['theirs'] / entry['memory']['least']:.2f}"


def _reason(entry) -> str:
    return goals.REASONS.get(entry["component"], "")


def _above(report) -> list[tuple[str, ...]]:
    return [
        (e["component"], e["size"], e["dtype"], "; ".join(missed), _reason(e))
        for e in report["entries"]
        if (missed := goals.misses(e))
    ]


def _growths(report) -> list[tuple[str, str]]:
    """A line for each component: its exponents, PyTorch's in brackets."""
    by_component: dict[str, list[str]] = {}
    for entry in report["growth"]:
        mark = f" (at most {entry['order']}!)" if growth.is_accident(entry) else ""
        words = f"{entry['size']} {entry['ours']:.1f} [{entry['theirs']:.1f}]{mark}"
        by_component.setdefault(entry["component"], []).append(words)
    return [(component, ", ".join(parts)) for component, parts in by_component.items()]


def _accidents(report) -> list[dict]:
    return [entry for entry in report["growth"] if growth.is_accident(entry)]


def _means_above(report) -> list[str]:
    means = goals.means(report["entries"])
    return [dtype for dtype in means if means[dtype]["all"] > goals.MEAN[dtype]]


def _nox(state: str, phases: dict[str, float]) -> str:
    """How long bare `nox` takes, warm or cold, and whether that is what was asked for."""
    parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in phases.items())
    holds = sum(phases.values()) <= goals.NOX[state]
    verdict = "ok" if holds else f"above: {goals.NOX_REASON}"
    return f"bare nox, {state}: {parts} (goal {goals.NOX[state]:.0f} s: {verdict})"


def _closing(report) -> list[str]:
    lines = []
    for dtype, means in goals.means(report["entries"]).items():
        shown = ", ".join(f"{name} {mean:.2f}" for name, mean in means.items())
        state = "ok" if means["all"] <= goals.MEAN[dtype] else "above"
        lines.append(f"geometric mean, {dtype}: {shown} (goal {goals.MEAN[dtype]}: {state})")
    above = _above(report)
    names = ", ".join(dict.fromkeys(component for component, *_ in above))
    lines.append(f"above a goal: {names or 'none'}")
    accidents = [f"{entry['component']} with {entry['size']}" for entry in _accidents(report)]
    if report["growth"]:
        lines.append(f"growing faster than the work: {', '.join(accidents) or 'none'}")
    if report["throughput"]:
        rates = report["throughput"]
        lines.append(
            f"the parity check: {rates['examples per second']:,.0f} examples and "
            f"{rates['elements per second']:,.0f} elements per second of a worker"
        )
    if report["phases"]:
        for state, without in (("warm", "install anew"), ("cold", "install")):
            lines.append(_nox(state, {n: s for n, s in report["phases"].items() if n != without}))
    lines.append("; ".join(f"{name}: {value}" for name, value in report["machine"].items()))
    return lines
