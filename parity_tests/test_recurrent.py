"""The examples of docs/recurrent.md print what the page says; packed sequences are mirrored."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence

from parity_tests import mirror

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


def test_mirror_takes_a_packed_sequence_as_pytorch_makes_it():
    module = torch.nn.GRU(3, 4, num_layers=2, bidirectional=True).double()
    rng = np.random.default_rng(0)
    padded = torch.tensor(rng.normal(size=(5, 3, 3)), requires_grad=True)
    packed = pack_padded_sequence(padded, [2, 5, 3], enforce_sorted=False)
    grads = rng.normal(size=(10, 8)), rng.normal(size=(4, 3, 4))

    output, state = module(packed)
    upstream = [torch.from_numpy(grad) for grad in grads]
    (expected,) = torch.autograd.grad([output.data, state], [packed.data], upstream)
    twin = mirror(module)
    (rows, *places), own_state = twin.forward(packed)
    ((grad_rows, *nothing),), _ = twin.backward(*grads)

    np.testing.assert_allclose(rows, output.data.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(own_state, state.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(grad_rows, expected.numpy(), rtol=1e-11)
    assert nothing == [None, None, None]
    for place, theirs in zip(places, output[1:], strict=True):
        np.testing.assert_array_equal(place, theirs.numpy())
