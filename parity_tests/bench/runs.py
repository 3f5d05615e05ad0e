"""All measurements of some rows."""

from collections.abc import Iterator
from dataclasses import asdict

from parity_tests.bench import growth, measure, memory, sides, work

# Of what has them; a schedule's numbers are Python's, and an initializer's float64.
DTYPES = ("float32", "float64")


def entries(row, seconds: float) -> Iterator[dict]:
    """A row's times and memory, for each of its sizes and dtypes."""
    own = work.of(row)
    for size, sizes in own.sizes.items():
        for dtype in getattr(row, "dtypes", DTYPES):
            pair = sides.pair(own.draft(**sizes), row, dtype)
            timing = measure.alternate(pair.ours, pair.theirs, seconds)
            yield {
                "component": row.title,
                "family": row.family,
                "size": size,
                "sizes": dict(sizes),
                "dtype": dtype,
                **_rounded(asdict(timing)),
                # What runs on its own is given nothing.
                "memory": memory.peaks(pair) if pair.given else None,
            }


def growths(row, seconds: float) -> Iterator[dict]:
    """How a row's time grows, in the first of its dtypes."""
    dtype = getattr(row, "dtypes", DTYPES)[0]
    return (_rounded(entry) for entry in growth.exponents(row, work.of(row), dtype, seconds))


def _rounded(value):
    """Floats to the digits that a measurement has."""
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return float(f"{value:.3g}") if isinstance(value, float) else value
