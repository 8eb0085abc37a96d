"""Run the command line: `python -m napari_sr`."""

from napari_sr.cli import main

if __name__ == "__main__":
    main()
