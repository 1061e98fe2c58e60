"""Makes ``python -m minizerofl_cli`` the same as ``minizerofl``; imports nothing before Ctrl-C is taken care of."""

import signal


def main() -> None:
    """Run the program. Ctrl-C while it is still being imported ends the process without a traceback."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # It may also be ignored, as in a background job.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from minizerofl_cli.main import main as run

    signal.signal(signal.SIGINT, before)
    run()


if __name__ == "__main__":
    main()
