"""`python -m mgeconvert` is the command `mgeconvert`."""

import sys

from mgeconvert.cli import main

sys.exit(main())
