"""The report a plant manager reads: HTML, Markdown and JUnit of one verdict."""
