"""A database for doit that is none: the tasks decide by content, so that nothing need be kept."""

from __future__ import annotations

from typing import Any


class MemoryDB:
    """doit's back end for one run; two runs at once share nothing."""

    def __init__(self, name: str, codec: Any, *, module_name: str | None = None) -> None:
        self.name = name
        self._entries: dict[str, dict[str, Any]] = {}

    def dump(self) -> None:
        """Keep nothing."""

    def set(self, task_id: str, dependency: str, value: Any) -> None:
        """Remember a value for the rest of the run."""
        self._entries.setdefault(task_id, {})[dependency] = value

    def get(self, task_id: str, dependency: str) -> Any:
        """Return a value of this run, or None."""
        return self._entries.get(task_id, {}).get(dependency)

    def in_(self, task_id: str) -> bool:
        """Say whether this run has values of the task."""
        return task_id in self._entries

    def remove(self, task_id: str) -> None:
        """Forget a task."""
        self._entries.pop(task_id, None)

    def remove_all(self) -> None:
        """Forget everything."""
        self._entries.clear()
