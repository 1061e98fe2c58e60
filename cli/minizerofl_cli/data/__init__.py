"""`minizerofl data`: what there is, getting it, and looking at it."""
