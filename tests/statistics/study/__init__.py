"""The error rates of the decisions, measured by simulation and on real data, beside the peers' rules.

``python -m tests.statistics.study`` prints the whole table in full size; the tests run it reduced.
"""
