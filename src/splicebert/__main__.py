"""`python -m splicebert`: the command line (see `splicebert.cli`)."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
