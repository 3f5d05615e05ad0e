"""The table at the end of a run, and the same as JSON."""

import json
import platform
from pathlib import Path

import hypothesis
import numpy as np
import torch

from parity_tests import catalogue, reach, slack, sources


def make(tallies: list[dict], seconds: float, seed: int | None, whole: bool = False) -> dict:
    """The report: per component what was compared, and the versions it was made with.

    A `whole` run must have reached all that the rows declare.
    """
    components = {}
    for row in catalogue.rows():
        own = [entry for entry in tallies if entry["component"] == row.title]
        if own:
            components[row.title] = _component(row, own)
    if whole:
        counts = {name: entry["reach"] for name, entry in components.items()}
        for name, missing in reach.missing(counts).items():
            # A test that failed has not compared what it would have.
            if components[name]["in_parity"]:
                components[name] |= {"never_reached": missing, "in_parity": not missing}
    return {
        "components": components,
        "in_parity": bool(components) and all(c["in_parity"] for c in components.values()),
        "versions": {
            "numpy": np.__version__,
            "torch": torch.__version__,
            "hypothesis": hypothesis.__version__,
            "python": platform.python_version(),
        },
        "seed": "derandomized" if seed is None else seed,
        "seconds": round(seconds, 1),
    }


def _component(row, entries) -> dict:
    worst = max(entries, key=lambda entry: (entry["share"], entry["elements"]))
    return {
        "family": row.family,
        "oracle": f"{row.oracle.__module__}.{row.oracle.__qualname__}",
        "in_parity": all(entry["passed"] for entry in entries),
        "examples": sum(entry["examples"] for entry in entries),
        "elements": sum(entry["elements"] for entry in entries),
        "worst_share": worst["share"],
        "worst_where": worst["where"],
        "worst_units": worst["units"],
        "worst_kind": worst["kind"],
        "worst_by_dtype": {
            dtype: max(entry["share_by_dtype"].get(dtype, 0.0) for entry in entries)
            for dtype in ("float32", "float64")
        },
        "second_judge": sum(entry["second_judge"] for entry in entries),
        "seconds": round(sum(entry["seconds"] for entry in entries), 2),
        "never_reached": [],
        "reach": dict(sorted(reach.added(entry["reach"] for entry in entries).items())),
        "slack": [
            {
                "quantity": worst.quantity,
                "dtype": worst.dtype,
                "worst": worst.units,
                "budget": worst.budget,
                "examples": worst.examples,
            }
            for worst in slack.kept()
            if worst.component == row.title
        ],
        "kinds": sorted({entry["kind"] for entry in entries}),
        "source_sha256": sources.sha256(row.component),
    }


def write(report: dict, place: str):
    """The report as JSON."""
    path = Path(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1, allow_nan=True) + "\n", encoding="utf-8")


_HEAD = ("", "components", "examples", "elements", "worst / budget", "where", "2nd judge")


def text(report: dict, lines: bool = False) -> str:
    """The table by family; with `lines`, a line per component."""
    families: dict[str, list] = {}
    for name, entry in report["components"].items():
        families.setdefault(entry["family"], []).append((name, entry))
    body = []
    for family, members in families.items():
        entries = [entry for _, entry in members]
        name, worst = max(members, key=lambda member: member[1]["worst_share"])
        where = f"{name}: {worst['worst_where']}" if worst["worst_share"] else "all exact"
        body.append(_cells(family, str(len(entries)), entries, worst["worst_share"], where))
        if lines:
            body += [
                _cells(
                    f"  {name}", _state(entry), [entry], entry["worst_share"], entry["worst_where"]
                )
                for name, entry in members
            ]
    widths = [max(len(row[i]) for row in [_HEAD, *body]) for i in range(len(_HEAD))]

    def line(cells):
        padded = (
            cell.ljust(width) if i in (0, 5) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join(padded).rstrip()

    rule = "-" * (sum(widths) + 2 * len(widths) - 2)
    return "\n".join([line(_HEAD), rule, *map(line, body), rule, *_closing(report)])


def _cells(name, count, entries, share, where):
    return (
        name,
        count,
        f"{sum(e['examples'] for e in entries):,}",
        f"{sum(e['elements'] for e in entries):,}",
        "exact" if share == 0 else f"{share:.0%}",
        where,
        f"{sum(e['second_judge'] for e in entries):,}",
    )


def _state(entry) -> str:
    return "in parity" if entry["in_parity"] else "NOT"


def _closing(report) -> list[str]:
    components = report["components"]
    if not components:
        return ["nothing was compared"]
    out = [name for name, entry in components.items() if not entry["in_parity"]]
    slowest = max(components, key=lambda name: components[name]["seconds"])
    tightest = max(components, key=lambda name: components[name]["worst_share"])
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    never = [
        f"{name} never reached {', '.join(entry['never_reached'])}"
        for name, entry in components.items()
        if entry["never_reached"]
    ]
    verdict = (
        f"NOT in parity: {', '.join(out)}" if out else f"all {len(components)} components in parity"
    )
    return [
        *never,
        verdict,
        f"slowest: {slowest} ({components[slowest]['seconds']} s); "
        f"tightest: {tightest} ({components[tightest]['worst_share']:.0%} of its budget)",
        f"{versions}; seed {report['seed']}; {report['seconds']} s",
    ]
