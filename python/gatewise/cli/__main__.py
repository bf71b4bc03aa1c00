"""``python -m gatewise.cli`` runs the ``gatewise`` command."""

from __future__ import annotations

import sys

from . import main

sys.exit(main())
