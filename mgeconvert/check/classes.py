"""Top-1 classes over a data set, before and after (numpy only)."""

from __future__ import annotations

import numpy as np

from mgeconvert.check.result import Top1
from mgeconvert.check.runners.protocol import Array, Arrays
from mgeconvert.errors import ConvertError


class Classes:
    """Counts how often source and artifact name the same class, and the right one.

    The class of a row is the index of the largest value of its scores, the first of equals. Scores
    are the first output of two or more axes: shape (rows, classes, ...), flattened per row.
    """

    def __init__(self, labels: Array | None) -> None:
        self.labels = labels
        self.rows = self.agree = self.source_right = self.artifact_right = 0
        self.output = ""
        self.comparable = True

    def add(self, got: Arrays, want: Arrays, *, rows: int | None) -> None:
        """Count the first `rows` rows of a run, None for all; ConvertError without any scores."""
        scores = [name for name, array in want.items() if array.ndim >= 2]
        if not scores:
            raise ConvertError("metric top1 needs an output of shape (rows, classes)")
        self.output = scores[0]
        if got[self.output].shape != want[self.output].shape:
            self.comparable = False
        if not self.comparable:
            return
        mine, its = (
            np.argmax(outputs[self.output].reshape(len(outputs[self.output]), -1), axis=1)[:rows]
            for outputs in (got, want)
        )
        self.agree += int(np.sum(mine == its))
        if self.labels is not None:
            right = self.labels[self.rows : self.rows + len(its)]
            if len(right) < len(its):
                raise ConvertError(f"there are {len(self.labels)} labels for more rows of samples")
            self.source_right += int(np.sum(its == right))
            self.artifact_right += int(np.sum(mine == right))
        self.rows += len(its)

    def result(self) -> Top1 | None:
        """Return the counts, None where nothing could be compared; each label must have its row."""
        if not self.rows or not self.comparable:
            return None
        if self.labels is None:
            return Top1(self.output, self.rows, self.agree, None, None)
        if len(self.labels) != self.rows:
            raise ConvertError(f"there are {len(self.labels)} labels for {self.rows} rows")
        return Top1(self.output, self.rows, self.agree, self.source_right, self.artifact_right)
