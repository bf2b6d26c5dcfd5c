"""`python -m app` is the `odata` command."""

import sys

from app.cli import main

sys.exit(main())
