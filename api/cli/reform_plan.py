"""What `pinward wards reform plan` says to people."""

from collections.abc import Iterator

from api.cli.console import several
from geo.reports.reform.plan import Plan

SAID_AT_MOST = 20

# What comes after a plan, by the state of its reform.
_NEXT = {
    None: "`pinward wards reform apply --to {set_name}` does it.",
    "scheduled": "The worker does it when the day has come.",
    "applying": "It was begun: `pinward wards reform apply --to {set_name}` ends it.",
    "applied": "It was applied already; run again, `apply` moves what came late.",
    "undoing": "It is being undone: `pinward wards reform undo --to {set_name}` ends that.",
}


def lines(found: Plan) -> Iterator[str]:
    """The plan for people: numbers first, then what needs a look."""
    totals = found.as_json()["totals"]
    state = f" ({found.state})" if found.state else ""
    before, after, others = (totals[f"wards_{when}"] for when in ("before", "after", "going_on"))
    beside = (
        f"; the city's {several(others, 'other ward goes', 'other wards go')} on" if others else ""
    )
    yield (
        f"{found.set_name}{state}: {several(before, 'ward is', 'wards are')} replaced by {after} "
        f"on {found.in_force_on}{beside}"
    )
    yield (
        f"  {several(totals['open'], 'open report', 'open reports')}: "
        f"{several(totals['moving'], 'moves', 'move')} to another ward, "
        f"{several(totals['renewed'], 'gets', 'get')} the new version of theirs, "
        f"{several(totals['outside'], 'lies in none and stays', 'lie in none and stay')}"
    )
    if totals["first"]:
        first = several(totals["first"], "in no ward until now gets", "in no ward until now get")
        yield f"  {first} one"
    yield (
        f"  {totals['ambiguous']} may lie in another ward too, {totals['newly_ambiguous']} of them "
        "could not before"
    )
    yield (
        f"  ground lost {totals['lost_m2'] / 1e6:,.3f} km², gained "
        f"{totals['gained_m2'] / 1e6:,.3f} km²; slivers left out {totals['slivers_m2']:,.0f} m²"
    )
    fates = found.fates
    yield (
        f"  {several(len(fates.split), 'ward is', 'wards are')} split, {len(fates.merged)} made of "
        f"several; {several(len(fates.same), 'stays', 'stay')}, "
        f"{several(len(fates.renamed), 'is', 'are')} renamed, "
        f"{several(len(fates.recoded), 'gets', 'get')} another code, "
        f"{several(len(fates.ended), 'ends', 'end')} without a successor"
    )
    moving = sorted(found.pairs, key=lambda pair: (-pair.moving, pair.old.code, pair.new.code))
    yield from _some(
        ("pair of wards by reports that move", "pairs of wards by reports that move"),
        [
            f"{p.old.code} {p.old.name} → {p.new.code} {p.new.name}: "
            f"{several(p.moving, f'of {p.open} moves', f'of {p.open} move')}, "
            f"{p.of_old:.1%} of the old ward, {p.of_new:.1%} of the new, {p.ambiguous} ambiguous"
            for p in moving
            if p.moving
        ],
    )
    yield from _some(
        ("reused code", "reused codes"),
        [f"{old.code} was {old.name}, would be {new.name}" for old, new in fates.reused],
    )
    yield from _some(
        ("account to look at", "accounts to look at"),
        [one.sentence() for one in found.pointing.accounts],
    )
    yield from _some(
        ("alert that names wards which end", "alerts that name wards which end"),
        [f"{row.id} {row.headline_vi}, until {row.expires_at}" for row in found.pointing.alerts],
    )
    yield from _some(
        ("committee whose ward ends", "committees whose ward ends"),
        [f"{row.code} {row.name_vi}: {row.open} open" for row in found.pointing.committees],
    )
    if found.mapped:
        yield from _some(
            (
                "disagreement between mapping and boundaries",
                "disagreements between mapping and boundaries",
            ),
            [one.sentence() for one in found.disagreements],
        )
    yield f"Nothing was changed. {_NEXT[found.state].format(set_name=found.set_name)}"


def _some(what: tuple[str, str], said: list[str]) -> Iterator[str]:
    yield several(len(said), *what)
    yield from (f"  {line}" for line in said[:SAID_AT_MOST])
    if len(said) > SAID_AT_MOST:
        yield f"  … and {len(said) - SAID_AT_MOST} more: --json lists them"
