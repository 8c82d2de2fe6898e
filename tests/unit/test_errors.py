"""Exceptions carry findings and an exit code."""

from __future__ import annotations

import pytest

from mlcc.core.errors import MlccError, PreconditionError, UsageError, UserError
from mlcc.core.findings import error


@pytest.mark.parametrize(("kind", "code"), [(MlccError, 1), (UserError, 1), (UsageError, 2), (PreconditionError, 3)])
def test_exit_codes(kind, code):
    raised = kind(iter([error("MLCC001", "one"), error("MLCC002", "two")]))
    assert raised.exit_code == code
    assert [f.code for f in raised.findings] == ["MLCC001", "MLCC002"]
    assert str(raised) == "one; two"
    assert isinstance(raised, MlccError)
