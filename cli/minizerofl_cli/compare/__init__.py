"""What `minizerofl compare` does; to be read in this order: statistics, groups, measures, comparison, tables, page."""
