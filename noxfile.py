"""Sessions; `nox` alone is the parity check."""

import nox

nox.options.sessions = ["parity"]
nox.options.reuse_existing_virtualenvs = True
nox.options.default_venv_backend = "virtualenv"

# One thread per worker: the cores belong to the workers.
THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def install(session, extras):
    session.install("-e", f".[{extras}]")


@nox.session
def parity(session):
    """Compare every component with PyTorch and print the table (-- NAME ..., -v, --only KIND)."""
    install(session, "parity")
    session.run("parity", "check", *session.posargs, env=THREADS)


@nox.session
def tests(session):
    """All that CI runs: parity, the harness's own tests, lint."""
    install(session, "parity,train,figures,lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("parity", "check", env=THREADS)
    own = ["--numprocesses=auto", "--dist=worksteal", "--ignore=parity_tests/test_components.py"]
    session.run("pytest", *own, *session.posargs, env=THREADS)
    sample = ["--sample", "--anew", "--results", "build/mutants-sample.jsonl"]
    session.run("parity", "mutants", *sample, env=THREADS)


@nox.session
def lint(session):
    """Lint and format."""
    install(session, "lint")
    session.run("ruff", "check", *session.posargs, ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def train(session):
    """Train the same network in NumPy and in PyTorch, side by side."""
    install(session, "parity,train")
    session.run("parity", "train", *session.posargs, env=THREADS)


@nox.session
def compare(session):
    """Measure vanishing gradients, dead units and the activations in one network."""
    install(session, "parity,train")
    session.run("parity", "compare", *session.posargs, env=THREADS)


@nox.session
def latex(session):
    """Compile a document with every listing (needs TeX: Debian's texlive-latex-recommended)."""
    install(session, "parity")
    place = "build/latex"
    session.run("parity", "cite", "--latex", "--all", place)
    with session.chdir(place):
        for _ in range(2):
            session.run("pdflatex", "-halt-on-error", "all.tex", external=True, silent=True)


@nox.session
def figures(session):
    """Draw the optimizers' paths, schedules, losses and activations, into build/figures."""
    install(session, "figures")
    session.run("parity", "figures", *session.posargs, env=THREADS)


@nox.session
def debug(session):
    """Say where a hand-written gradient is wrong (-- 'my_layers.py:Softsign()')."""
    install(session, "parity")
    session.run("parity", "debug", *session.posargs, env=THREADS)


@nox.session
def bench(session):
    """Time every component and its memory, side by side with PyTorch (-- NAME ..., --quick)."""
    install(session, "parity,bench")
    session.run("parity", "bench", *session.posargs, env=THREADS)


@nox.session
def reach(session):
    """Count what the examples reached, and list the branches of reference that none ran (-- -v)."""
    install(session, "parity,proof")
    session.run("parity", "reach", *session.posargs, env=THREADS)


@nox.session
def slack(session):
    """Measure how much room the budgets leave (hours; goes on where it was stopped; --write)."""
    install(session, "parity,proof")
    session.run("parity", "slack", *session.posargs, env=THREADS)


@nox.session
def exhaustive(session):
    """Compare the activations at every float32 (minutes each; -- NAME ..., --every N)."""
    install(session, "parity,proof")
    session.run("parity", "exhaustive", *session.posargs, env=THREADS)


@nox.session
def cite(session):
    """Print a class as the book cites it, with what verified it (-- NAME, --latex, --all DIR)."""
    install(session, "parity")
    session.run("parity", "cite", *session.posargs, env=THREADS)


@nox.session
def mutants(session):
    """Change the reference in every way, and see its rows notice (hours; goes on; --sample)."""
    install(session, "parity,proof")
    session.run("parity", "mutants", *session.posargs, env=THREADS)
