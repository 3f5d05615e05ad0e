"""The sums of convolution where every group has one channel: only taps are left to sum over.

Whole arrays are multiplied channel by channel. (Matrix products of one column each would take
several times as long.) `kernels` are (*taps, groups, filters of a group), `windows` (batch,
*outputs, *taps, groups) and `values` (batch, *outputs, filters).
"""

import numpy as np

from reference import _numeric
from reference.layers import _windows

_OUTPUTS, _TAPS = "ijk", "uvw"


def gather(windows, kernels):
    """The sum of each kernel times each window: (batch, *outputs, filters)."""
    *_, groups, filters = kernels.shape
    taps = _TAPS[: kernels.ndim - 2]
    sums = _numeric.einsum(f"...{taps}c,{taps}cm->...cm", windows, kernels)
    return sums.reshape(*sums.shape[:-2], groups * filters)


def scatter(values, kernels, images, stride, dilation):
    """Add to `images` each value times its kernel, over its window."""
    *taps, groups, filters = kernels.shape
    values = values.reshape(*values.shape[:-1], groups, filters)
    for tap, met in _windows.taps(values.shape[1:-2], taps, stride, dilation):
        shares = np.einsum("...cm,cm->...c", values, kernels[tap])
        images[(slice(None), *met)] += shares


def correlate(values, windows, filters):
    """The sum of each value times its window: (*taps, groups, filters of a group)."""
    rank = (windows.ndim - 2) // 2
    outputs, taps = _OUTPUTS[:rank], _TAPS[:rank]
    values = values.reshape(*values.shape[:-1], windows.shape[-1], filters)
    return _numeric.einsum(f"b{outputs}{taps}c,b{outputs}cm->{taps}cm", windows, values)
