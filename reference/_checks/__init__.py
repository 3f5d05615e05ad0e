"""Every check of input, and the one form of its message.

    {Class}.{method}: {argument} must {requirement}; got {fact}. {hint}

Checks of constructor options take the option by its name (`check_positive(self, alpha=alpha)`)
and return it; checks of arrays take the array by its name and name `forward`.
"""

from reference._checks._message import fail as fail
from reference._checks.arrays import *
from reference._checks.families import *
from reference._checks.optimizers import *
from reference._checks.options import *
from reference._checks.windows import *
