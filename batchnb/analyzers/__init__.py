"""The analyses: what each does with one app, on real tools."""
