"""The peak of the memory that one call of each side takes."""

import tracemalloc
from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile

from parity_tests import oracle
from parity_tests.bench.sides import Pair


def peaks(pair: Pair) -> dict[str, int]:
    """Bytes at the peak of each side, what was given counted in, and what must be there at all.

    `least` is inputs, parameters, outputs and gradients: what was given and what is returned.
    """
    given = sum(array.nbytes for array in pair.given)
    results = pair.ours()
    made = sum(leaf.nbytes for leaf in oracle.flatten(results) if hasattr(leaf, "nbytes"))
    del results
    return {
        "ours": given + _numpy_peak(pair.ours),
        "theirs": given + _torch_peak(pair.theirs),
        "least": given + made,
    }


def _numpy_peak(side: Callable) -> int:
    """NumPy tells tracemalloc of every array."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        side()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def _torch_peak(side: Callable) -> int:
    """PyTorch's profiler notes every allocation and every release, in bytes."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        side()
    events = [e for e in profiled.profiler.kineto_results.events() if e.name() == "[memory]"]
    taken = highest = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        taken += event.nbytes()
        highest = max(highest, taken)
    return highest
