"""``python -m core.cli``: the command line where the ``labelloop`` script is not on the PATH."""

from core.cli.app import main

if __name__ == "__main__":
    main()
