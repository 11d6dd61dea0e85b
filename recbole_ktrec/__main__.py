"""``python -m recbole_ktrec`` is ``ktrec``."""

import sys

from recbole_ktrec.cli import main

sys.exit(main())
