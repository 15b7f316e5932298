"""Much at once: a million rows from a store into frames, column by column."""
