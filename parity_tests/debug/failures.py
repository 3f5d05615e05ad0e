"""What can keep a target from being run, and where in its own code it stopped."""

import linecache
import traceback
from pathlib import Path


class UsageError(Exception):
    """The target, the oracle or an input could not be understood."""


class OwnCodeError(Exception):
    """An exception that the target's own code raised."""

    def __init__(self, stage, error, files):
        super().__init__(f"{type(error).__name__}: {error}")
        self.stage = stage
        self.error = error
        self.file, self.line, self.function = _own_line(error, files)
        self.code = linecache.getline(self.file, self.line).strip() if self.file else ""

    @property
    def place(self):
        """The file and line, as an editor takes them."""
        return f"{Path(self.file).name}:{self.line}" if self.file else "outside the file"

    @property
    def shape_like(self):
        """Might another shape or kind of input have avoided it?"""
        kinds = (ValueError, IndexError, AssertionError, ZeroDivisionError, NotImplementedError)
        text = str(self.error).lower()
        words = ("shape", "dimension", "axis", "axes", "unpack", "index", "integer", "iterable")
        return isinstance(self.error, kinds) or (
            isinstance(self.error, (TypeError, AttributeError))
            and any(word in text for word in (*words, "ufunc", "subscript", "positional"))
        )

    @property
    def refuses(self):
        """Did the target refuse its input on purpose (by a `raise` or an `assert`)?"""
        return self.code.startswith(("raise", "assert")) or isinstance(
            self.error, NotImplementedError
        )


def _own_line(error, files):
    """The innermost frame that lies in one of the target's files, or any file if there is none."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename in files]
    if not own:
        return None, 0, ""
    return own[-1].filename, own[-1].lineno, own[-1].name
