"""``python -m marketlab`` is the same command as ``marketlab``."""

from marketlab.cli import main

if __name__ == "__main__":
    main()
