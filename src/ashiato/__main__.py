"""`python -m ashiato` is the command `ashiato`."""

from ashiato.cli import main

if __name__ == "__main__":
    main()
