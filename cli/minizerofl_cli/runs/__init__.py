"""What the commands do with runs: plan, conduct, continue, repeat over a grid, and evaluate them."""
