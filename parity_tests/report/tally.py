"""What one test item compared."""

from dataclasses import dataclass, field

from parity_tests.compare import Verdict

# Set by the plugin: a factor on every number of examples, the seed of a soak run, the only dtypes.
EXAMPLES = 1.0
SEED: int | None = None
DTYPES: tuple[str, ...] = ()


def chosen(dtypes: tuple[str, ...]) -> tuple[str, ...]:
    """Those of a test's dtypes that were asked for."""
    return tuple(dtype for dtype in dtypes if not DTYPES or dtype in DTYPES)


@dataclass
class Tally:
    """Examples, elements, the worst error and how often the second judge was called."""

    examples: int = 0
    elements: int = 0
    share: float = 0.0
    where: str = ""
    kind: str = ""  # the kind of budget there, and the error in its units
    units: float = 0.0
    second_judge: int = 0
    share_by_dtype: dict[str, float] = field(default_factory=dict)

    def add(self, verdicts: list[Verdict]):
        """Count one example's verdicts."""
        self.examples += 1
        for verdict in verdicts:
            self.elements += verdict.elements
            self.second_judge += verdict.second_judge
            worst = max(verdict.share, self.share_by_dtype.get(verdict.dtype, 0.0))
            self.share_by_dtype[verdict.dtype] = worst
            if verdict.share > self.share:
                self.share = verdict.share
                self.kind, self.units = verdict.kind, verdict.units
                self.where = f"{verdict.quantity}, {verdict.dtype}"

    def as_dict(self, component: str, kind: str, seconds: float) -> dict:
        return {"component": component, "kind": kind, "seconds": seconds, **vars(self)}


CURRENT = Tally()
