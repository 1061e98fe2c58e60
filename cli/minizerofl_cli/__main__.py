"""Lets ``python -m minizerofl_cli`` do what ``minizerofl`` does."""

from minizerofl_cli.main import main

if __name__ == "__main__":
    main()
