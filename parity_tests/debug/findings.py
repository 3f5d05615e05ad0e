"""What the debugger has to say, as data."""

from dataclasses import dataclass, field

import numpy as np

RIGHT, WRONG, CONVENTION, ERROR = "right", "wrong", "convention", "error"
EXIT_CODES = {RIGHT: 0, CONVENTION: 0, WRONG: 1, ERROR: 2}


@dataclass
class Finding:
    """One thing that is wrong, and where."""

    where: str
    probe: str
    statement: str
    cause: str | None = None
    also_possible: list = field(default_factory=list)
    pattern: str | None = None
    evidence: dict = field(default_factory=dict)  # what the diagnosis needs; never printed
    table: list = field(default_factory=list)  # {"element": index, "yours": number, judge: ...}
    code: str | None = None  # a paste-able reproduction
    steps: list = field(default_factory=list)

    def as_dict(self):
        plain = {
            "where": self.where,
            "cause": self.cause,
            "also_possible": list(self.also_possible),
            "pattern": self.pattern,
            "statement": self.statement,
            "probe": self.probe,
        }
        if self.table:
            plain["elements"] = self.table
        if self.code:
            plain["reproduce"] = self.code
        if self.steps:
            plain["steps"] = self.steps
        if self.evidence.get("fix"):
            plain["fix"] = self.evidence["fix"]
        return plain


@dataclass
class Quantity:
    """The state of one quantity: ok, wrong, convention or not checked."""

    name: str
    state: str
    words: str = ""

    def as_dict(self):
        return {"name": self.name, "state": self.state, "words": self.words}


@dataclass
class Report:
    """Everything about one target."""

    target: str
    oracle: str | None = None
    guessed: bool = False
    findings: list = field(default_factory=list)
    remarks: list = field(default_factory=list)
    conventions: list = field(default_factory=list)
    quantities: list = field(default_factory=list)
    steps: list = field(default_factory=list)
    inputs: list = field(default_factory=list)
    error: str | None = None
    seconds: float = 0.0

    @property
    def verdict(self):
        if self.error or any(finding.cause == "exception" for finding in self.findings):
            return ERROR
        if self.findings:
            return WRONG
        return CONVENTION if self.conventions else RIGHT

    @property
    def exit_code(self):
        return EXIT_CODES[self.verdict]

    def remark(self, words):
        if words not in self.remarks:
            self.remarks.append(words)

    def sentences(self):
        """Everything that is said in words."""
        for finding in self.findings:
            yield from (s for s in (finding.statement, finding.pattern, *finding.steps) if s)
        yield from (quantity.words for quantity in self.quantities if quantity.words)
        yield from (*self.conventions, *self.remarks, *self.steps)
        if self.error:
            yield self.error

    def as_dict(self):
        return {
            "target": self.target,
            "verdict": self.verdict,
            "oracle": self.oracle,
            "oracle_guessed": self.guessed,
            "inputs": self.inputs,
            "findings": [finding.as_dict() for finding in self.findings],
            "remarks": self.conventions + self.remarks,
            "quantities": [quantity.as_dict() for quantity in self.quantities],
            "steps": self.steps,
            "error": self.error,
            "seconds": round(self.seconds, 3),
        }


def plain(value):
    """A number as JSON can hold it."""
    if value is None:
        return None
    value = float(value)
    return value if np.isfinite(value) else str(value)


def table(mask, most=4, **arrays):
    """A row for each of the first wrong elements: its index, and its value in each array."""
    rows = []
    for index in np.argwhere(np.atleast_1d(mask))[:most]:
        key = tuple(int(i) for i in index)
        row = {"element": list(key) if np.ndim(mask) else []}
        for name, array in arrays.items():
            row[name] = None if array is None else plain(np.atleast_1d(array)[key])
        rows.append(row)
    return rows
