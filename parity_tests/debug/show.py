"""The report as a learner reads it in the terminal."""

from parity_tests.debug.words import cause_line, translate

_LABELS = {
    "en": {
        "right": "right", "wrong": "WRONG", "convention": "right, with another convention",
        "error": "could not be run", "verdict": "Verdict", "oracle": "compared with",
        "guessed": "guessed from the class's name", "none": "no oracle: your own forward",
        "inputs": "inputs", "pattern": "pattern", "cause": "likely cause",
        "also": "also possible", "element": "element", "yours": "yours", "autograd": "autograd",
        "judge": "oracle", "numeric": "numeric", "repeat": "to repeat it",
        "remarks": "Remarks", "ok": "ok",
        "not checked": "not checked", "steps": "Step by step", "fix": "one edit that mends it",
        "seconds": "seconds", "page": "more",
    },
    "pt": {
        "right": "correto", "wrong": "ERRADO", "convention": "correto, com outra convenção",
        "error": "não pôde ser executado", "verdict": "Veredito", "oracle": "comparado com",
        "guessed": "suposto pelo nome da classe", "none": "sem oráculo: o seu próprio forward",
        "inputs": "entradas", "pattern": "padrão", "cause": "causa provável",
        "also": "também possível", "element": "elemento", "yours": "o seu",
        "autograd": "autograd", "judge": "oráculo", "numeric": "numérico", "repeat": "para repetir",
        "remarks": "Observações", "ok": "ok", "not checked": "não verificado",
        "steps": "Passo a passo", "fix": "uma edição que conserta", "seconds": "segundos",
        "page": "mais",
    },
}  # fmt: skip


def text(report, lang="en", trace=False):
    """The whole report."""
    say = _LABELS[lang]
    lines = [f"{report.target}"]
    if report.oracle:
        guessed = f" ({say['guessed']})" if report.guessed else ""
        lines.append(f"  {say['oracle']} {report.oracle}{guessed}")
    else:
        lines.append(f"  {say['none']}")
    if report.inputs:
        lines.append(f"  {say['inputs']}: {'; '.join(report.inputs)}")
    lines.append("")
    width = max((len(q.name) for q in report.quantities), default=0)
    for quantity in report.quantities:
        state = say.get(quantity.state, quantity.state)
        words = translate(quantity.words, lang)
        lines.append(f"  {quantity.name:<{width}}  {state:<12} {words}".rstrip())
    if report.error:
        lines += ["", f"  {translate(report.error, lang)}"]
    for place, finding in enumerate(report.findings):
        lines += ["", *_finding(place + 1, finding, say, lang)]
    if trace and report.steps:
        lines += ["", f"{say['steps']}:"]
        lines += [f"  {translate(line, lang)}" for line in report.steps]
    notes = report.conventions + report.remarks
    if notes:
        lines += ["", f"{say['remarks']}:"]
        lines += [f"  - {translate(note, lang)}" for note in notes]
    lines += [
        "",
        f"{say['verdict']}: {say[report.verdict]} ({report.seconds:.1f} {say['seconds']})",
    ]
    return "\n".join(lines)


def _finding(number, finding, say, lang):
    lines = [f"{number}. {translate(finding.statement, lang)}"]
    if finding.pattern:
        lines.append(f"   {say['pattern']}: {translate(finding.pattern, lang)}")
    if finding.cause:
        words, page = cause_line(finding.cause, lang)
        lines.append(f"   {say['cause']}: {finding.cause} - {words}")
        if finding.also_possible:
            lines.append(f"   {say['also']}: {', '.join(finding.also_possible)}")
        lines.append(f"   {say['page']}: {page}")
    if finding.evidence.get("fix"):
        lines.append(f"   {say['fix']}: {translate(finding.evidence['fix'], lang)}")
    if finding.steps:
        lines += [f"   {translate(step, lang)}" for step in finding.steps]
    if finding.table:
        lines += ["", *_table(finding.table, say)]
    if finding.code:
        lines += ["", f"   {say['repeat']}:"]
        lines += [f"     {line}" for line in finding.code.splitlines()]
    return lines


def _table(rows, say):
    names = list(rows[0])
    cells = [[say["judge" if name == "oracle" else name] for name in names]]
    for row in rows:
        shown = [_number(row.get(name)) for name in names[1:]]
        cells.append([str(tuple(row["element"])) if row["element"] else "", *shown])
    widths = [max(len(row[column]) for row in cells) for column in range(len(names))]
    return [
        "   " + "  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in cells
    ]


def _number(value):
    if value is None:
        return "-"
    return f"{value:.8g}" if isinstance(value, float) else str(value)
