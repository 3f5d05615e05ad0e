"""`parity check`: every component against PyTorch, in parallel, and the table."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

_PACKAGE = Path(__file__).parent.parent
# Pytest's exit status where no test was left.
_NOTHING_COLLECTED = 5
REPORT = "build/parity/report.json"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("names", nargs="*", metavar="NAME", help="components (default: all)")
    parser.add_argument("-v", "--verbose", action="store_true", help="a line per component")
    parser.add_argument("--only", action="append", default=[], metavar="KIND", help="kinds of test")
    parser.add_argument("--dtype", action="append", default=[], help="float32, float64")
    parser.add_argument("--examples", type=float, default=1.0, help="times the usual number")
    parser.add_argument("--seed", type=int, help="other examples than the usual ones")
    parser.add_argument("--report", default=REPORT, help=f"where the JSON goes ({REPORT})")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("-n", "--workers", default="auto", help="processes (default: all cores)")


def run(arguments: argparse.Namespace) -> int:
    """Run the tests of the rows in pytest; the plugin makes the report."""
    options = [f"--only={kind}" for kind in arguments.only]
    options += [f"--dtype={dtype}" for dtype in arguments.dtype]
    options.append(f"--examples={arguments.examples}")
    options += ["--lines"] * arguments.verbose
    if arguments.seed is not None:
        options.append(f"--soak-seed={arguments.seed}")
    place = Path(arguments.report).absolute()
    status = compare(arguments.names, place, arguments.workers, options, arguments.json)
    if arguments.json and place.exists():
        print(place.read_text(encoding="utf-8"), end="")
    return status


def compare(names: list[str], place: Path, workers: str, options: list[str], silent: bool) -> int:
    """Run the tests of these components (none: all); `silent` keeps the standard output free."""
    titles = []
    if names:
        from parity_tests import catalogue

        try:
            titles = [catalogue.find(name).title for name in names]
        except LookupError as error:
            print(f"parity check: {error}", file=sys.stderr)
            return 2
    # The cores belong to the workers: one thread each, in NumPy's BLAS too.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    # Whatever other plugins are installed, a run is the same.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    place.unlink(missing_ok=True)
    # A process of its own: pytest wants to be there before what it watches over is imported.
    command = [sys.executable, "-m", "pytest", "-c", str(_PACKAGE / "report" / "parity.ini")]
    # Test names relative to the package, installed or not: the examples are derived from them.
    command += [f"--rootdir={_PACKAGE.parent}", f"--parity-report={place}"]
    command += [f"--component={title}" for title in titles]
    command += [f"--numprocesses={workers}", *options, str(_PACKAGE / "test_components.py")]
    status = subprocess.run(command, stdout=sys.stderr if silent else None).returncode
    if status == _NOTHING_COLLECTED:
        print("parity check: nothing matches --only and --dtype", file=sys.stderr)
    return status if status in (0, 1) else 2
