"""``python -m safecompress``: the command line."""

from safecompress_core.cli import main

if __name__ == "__main__":
    main()
