"""Which tensor is the first wrong one? Above frontends, backends and check; writes no results."""
