"""The incremental build: keys, store, workers, publishing, doit; uses every layer below."""
