"""The paper's tables and figures, and what else the method has to show: one file an item, read top to bottom.

``items`` lists them; ``study`` holds what a run of one is given, ``item`` what every one of them goes through.
"""
