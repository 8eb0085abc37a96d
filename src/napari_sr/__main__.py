"""Run the command line: `python -m napari_sr`."""

from napari_sr.cli.app import main

if __name__ == "__main__":
    main()
