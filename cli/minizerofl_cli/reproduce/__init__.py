"""What `minizerofl reproduce` is made of: recipe (what the paper did and found), experiment (its runs), table."""
