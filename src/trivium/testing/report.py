"""What a check of a layer found, in words."""

from __future__ import annotations

import dataclasses
import textwrap

__all__ = ["Finding", "LayerCheckError", "Report"]


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a layer.

    Attributes:
        check: The name of the check that found it.
        problem: What is wrong.
        advice: What to do.
    """

    check: str
    problem: str
    advice: str

    def __str__(self) -> str:
        return f"[{self.check}] {self.problem}\n{self.advice}"


@dataclasses.dataclass(frozen=True)
class Report:
    """What all checks of a layer found.

    Attributes:
        path: The layer's path.
        kind: The name of its class.
        checks: The names of the checks that ran.
        skipped: The names of those that could not, because of what others had found.
        findings: What they found.
    """

    path: str
    kind: str
    checks: tuple[str, ...]
    skipped: tuple[str, ...]
    findings: tuple[Finding, ...]

    def __str__(self) -> str:
        count = len(self.findings)
        lines = [
            f"Layer {self.path!r} ({self.kind}): {count or 'no'} problem{'' if count == 1 else 's'} found by "
            f"{len(self.checks)} checks."
        ]
        for number, finding in enumerate(self.findings, 1):
            lines.append(f"{number}. {textwrap.indent(str(finding), '   ').lstrip()}")
        if self.skipped:
            lines.append(f"Not checked because of these: {', '.join(self.skipped)}.")
        return "\n".join(lines)


class LayerCheckError(AssertionError):
    """A layer breaks the contract.

    Args:
        report: What was found.

    Attributes:
        report: The same.
    """

    def __init__(self, report: Report) -> None:
        self.report = report
        super().__init__(str(report))
