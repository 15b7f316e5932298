"""Files for other programs and people: tables, bundles, Markdown, LaTeX."""
