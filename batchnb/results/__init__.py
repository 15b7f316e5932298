"""Results: records in; frames, charts and reports out."""
