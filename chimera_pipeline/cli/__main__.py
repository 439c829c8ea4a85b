"""`python -m chimera_pipeline.cli`: the command without the short way of `chimera_pipeline.__main__`."""

from chimera_pipeline.cli import main

if __name__ == "__main__":
    main()
