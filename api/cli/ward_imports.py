"""What `pinward wards import` says."""

from api.cli.console import say
from geo.errors import RefusedImport
from geo.wards.features import WardFile
from geo.wards.findings import Findings, counted
from geo.wards.importing import Imported
from geo.wards.reform.corrected import Correction
from geo.wards.repair import Repairs


def refuse(found: Findings) -> None:
    """Raise `RefusedImport` with the defects of a file and how to mend them."""
    mend = (
        "Run it again with --repair to mend them (and --dry-run to see first what would change)."
        if found.mendable
        else "Mend the source."
    )
    raise RefusedImport(
        "\n".join(
            [
                f"{found.source} has defects, so nothing was imported:",
                *(f"  {line}" for line in found.defect_lines()),
                mend,
            ]
        )
    )


def tell(
    file: WardFile,
    found: Findings,
    repairs: Repairs | None,
    done: Imported,
    corrected: Correction | None,
) -> None:
    """Say what an import did."""
    area = sum(feature.area_m2 for feature in found.features)
    say(f"{file.source}: {counted(len(file), 'ward')}, {area / 1e6:,.2f} km²")
    for note in file.notes:
        say(f"  note: {note}")
    for line in repairs.lines() if repairs else []:
        say(f"  {line}")
    for line in corrected.lines() if corrected else ():
        say(f"  {line}")
    if done.ended:
        ending = "older ward ends" if len(done.ended) == 1 else "older wards end"
        say(f"  {len(done.ended)} {ending} on {done.valid_from}")
    if done.ending_again:
        ending = "ward ends" if len(done.ending_again) == 1 else "wards end"
        say(f"  {len(done.ending_again)} {ending} again where a later set begins")
