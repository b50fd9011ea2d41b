"""Reports as pure functions of records: JSON, Markdown, HTML, JUnit, and lines for a terminal."""
