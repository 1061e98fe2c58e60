"""The command line: the only place where the framework and the data sets meet."""
