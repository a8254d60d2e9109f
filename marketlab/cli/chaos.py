"""``marketlab chaos``: faults out of a seed, and one verdict."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from marketlab.chaos import FAULTS, PROFILES, Case, Result, cases, ground, keep, kept, rows, run_all, this_code
from marketlab.cli.options import json_option
from marketlab.cli.output import err, out, print_json, table
from marketlab.cli.progress import progress
from marketlab.cli.running import stopping
from marketlab.errors import SettingsError
from marketlab.settings import Settings

__all__ = ["chaos"]

DEFAULT_SEED = 1


@click.command(
    help="Run real processes of the pipeline on a managed broker in a folder to throw away; kill, stop, starve and "
    "restart them by a seeded plan; judge by books, digest against an undisturbed run, and integrity_check. "
    "Exit 1 when anything is lost, doubled or different. Results are kept in the home (chaos/results.jsonl): "
    "stop with Ctrl-C, and the same command goes on where it was, unless the code has changed since."
)
@click.pass_obj
@click.option(
    "--profile",
    type=click.Choice(list(PROFILES)),
    default="short",
    show_default=True,
    help="short: every fault, two minutes; long: a thousand kills and more, an hour or two.",
)
@click.option("--seed", type=click.IntRange(0), default=DEFAULT_SEED, show_default=True, help="Decides the plan.")
@click.option("--fault", "faults", multiple=True, metavar="NAME", help="Only this fault; may be given more than once.")
@click.option("--replay", metavar="CASE", help="Run one case again, as a failure names it: FAULT:TIMES:TICKS:SEED.")
@click.option("--fresh", is_flag=True, help="Run all cases, also those that the home holds results of this code of.")
@json_option
def chaos(
    settings: Settings,
    *,
    profile: str,
    seed: int,
    faults: tuple[str, ...],
    replay: str | None,
    fresh: bool,
    as_json: bool,
) -> None:
    """Prove it under fire."""
    plan = [Case.parse(replay)] if replay else _plan(profile, seed, faults)
    file = settings.home / "chaos" / "results.jsonl"
    # A failure is run again, as is everything that is asked for by name.
    last = {} if fresh or replay else {r.case: r for r in kept(file) if r.code == this_code()}
    known = {case: result for case, result in last.items() if result.passed}
    results = [known[str(case)] for case in plan if str(case) in known]
    reused = len(results)
    todo = [case for case in plan if str(case) not in known]
    if todo:
        with stopping() as stop, _telling(quiet=as_json) as tell:

            def each(result: Result) -> None:
                keep(file, result)
                if not (result.passed or as_json):
                    _tell_failure(result)

            with ground(tell=tell, cache=settings.cache, progress=progress(quiet=as_json)) as place:
                results += run_all(place, todo, stop, profile="replay" if replay else profile, each=each)
    passed = all(result.passed for result in results)
    whole = len(results) == len(plan)
    if as_json:
        print_json(_as_dict(results, passed=passed and whole, cases=len(plan), reused=reused))
    else:
        _show(results, passed=passed, missing=len(plan) - len(results))
        if reused:
            out.print(
                f"[dim]{reused} of {len(plan)} cases were run before, by the same code; --fresh runs them again[/]"
            )
    sys.exit(0 if passed and whole else 1)


def _plan(profile: str, seed: int, faults: tuple[str, ...]) -> list[Case]:
    known = {*FAULTS, "failpoint"}
    unknown = [name for name in faults if name not in known]
    if unknown:
        raise SettingsError(
            f"no fault is called {', '.join(unknown)}",
            mend=f"There are {', '.join(name for name in FAULTS if '/' not in name)}, failpoint, failpoint/NAME.",
        )
    return list(cases(profile, seed=seed, faults=frozenset(faults)))


@contextmanager
def _telling(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """One line at the foot of the terminal that says what is under way."""
    if quiet or not err.is_terminal:
        yield lambda _: None
        return
    with Live(console=err, refresh_per_second=4, transient=True) as live:
        yield lambda text: live.update(Text(f"● {text}  ·  Ctrl-C stops; what is done is kept", style="bold"))


def _tell_failure(result: Result) -> None:
    err.print(f"[bold red]failed[/] {result.case}")
    for problem in result.problems:
        err.print(f"       {escape(problem)}")
    err.print(f"       again: marketlab chaos --replay {result.case}")


def _show(results: Sequence[Result], *, passed: bool, missing: int) -> None:
    shown = table(
        "fault", "#times", "#messages", "#lost", "#doubled", "#refused", "#p50", "#p99", "#seconds", "verdict"
    )
    for row in rows(results):
        shown.add_row(
            row.fault,
            *(f"{number:,}" for number in (row.times, row.messages, row.lost, row.doubled, row.refused)),
            *("–" if value is None else f"{value:.2f} s" for value in (row.recovery_p50_s, row.recovery_p99_s)),
            f"{row.seconds:,.0f}",
            "[green]✓ passed[/]" if row.passed else "[bold red]✗ FAILED[/]",
        )
        for note in row.notes:
            shown.add_row(f"  [dim]{note}[/]")
    out.print(shown)
    out.print(
        "[dim]refused: commits of consumers that were no longer the owner; p50, p99: from fault to next commit[/]"
    )
    failed = [result.case for result in results if not result.passed]
    if failed:
        out.print(f"\n[bold red]✗ FAILED[/]  {len(failed)} of {len(results)} cases:")
        for case in failed:
            out.print(f"  marketlab chaos --replay {case}")
    elif missing:
        out.print(f"\nstopped: {missing} cases are left, the same command goes on")
    elif passed:
        times, messages = sum(r.times for r in results), sum(r.messages for r in results)
        out.print(f"\n[green]✓ PASSED[/]  {times:,} faults, {messages:,} messages, nothing lost, nothing doubled")


def _as_dict(results: Sequence[Result], *, passed: bool, cases: int, reused: int) -> dict[str, object]:
    return {
        "passed": passed,
        "cases": cases,
        "done": len(results),
        "reused": reused,
        "failed": [{"replay": r.case, "problems": r.problems} for r in results if not r.passed],
        "faults": [row.as_dict() for row in rows(results)],
    }
