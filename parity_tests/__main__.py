"""`python -m parity_tests` is the command `parity`."""

import sys

from parity_tests.cli import main

sys.exit(main())
