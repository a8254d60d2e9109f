"""``python -m api`` is ``marketlab serve``."""

from marketlab.cli.serve import main

if __name__ == "__main__":
    main()
