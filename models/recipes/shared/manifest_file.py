"""A model's manifest.json: what it is, its files with their checksums, its limits, and what its architecture must know."""

import hashlib
import json


def write_manifest(folder, *, name, version, family, architecture, description, license, source, languages, sample_rate, files, limits, **sections):
    """`files`: role to the path of a file below `folder`. `sections` come behind, in their order. Answers the manifest."""
    manifest = {
        "name": name,
        "version": version,
        "family": family,
        "architecture": architecture,
        "description": description,
        "license": license,
        "source": source,
        "languages": languages,
        "sampleRate": sample_rate,
        "files": {role: described(path, folder) for role, path in files.items()},
        "limits": limits,
        **sections,
    }
    save(folder, manifest)
    return manifest


def amend(folder, section, **values):
    """Other values in a section of a manifest that is there."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest[section] |= values
    save(folder, manifest)


def described(path, folder):
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    return {"path": str(path.relative_to(folder)), "bytes": path.stat().st_size, "sha256": digest.hexdigest()}


def save(folder, manifest):
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
