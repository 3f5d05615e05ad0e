"""What the author takes into the book: a class, what verified it, and how to cite both."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import reference
from parity_tests import catalogue, docstrings, sources

# What one unit of each kind of budget is called.
UNITS = {
    "elementwise": "ulp",
    "sum": "eps of the sum of its terms",
    "composite": "eps of its movement under moved inputs",
    "trajectory": "eps of the largest value along the trajectory",
}
_ROOT = Path(reference.__file__).parent.parent


@dataclass(frozen=True)
class Citation:
    """A component, its source and what is known of it."""

    name: str
    summary: str
    book: str
    paper: str
    pytorch: str
    source: str
    sha256: str
    revision: str
    verification: str
    verified: bool


def cite(row, report: dict | None) -> Citation:
    """The citation of a row, verified by a report only if that saw this very source."""
    parts = docstrings.parts(row.component)
    digest = sources.sha256(row.component)
    verified, verification = _verification(row, digest, report)
    return Citation(
        name=row.component.__name__,
        summary=parts[""],
        book=parts.get("Book", "").replace("\n", " "),
        paper=parts.get("Paper", "").replace("\n", " "),
        pytorch=parts.get("PyTorch", "").replace("\n", " "),
        source=sources.shown(row.component),
        sha256=digest,
        revision=_revision(sources.files(row.component)),
        verification=verification,
        verified=verified,
    )


def load_report(place: str) -> dict | None:
    """The report of the last parity run, or None."""
    path = Path(place)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _verification(row, digest: str, report: dict | None) -> tuple[bool, str]:
    """What the last parity run says of this source."""
    if report is None:
        return False, "unverified: there is no report of a parity run; run `parity check`"
    entry = report["components"].get(row.title)
    if entry is None:
        return False, "unverified: the last parity run did not include it"
    if entry["source_sha256"] != digest:
        return False, "unverified: the source has changed since the last parity run"
    if not entry["in_parity"]:
        return False, f"NOT in parity: {entry['worst_where']}"
    versions = report["versions"]
    return True, (
        f"in parity with {entry['oracle']} of PyTorch {versions['torch']} "
        f"(NumPy {versions['numpy']}): {entry['examples']:,} examples, "
        f"{entry['elements']:,} elements, {worst(entry)}"
    )


def worst(entry: dict) -> str:
    """The worst error of a component, in words."""
    if not entry["worst_share"] or not entry["worst_kind"]:
        return "every element equal to the last bit"
    unit = UNITS.get(entry["worst_kind"], entry["worst_kind"])
    return f"worst error {entry['worst_units']:.2f} {unit} ({entry['worst_where']})"


def _revision(files: list[str]) -> str:
    """The last commit that changed the files; the version of the package outside a checkout."""
    command = ["git", "-C", str(_ROOT), "log", "-1", "--format=%h", "--", *files]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "not in a checkout"
    return done.stdout.strip() or "not committed"


# --- the forms ---


def as_text(citation: Citation) -> str:
    """For the terminal."""
    return "\n".join([_head(citation), "", citation.source.rstrip(), ""])


def as_markdown(citation: Citation) -> str:
    """For a page."""
    lines = [f"# {citation.name}", "", citation.summary, ""]
    lines += [f"- {label}: {text}" for label, text in _facts(citation)]
    return "\n".join([*lines, "", "```python", citation.source.rstrip(), "```", ""])


def as_latex(citation: Citation) -> str:
    """A listing for `\\input`; needs the package listings and nothing else."""
    caption = (
        f"{citation.name} ({citation.book.rstrip('.')}; version {_version()}, revision "
        f"{citation.revision}; "
        f"{citation.verification})."
    )
    head = ",\n  ".join(
        [
            "language=Python",
            "basicstyle=\\ttfamily\\footnotesize",
            "columns=fullflexible",
            "keepspaces=true",
            "breaklines=true",
            "showstringspaces=false",
            f"caption={{{latex_safe(caption)}}}",
            f"label={{lst:{citation.name}}}",
        ]
    )
    return "\n".join(
        [
            f"% {citation.name}, SHA-256 {citation.sha256}",
            f"\\begin{{lstlisting}}[\n  {head}]",
            citation.source.rstrip(),
            "\\end{lstlisting}",
            "",
        ]
    )


def latex_document(names: list[str]) -> str:
    """A document with every listing."""
    head = [
        "\\documentclass{article}",
        "\\usepackage[a4paper, margin=2cm]{geometry}",
        "\\usepackage{listings}",
        "\\begin{document}",
        "\\lstlistoflistings",
    ]
    body = [f"\\clearpage\n\\input{{{name}}}" for name in names]
    return "\n".join([*head, *body, "\\end{document}", ""])


def as_bibtex(citation: Citation) -> str:
    """The project and the component's papers."""
    project = [
        "@software{ml_book_reference,",
        "  author = {Faria, Luiz Guilherme Moraes da Costa},",
        "  title = {Minimal {NumPy} implementations with hand-written gradients, checked against "
        "{PyTorch}},",
        "  year = {2026},",
        f"  version = {{{_version()}}},",
        f"  note = {{{citation.name}, revision {citation.revision}, SHA-256 {citation.sha256}}}",
        "}",
    ]
    entries = ["\n".join(project)]
    entries += [_paper(citation.name, place, text) for place, text in enumerate(_split(citation))]
    return "\n\n".join(entries) + "\n"


_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "á": r"\'a",
    "ã": r"\~a",
    "ç": r"\c{c}",
    "é": r"\'e",
    "ê": r"\^e",
    "í": r"{\'\i}",
    "ó": r"\'o",
    "õ": r"\~o",
    "ú": r"\'u",
}


def latex_safe(text: str) -> str:
    """Text with every character that means something to LaTeX escaped, accents included."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def _facts(citation: Citation) -> list[tuple[str, str]]:
    return [
        ("book", citation.book),
        ("paper", citation.paper),
        ("PyTorch", citation.pytorch),
        ("revision", citation.revision),
        ("SHA-256 of the source shown", citation.sha256),
        ("verification", citation.verification),
    ]


def _head(citation: Citation) -> str:
    lines = [f"{citation.name}: {citation.summary}"]
    return "\n".join(lines + [f"{label}: {text}" for label, text in _facts(citation)])


def _version() -> str:
    text = (_ROOT / "CITATION.cff").read_text(encoding="utf-8") if _ROOT.exists() else ""
    found = re.search(r"^version: (.+)$", text, re.MULTILINE)
    return found[1] if found else "0.1.0"


def _split(citation: Citation) -> list[str]:
    """The papers of a component, one text each."""
    if citation.paper.startswith("none"):
        return []
    return [part.strip().rstrip(".") for part in citation.paper.split("; ") if "(" in part]


def _paper(name: str, place: int, text: str) -> str:
    """A paper as BibTeX, from `Authors (year), title, venue, DOI`."""
    found = re.match(r"(?P<authors>[^(]+)\((?P<year>\d{4})\),?\s*(?P<rest>.*)", text)
    if not found:
        return f"@misc{{{name}{place},\n  note = {{{latex_safe(text)}}}\n}}"
    rest, _, doi = found["rest"].partition("DOI ")
    authors = " and ".join(part.strip() for part in found["authors"].split(",") if part.strip())
    key = re.sub(r"\W", "", authors.split(" and ")[0]).lower() + found["year"]
    fields = [("author", latex_safe(authors)), ("year", found["year"])]
    title, _, venue = rest.strip(" ,").partition(", ")
    fields += [("title", latex_safe(title)), ("note", latex_safe(venue.strip(" ,"))), ("doi", doi)]
    body = ",\n".join(f"  {label} = {{{value}}}" for label, value in fields if value)
    return f"@misc{{{key},\n{body}\n}}"


def rows_by_component() -> dict[type, list]:
    """The rows of each component: one citation serves them all."""
    found: dict[type, list] = {}
    for row in catalogue.rows():
        found.setdefault(row.component, []).append(row)
    return found
