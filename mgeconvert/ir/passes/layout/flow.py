"""The least cut between two points of a network of pipes, by Dinic's algorithm; plain Python."""

from __future__ import annotations

from collections import deque

ENDLESS = 1 << 200


class Pipes:
    """Points 0, 1 ... with one-way pipes between them; 0 is the source, 1 the drain."""

    def __init__(self) -> None:
        self._ends: list[list[int]] = [[], []]  # the pipes at each point
        self._to: list[int] = []
        self._room: list[int] = []

    def point(self) -> int:
        """Add a point."""
        self._ends.append([])
        return len(self._ends) - 1

    def pipe(self, start: int, end: int, room: int) -> None:
        """Add a pipe; its way back has the next number and no room."""
        for a, b, size in ((start, end, room), (end, start, 0)):
            self._ends[a].append(len(self._to))
            self._to.append(b)
            self._room.append(size)

    def cut(self) -> list[bool]:
        """Return for each point whether it stays connected to the drain after the least cut.

        Of several least cuts this is the one that is nearest to the drain.
        """
        while True:
            levels = self._levels()
            if levels[1] < 0:
                break
            self._fill(levels)
        return self._drained()

    def _levels(self) -> list[int]:
        levels = [-1] * len(self._ends)
        levels[0] = 0
        queue = deque([0])
        while queue:
            point = queue.popleft()
            for pipe in self._ends[point]:
                end = self._to[pipe]
                if self._room[pipe] and levels[end] < 0:
                    levels[end] = levels[point] + 1
                    queue.append(end)
        return levels

    def _fill(self, levels: list[int]) -> None:
        """Send through the pipes that lead one level down, until none reaches the drain."""
        tried = [0] * len(self._ends)
        path: list[int] = []
        point = 0
        while True:
            if point == 1:
                point = self._send(path)
                continue
            pipe = self._next(point, levels, tried)
            if pipe is not None:
                path.append(pipe)
                point = self._to[pipe]
            elif path:
                point = self._to[path.pop() ^ 1]
                tried[point] += 1
            else:
                return

    def _next(self, point: int, levels: list[int], tried: list[int]) -> int | None:
        pipes = self._ends[point]
        while tried[point] < len(pipes):
            pipe = pipes[tried[point]]
            if self._room[pipe] and levels[self._to[pipe]] == levels[point] + 1:
                return pipe
            tried[point] += 1
        return None

    def _send(self, path: list[int]) -> int:
        """Fill a path to the drain; return where its first full pipe begins."""
        room = min(self._room[pipe] for pipe in path)
        first = -1
        for place, pipe in enumerate(path):
            self._room[pipe] -= room
            self._room[pipe ^ 1] += room
            if first < 0 and not self._room[pipe]:
                first = place
        start = self._to[path[first] ^ 1]
        del path[first:]
        return start

    def _drained(self) -> list[bool]:
        reached = [False] * len(self._ends)
        reached[1] = True
        queue = deque([1])
        while queue:
            for pipe in self._ends[queue.popleft()]:
                start = self._to[pipe]
                if self._room[pipe ^ 1] and not reached[start]:
                    reached[start] = True
                    queue.append(start)
        return reached
