"""The work of `minizerofl data`: listing data sets, getting them, and drawing them."""
