"""The command line: the only place where the framework and the data sets meet.

From top to bottom, each package uses those below it: commands (options only), data and bench (the work of one command
each), runs (what the commands share), screen (what people see).
"""
