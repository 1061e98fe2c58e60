"""A federation beyond one machine: what `serve`, `join` and `keys` do.

Reading order: serving, joining, devices, flower, guard, trust, keys, planning.
"""
