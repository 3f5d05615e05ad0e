"""The examples of the pages about a chapter run as they stand, and print what the page says."""

import contextlib
import io
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
EXAMPLES = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)
SECTIONS = {
    "recurrent": ("24.1", "24.2", "24.3", "24.4", "24.5 ", "24.5.1", "24.5.2", "24.5.3"),
    "transformers": ("26.2", "26.3", "26.4", "26.5", "26.6"),
}


@pytest.mark.parametrize("page", SECTIONS)
def test_the_page_prints_what_it_says(page):
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    examples = EXAMPLES.findall(text)
    assert len(examples) == text.count("```python")
    names = {}
    for code, expected in examples:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, page, "exec"), names)
        assert printed.getvalue() == expected, code


@pytest.mark.parametrize("page", SECTIONS)
def test_every_section_has_an_example(page):
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    parts = re.split(r"^##+ ", text, flags=re.MULTILINE)
    for section in SECTIONS[page]:
        (part,) = [part for part in parts if part.startswith(section)]
        assert "```python" in part, section
