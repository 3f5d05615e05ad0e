"""The book's data, the docstrings and the catalogue say the same; the citations are honest."""

import re

import pytest

import reference
from parity_tests import book, catalogue, citation, docstrings, examples, oracle, sources


def test_every_component_of_the_book_s_table_is_a_public_class():
    public = set(reference.__all__)
    for system in book.systems():
        assert set(system["components"]) <= public, system["name"]
        assert system["components"] or system["state"]


def test_every_equation_of_chapters_6_to_8_is_accounted_for():
    expected = ["6.1", *(f"7.{n}" for n in range(1, 12)), *(f"8.{n}" for n in range(1, 15))]
    in_table = [n for system in book.systems() for n in book.numbers(system["equations"])]
    assert sorted(in_table) == sorted(expected)
    pairs = [(e["function_number"], e.get("derivative_number")) for e in book.equations()]
    assert sorted(n for pair in pairs for n in pair if n) == sorted(expected)


@pytest.mark.parametrize("system", book.systems(), ids=lambda system: system["name"])
def test_the_docstrings_name_the_equations_of_the_table(system):
    for number in book.numbers(system["equations"]):
        own = [docstrings.parts(getattr(reference, name))["Book"] for name in system["components"]]
        named = re.findall(r"eq\. ([\d.-]+\d)", " ".join(own))
        assert number in [n for text in named for n in book.numbers(text)]


@pytest.mark.parametrize("equation", book.equations(), ids=lambda e: e["function_number"])
def test_the_verdict_on_a_printed_derivative_is_what_autograd_finds(equation):
    found = book.examine(equation)
    assert found["holds"] == equation.get("derivative_holds")
    if found["holds"] is False:
        assert equation["correct"]
    for kink in found["at_kinks"]:
        if kink["printed"] is not None:
            low, high = sorted((kink["left"], kink["right"]))
            assert low - 1e-6 <= kink["printed"] <= high + 1e-6


def _report(row, **changes):
    entry = {
        "oracle": "torch.nn.Softsign",
        "in_parity": True,
        "examples": 10,
        "elements": 100,
        "worst_share": 0.5,
        "worst_units": 2.0,
        "worst_kind": "elementwise",
        "worst_where": "output, float64",
        "source_sha256": sources.sha256(row.component),
        **changes,
    }
    return {"components": {row.title: entry}, "versions": {"torch": "2", "numpy": "2"}}


def test_a_citation_claims_only_what_was_measured_on_this_source():
    row = catalogue.find("Softsign")
    assert "10 examples, 100 elements" in citation.cite(row, _report(row)).verification
    assert not citation.cite(row, None).verified
    changed = citation.cite(row, _report(row, source_sha256="0" * 64))
    assert changed.verification.startswith("unverified: the source has changed")
    assert not citation.cite(row, _report(row, in_parity=False)).verified
    assert not citation.cite(row, {"components": {}, "versions": {}}).verified


def test_the_source_shown_has_what_the_class_stands_on():
    text = sources.shown(reference.MaxPooling1D)
    assert text.index("class MaxPooling2D") < text.index("class MaxPooling1D")
    assert "class Layer" not in text
    assert "def normal_cdf" in sources.shown(reference.GELU)


def test_the_digest_changes_with_a_helper(monkeypatch):
    before = sources.sha256(reference.GELU)
    nodes, lines = sources._definitions("reference._numeric")
    altered = [line.replace("def normal_cdf(", "def normal_cdf( ") for line in lines]
    real = sources._definitions
    monkeypatch.setattr(
        sources,
        "_definitions",
        lambda module: (nodes, altered) if module == "reference._numeric" else real(module),
    )
    assert sources.sha256(reference.GELU) != before


@pytest.mark.parametrize("component", list(citation.rows_by_component()), ids=lambda c: c.__name__)
def test_every_citation_can_be_written_in_every_form(component):
    cited = citation.cite(citation.rows_by_component()[component][0], None)
    assert component.__name__ in citation.as_text(cited)
    assert "```python" in citation.as_markdown(cited)
    latex = citation.as_latex(cited)
    assert latex.isascii()
    assert latex.count("\\begin{lstlisting}") == 1
    assert citation.as_bibtex(cited).startswith("@software")


def test_latex_escapes_accents_and_signs():
    assert citation.latex_safe("Ação_50% & #1") == r"A\c{c}\~ao\_50\% \& \#1"


@pytest.mark.parametrize("row", catalogue.rows(), ids=lambda row: row.title)
def test_the_example_of_every_component_runs_as_it_stands(row, capsys):
    with oracle.quiet():  # PyTorch advises on nested tensors
        exec(compile(examples.code(row), row.title, "exec"), {})
    assert capsys.readouterr().out.strip()
