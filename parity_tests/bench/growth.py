"""How the time of one call grows with each size, as the exponent of a power law."""

from collections.abc import Iterator

import numpy as np

from parity_tests.bench import measure, sides
from parity_tests.bench.work import Work

# Fitted exponents scatter; a quadratic accident in what is linear is far beyond.
SLACK = 0.4


def exponents(row, work: Work, dtype: str, seconds: float) -> Iterator[dict]:
    """For each size: the exponents on both sides, and the highest that there is a reason for."""
    for axis in work.largest:
        sizes = work.sweep(axis)
        timings = [
            measure.alternate(pair.ours, pair.theirs, seconds)
            for pair in (
                sides.pair(work.draft(**{**work.largest, axis: size}), row, dtype) for size in sizes
            )
        ]
        yield {
            "component": row.title,
            "size": axis,
            "values": list(sizes),
            # The lower quartiles: new pages, which not every call meets, only add to a time.
            "ours": fit(sizes, [timing.ours.low for timing in timings]),
            "theirs": fit(sizes, [timing.theirs.low for timing in timings]),
            "order": work.orders.get(axis, 1),
        }


def fit(sizes, seconds) -> float:
    """The exponent p of seconds = constant sizes^p, by least squares on logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def is_accident(entry: dict) -> bool:
    """Whether ours grows faster than the work does, and than PyTorch's time on the same memory."""
    return entry["ours"] > max(entry["order"], entry["theirs"]) + SLACK
