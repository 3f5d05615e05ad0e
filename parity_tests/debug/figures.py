"""The corpus of mistakes: what the debugger says of each case, and the figures over all."""

import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from parity_tests.debug.findings import CONVENTION, RIGHT
from parity_tests.debug.session import Session

CORPUS = Path(__file__).parents[1] / "debug_corpus"
HALVES = ("open", "frozen")


@dataclass
class Outcome:
    """One case of the corpus, judged."""

    half: str
    file: str
    kind: str
    wanted: tuple  # (where, cause)
    verdict: str
    findings: list  # (where, cause, also possible)
    seconds: float

    @property
    def accused(self):
        return self.verdict not in (RIGHT, CONVENTION)

    @property
    def placed(self):
        """Found, and at the right place?"""
        return self.accused and any(where == self.wanted[0] for where, _, _ in self.findings)

    @property
    def named(self):
        """(is the cause the first choice, is it among the first and the others?)"""
        here = [f for f in self.findings if f[0] == self.wanted[0]] or self.findings
        if not here:
            return False, False
        _, cause, others = here[0]
        return cause == self.wanted[1], self.wanted[1] in (cause, *others)

    @property
    def first_cause(self):
        here = [f for f in self.findings if f[0] == self.wanted[0]] or self.findings
        return here[0][1] if here else "nothing found"


def cases():
    """(half, entry of the manifest) of every case."""
    for half in HALVES:
        manifest = CORPUS / half / "manifest.toml"
        if manifest.is_file():
            for entry in tomllib.loads(manifest.read_text(encoding="utf-8"))["case"]:
                yield half, entry


def judge(half, entry):
    """Run the debugger on one case."""
    target = f"{CORPUS / half / entry['file']}:{entry['expression']}"
    report = Session(target, entry.get("oracle"), entry.get("inputs")).run()
    return Outcome(
        half,
        entry["file"],
        entry["kind"],
        (entry.get("where"), entry.get("cause")),
        report.verdict,
        [(f.where, f.cause, list(f.also_possible)) for f in report.findings],
        report.seconds,
    )


def figures(outcomes):
    """The figures in lines, the halves apart."""
    lines = []
    for half in HALVES:
        mine = [o for o in outcomes if o.half == half]
        mistakes = [o for o in mine if o.kind == "mistake"]
        correct = [o for o in mine if o.kind == "correct"]
        if not mine:
            continue
        count = max(len(mistakes), 1)
        first = sum(o.named[0] for o in mistakes)
        among = sum(o.named[1] for o in mistakes)
        lines.append(
            f"{half}: {sum(o.placed for o in mistakes)} of {len(mistakes)} mistakes found at the "
            f"right place; cause first {first} ({100 * first / count:.0f} %), first or also "
            f"possible {among} ({100 * among / count:.0f} %); "
            f"{sum(o.accused for o in correct)} of {len(correct)} correct classes accused"
        )
    return lines


def confusion(outcomes):
    """A Markdown table: the true cause, how often each was the first choice."""
    wanted = sorted({o.wanted[1] for o in outcomes if o.kind == "mistake"})
    lines = ["| true cause | cases | first choice |", "| --- | ---: | --- |"]
    for cause in wanted:
        mine = [o for o in outcomes if o.wanted[1] == cause]
        counted = Counter(o.first_cause for o in mine).most_common()
        shown = ", ".join(f"{name} {number}" for name, number in counted)
        lines.append(f"| {cause} | {len(mine)} | {shown} |")
    return lines
