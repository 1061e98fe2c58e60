"""What `minizerofl reproduce` is made of: recipe (what the paper did and found), table, experiment (the runs)."""
