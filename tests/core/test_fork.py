"""A forked child computes bit-identical results, whatever the threads of its parent were doing."""

from __future__ import annotations

import os
import textwrap

import pytest

from process import python

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")

FORK = """
    import os, sys, hashlib
    import gatewise as gw, numpy as np
    dispatch.extension.set_team_limit(4)
    gw.set_num_threads(4)
    layer = gw.LSTM(24, 64, bidirectional=True, seed=0)
    x = np.random.default_rng(0).standard_normal((12, 32, 24)).astype(np.float32)
    def digest():
        y, state, tape = layer.forward(x)
        grads = layer.backward(tape, y, state)
        parts = [y, *state, grads.x, *grads.state, *grads.params.values()]
        return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()
    want = digest()
"""
FORKED = """
    for generation in range(2):
        child = os.fork()
        if child == 0:
            same = digest() == want and digest() == want
            if same:
                grandchild = os.fork()
                if grandchild == 0:
                    os._exit(0 if digest() == want else 1)
                same = os.waitpid(grandchild, 0)[1] == 0
            os._exit(0 if same else 1)
        assert os.waitpid(child, 0)[1] == 0, "the child's bits differ, or it crashed"
        assert digest() == want
    print("same")
"""
POOLED = """
    import multiprocessing
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print("same" if pool.starmap(digest, [()] * 6) == [want] * 6 else "different")
"""


@pytest.mark.parametrize("script", [FORKED, POOLED], ids=["os.fork", "multiprocessing"])
def test_a_forked_child_computes(isa: str, script: str) -> None:
    """The parent uses its thread pool before the fork and after it."""
    assert python(textwrap.dedent(FORK) + textwrap.dedent(script), isa) == "same"


def test_a_child_forked_from_a_second_thread_computes(isa: str) -> None:
    script = textwrap.dedent(FORK) + textwrap.dedent("""
        import threading
        busy = threading.Thread(target=lambda: [digest() for _ in range(50)])
        busy.start()
        children = []
        for _ in range(5):
            child = os.fork()
            if child == 0:
                os._exit(0 if digest() == want else 1)
            children.append(child)
        assert all(os.waitpid(child, 0)[1] == 0 for child in children)
        busy.join()
        print("same")
    """)
    assert python(script, isa) == "same"
