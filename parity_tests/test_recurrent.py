"""The examples of docs/recurrent.md run as they stand, and print what the page says."""

import contextlib
import io
import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "recurrent.md"
EXAMPLES = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)


def test_the_page_prints_what_it_says():
    text = PAGE.read_text(encoding="utf-8")
    examples = EXAMPLES.findall(text)
    assert len(examples) == text.count("```python")
    names = {}
    for code, expected in examples:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, str(PAGE), "exec"), names)
        assert printed.getvalue() == expected, code


def test_every_section_has_an_example():
    text = PAGE.read_text(encoding="utf-8")
    parts = re.split(r"^##+ ", text, flags=re.MULTILINE)
    for section in ("24.1", "24.2", "24.3", "24.4", "24.5 ", "24.5.1", "24.5.2", "24.5.3"):
        (part,) = [part for part in parts if part.startswith(section)]
        assert "```python" in part, section
