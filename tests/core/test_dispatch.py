"""The choice of the instruction set: set by the environment, with an error where the machine does not support it."""

from __future__ import annotations

from process import python


def test_the_forced_instruction_set(isa: str) -> None:
    script = (
        "import gatewise as gw; from gatewise._core import dispatch; print(dispatch.extension is dispatch.load('{}'))"
    )
    assert python(script.format(isa), GATEWISE_ISA=isa) == "True"


def test_an_unknown_forced_instruction_set() -> None:
    script = """
        try:
            import gatewise
        except Exception as error:
            print(type(error).__name__, error)
    """
    said = python(script, header="", GATEWISE_ISA="x86-64-v9")
    assert "GATEWISE_ISA" in said
    assert "x86-64-v9" in said
