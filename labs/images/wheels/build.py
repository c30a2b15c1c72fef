"""Makes wheels of the folders beside this file and a static package index (PEP 503, with PEP 658 metadata) of them.

    python build.py INDEX_FOLDER

Runs with nothing but Python's standard library. The same sources give the same bytes.
"""

import base64
import hashlib
import html
import io
import sys
import tomllib
import zipfile
from pathlib import Path

# The earliest time a zip can hold: fixed, so that a wheel's digest says something about its content only.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def metadata(project: dict) -> str:
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"Requires-Python: {project.get('requires-python', '>=3.11')}",
    ]
    lines += [f"Requires-Dist: {requirement}" for requirement in project.get("dependencies", [])]
    return "\n".join(lines) + "\n"


def wheel(source: Path) -> tuple[str, str, bytes, str]:
    """Gives name, file name, bytes and metadata of the wheel made from a folder with a pyproject.toml."""
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    distribution = project["name"].replace("-", "_")
    info = f"{distribution}-{project['version']}.dist-info"
    files: dict[str, bytes] = {}
    for path in sorted(source.rglob("*.py")):
        files[path.relative_to(source).as_posix()] = path.read_bytes()
    text = metadata(project)
    files[f"{info}/METADATA"] = text.encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: slipway\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    if scripts := project.get("scripts"):
        entry_points = "[console_scripts]\n" + "".join(f"{name} = {target}\n" for name, target in scripts.items())
        files[f"{info}/entry_points.txt"] = entry_points.encode()
    record = "".join(f"{name},sha256={digest(data)},{len(data)}\n" for name, data in files.items())
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return project["name"], f"{distribution}-{project['version']}-py3-none-any.whl", buffer.getvalue(), text


def page(title: str, links: list[str]) -> str:
    body = "<br>\n".join(links)
    return f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>\n<body>\n{body}\n</body></html>\n'


def main(index: Path) -> None:
    simple = index / "simple"
    links: dict[str, list[str]] = {}
    for source in sorted(path.parent for path in Path(__file__).parent.glob("*/pyproject.toml")):
        name, file_name, data, text = wheel(source)
        folder = simple / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file_name).write_bytes(data)
        (folder / f"{file_name}.metadata").write_text(text)
        described = f"sha256={hashlib.sha256(text.encode()).hexdigest()}"
        address = f"{file_name}#sha256={hashlib.sha256(data).hexdigest()}"
        links.setdefault(name, []).append(f'<a href="{html.escape(address)}" data-core-metadata="{described}" data-dist-info-metadata="{described}">{file_name}</a>')
        print(f"{file_name}: {len(data)} bytes")
    for name, files in links.items():
        (simple / name / "index.html").write_text(page(name, files))
    (simple / "index.html").write_text(page("Orchard's packages", [f'<a href="{name}/">{name}</a>' for name in sorted(links)]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
