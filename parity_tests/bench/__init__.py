"""Speed and memory of every component, side by side with PyTorch's."""

# Each gives the components of its families their work.
from parity_tests.bench import (  # noqa: F401
    works_functions,
    works_images,
    works_sequences,
    works_steps,
    works_vectors,
)
