"""The labelled parts of a public class's docstring."""

import inspect
import re

PARTS = ("Formula", "Derivative", "Shapes", "Dtypes", "Errors", "Book", "Paper", "PyTorch")


def parts(component: type) -> dict[str, str]:
    """The one-line summary under "" and the text of each labelled part, in order."""
    text = inspect.cleandoc(component.__doc__ or "")
    found = {"": text.partition("\n")[0]}
    label = None
    for line in text.splitlines()[1:]:
        if match := re.match(rf"({'|'.join(PARTS)}):\s*(.*)", line):
            label = match[1]
            found[label] = match[2]
        elif label and line.strip():
            found[label] += "\n" + line.strip()
    return {name: part.strip() for name, part in found.items()}
