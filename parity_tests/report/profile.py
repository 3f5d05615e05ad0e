"""The settings under which the rows draw their examples."""

import hypothesis

_SETTINGS = {
    "deadline": None,
    "print_blob": False,
    "suppress_health_check": list(hypothesis.HealthCheck),
    "phases": [phase for phase in hypothesis.Phase if phase is not hypothesis.Phase.explain],
}


def load(seed: int | None = None):
    """A profile of our own: whatever the environment (CI, say) sets, a run is the same."""
    hypothesis.settings.register_profile(
        "parity", derandomize=seed is None, database=None, **_SETTINGS
    )
    hypothesis.settings.load_profile("parity")
