//! Renderers of a report: terminal, JSON, Markdown, HTML, SARIF, JUnit. Pure functions.
