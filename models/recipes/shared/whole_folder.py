"""Folders that take long to make: a run that is interrupted leaves none that is half done."""

import shutil


def made(folder, make):
    """Has `make` fill a folder, where it is not there yet."""
    if folder.exists():
        return
    print(f"making {folder}", flush=True)
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    make(unfinished)
    unfinished.rename(folder)
