"""What a trained model's manifest and model card say of how it was made."""

import platform
import subprocess
from importlib.metadata import version


def packages(python, debian):
    """Versions of what a training ran with: of the interpreter, of Python packages, and of Debian packages."""
    return {"python": platform.python_version(), **{name: version(name) for name in python}, "debian": debian_versions(debian)}


def debian_versions(names):
    found = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *names], capture_output=True, text=True)
    return dict(line.split() for line in found.stdout.splitlines())


def update_card(path, figures):
    """Replaces what stands between the markers of a model card."""
    start, end = "<!-- figures -->", "<!-- end of figures -->"
    before, rest = path.read_text().split(start)
    path.write_text(f"{before}{start}\n{figures}\n{end}{rest.split(end)[1]}")
