"""What `minizerofl expect` is made of: expected (the figures in the package), judge (a run against them)."""
