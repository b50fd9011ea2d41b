"""Which tensor is the first wrong one? Above frontends, backends and check; writes no results."""

from mgeconvert.diagnose.reproducer import diagnose_and_save
from mgeconvert.diagnose.result import Diagnosis, Difference, Section
from mgeconvert.diagnose.run import diagnose
from mgeconvert.diagnose.subject import Subject

__all__ = ["Diagnosis", "Difference", "Section", "Subject", "diagnose", "diagnose_and_save"]
