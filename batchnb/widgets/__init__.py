"""Widgets: jobs configured, watched and cancelled in a notebook, on the widgets extra.

`BatchPanel` and `JobView` are the views; presenters say in plain data what they show; one publisher thread
per view writes it to the page.
"""
