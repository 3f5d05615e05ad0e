"""The corpus of mistakes: what the debugger says of each case, and the figures over all.

`python -m parity_tests.debug.figures` runs the corpus, prints the figures and writes them, with
the table of causes, into docs/causes/confusion.md.
"""

import multiprocessing
import sys
import tomllib
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from parity_tests.debug.findings import CONVENTION, RIGHT
from parity_tests.debug.portuguese import translated
from parity_tests.debug.session import Session

CORPUS = Path(__file__).parents[1] / "debug_corpus"
PAGE = Path(__file__).parents[2] / "docs" / "causes" / "confusion.md"
HALVES = ("open", "frozen")
FIRST, AMONG = 0.90, 0.98  # the least share of causes that are named first, and at all


@dataclass
class Outcome:
    """One case of the corpus, judged."""

    half: str
    file: str
    kind: str
    wanted: tuple  # (where, cause)
    verdict: str
    findings: list  # (where, cause, also possible)
    untranslated: list  # sentences that --lang pt would leave in English

    @property
    def accused(self):
        return self.verdict not in (RIGHT, CONVENTION)

    @property
    def placed(self):
        """Found, and at the right place?"""
        return self.accused and any(where == self.wanted[0] for where, _, _ in self.findings)

    @property
    def _here(self):
        """The finding at the right place, or else the first."""
        here = [f for f in self.findings if f[0] == self.wanted[0]] or self.findings
        return here[0] if here else (None, "nothing found", [])

    @property
    def first_cause(self):
        return self._here[1]

    @property
    def named_first(self):
        return self.first_cause == self.wanted[1]

    @property
    def named(self):
        _, cause, others = self._here
        return self.wanted[1] in (cause, *others)


def cases():
    """(half, entry of the manifest) of every case."""
    for half in HALVES:
        manifest = CORPUS / half / "manifest.toml"
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
        [s for s in report.sentences() if translated(s) is None],
    )


@dataclass
class Figures:
    """What was found, named and accused in one half."""

    half: str
    outcomes: list

    @property
    def mistakes(self):
        return [o for o in self.outcomes if o.kind == "mistake"]

    @property
    def correct(self):
        return [o for o in self.outcomes if o.kind == "correct"]

    def share(self, name):
        return sum(getattr(o, name) for o in self.mistakes) / len(self.mistakes)

    @property
    def enough(self):
        return (
            self.share("placed") == 1
            and self.share("named_first") >= FIRST
            and self.share("named") >= AMONG
            and not any(o.accused for o in self.correct)
        )

    def words(self):
        count = len(self.mistakes)
        placed, first, among = (
            sum(getattr(o, name) for o in self.mistakes)
            for name in ("placed", "named_first", "named")
        )
        return (
            f"{self.half}: {placed} of {count} mistakes found at the right place; cause first "
            f"{first} ({100 * first / count:.0f} %), first or also possible {among} "
            f"({100 * among / count:.0f} %); {sum(o.accused for o in self.correct)} of "
            f"{len(self.correct)} correct classes accused"
        )


def figures(outcomes):
    """The figures of the halves apart."""
    return [Figures(half, [o for o in outcomes if o.half == half]) for half in HALVES]


def confusion(outcomes):
    """A Markdown table: the true cause, how often each was the first choice."""
    lines = ["| true cause | cases | first choice |", "| --- | ---: | --- |"]
    for cause in sorted({o.wanted[1] for o in outcomes if o.kind == "mistake"}):
        mine = [o for o in outcomes if o.wanted[1] == cause]
        counted = Counter(o.first_cause for o in mine)
        shown = ", ".join(
            f"{name} {number}" for name, number in sorted(counted.items(), key=_most_first)
        )
        lines.append(f"| {cause} | {len(mine)} | {shown} |")
    return lines


def _most_first(pair):
    name, number = pair
    return -number, name


def page(text, outcomes):
    """The page of figures with its list and its table renewed; its words stay."""
    head = text.split("\n- open:")[0].rstrip()
    listed = [f"- {half.words()}" for half in figures(outcomes)]
    return "\n".join([head, "", *listed, "", *confusion(outcomes), ""])


def _judged(case):
    return asdict(judge(*case))


def main():
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        outcomes = [Outcome(**found) for found in pool.map(_judged, list(cases()), chunksize=4)]
    for half in figures(outcomes):
        print(half.words())
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), outcomes), encoding="utf-8")
    return 0 if all(half.enough for half in figures(outcomes)) else 1


if __name__ == "__main__":
    sys.exit(main())
