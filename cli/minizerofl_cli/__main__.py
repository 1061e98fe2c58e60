"""Makes ``python -m minizerofl_cli`` the same as ``minizerofl``."""

from minizerofl_cli.main import main

if __name__ == "__main__":
    main()
