"""Options of every command.  No logic, and no import that a --help would pay for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import click

from harness import __version__
from harness.core.errors import HarnessError

if TYPE_CHECKING:
    from harness.registry import Workspace

P = ParamSpec("P")
INTERRUPTED = 130  # 128 + SIGINT, as shells count

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
budgeted = click.option(
    "--budget", type=click.FloatRange(min=0, min_open=True), help="Minutes after which no further run is asked for."
)
on_device = click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
with_threads = click.option("--threads", type=click.IntRange(min=1), help="CPU threads; every usable core if left out.")


class Opener:
    """Opens the workspace when a command wants it, so that --help reads no file."""

    def __init__(self, workspace: Path | None, data_dir: Path | None) -> None:
        self._workspace = workspace
        self._data_dir = data_dir

    def __call__(self) -> Workspace:
        from harness.registry import open_workspace

        return open_workspace(start=Path.cwd(), explicit=self._workspace, data_dir=self._data_dir, environ=os.environ)


opens = click.make_pass_decorator(Opener)


def main() -> None:
    """Run the command line; errors become what, where and what to do, and an exit code."""
    try:
        result = cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        _interrupted()
    except KeyboardInterrupt:
        _interrupted()
    except HarnessError as error:
        for message in error.messages:
            click.echo(f"error: {message}", err=True)
        if error.hint:
            click.echo(f"hint: {error.hint}", err=True)
        sys.exit(error.code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(result if isinstance(result, int) else 0)


def _interrupted() -> None:
    click.echo("interrupted: the run that was going is marked so; finished ones are kept", err=True)
    sys.exit(INTERRUPTED)


def stops_cleanly(command: Callable[P, int]) -> Callable[P, int]:
    """SIGTERM ends a command as Ctrl-C does: the run is marked, its processes are gone."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> int:
        import signal

        signal.signal(signal.SIGTERM, signal.default_int_handler)
        return command(*args, **kwargs)

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--workspace", type=click.Path(path_type=Path), help="Folder with your models/ and .harness/.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder that holds data sets (HARNESS_DATA_DIR).")
@click.version_option(__version__, prog_name="harness")
@click.pass_context
def cli(context: click.Context, workspace: Path | None, data_dir: Path | None) -> None:
    """Retrain reference models from scratch and compare them with published numbers.

    Exit status: 0 every verdict is PASS; 1 a regression or an unexplained improvement; 2 the request
    is wrong; 3 a run could not be made; 4 undecided or nothing to compare with.
    """
    context.obj = Opener(workspace, data_dir)


@cli.command("list")
@as_json
@opens
def list_(opened: Opener, as_json: bool) -> int:
    """Show the models, their recipes and references."""
    from harness.commands.list_models import list_models, models_table

    models = list_models(opened())
    click.echo(_dump({"models": models}) if as_json else models_table(models))
    return 0


@cli.command()
@click.argument("model", required=False)
@click.option("--all", "every", is_flag=True, help="Every model, the most informative runs first.")
@click.option("--recipe", "-r", help="A recipe, with --all also a tag of recipes; the default one if left out.")
@click.option("--framework", "-f", "frameworks", multiple=True, help="torch, tensorflow or numpy; all if left out.")
@click.option("--environment", "-e", "environments", multiple=True, help="From harness env list, or 'current'.")
@click.option("--seed", "seeds", type=click.IntRange(min=0), multiple=True, help="Run this seed (repeatable).")
@click.option("--seeds", "count", type=click.IntRange(min=1), help="Run seeds 0 to N-1 at the first look.")
@click.option("--max-seeds", type=click.IntRange(min=1), help="Never ask for more runs than this.")
@click.option("--resume", metavar="RUN", help="Go on with an interrupted run, as a new one that says so.")
@click.option("--init-from", metavar="RUN", default="", help="Start from the final weights that RUN kept.")
@click.option("--keep-weights", is_flag=True, help="Store the final weights in the run's folder.")
@budgeted
@on_device
@with_threads
@click.option("--devices", type=click.IntRange(min=1), default=1, show_default=True, help="Train on so many together.")
@click.option(
    "--jobs", type=click.IntRange(min=1), help="Runs beside each other; as many as the cores hold if left out."
)
@as_json
@opens
@stops_cleanly
def run(
    opened: Opener,
    model: str | None,
    every: bool,
    recipe: str | None,
    frameworks: tuple[str, ...],
    environments: tuple[str, ...],
    seeds: tuple[int, ...],
    count: int | None,
    max_seeds: int | None,
    resume: str | None,
    init_from: str,
    keep_weights: bool,
    budget: float | None,
    device: str,
    threads: int | None,
    devices: int,
    jobs: int | None,
    as_json: bool,
) -> int:
    """Retrain MODEL, or --all, from scratch and judge it against its references."""
    if resume:
        chosen = (
            model,
            every,
            recipe,
            frameworks,
            environments,
            seeds,
            count,
            max_seeds,
            init_from,
            budget,
            threads,
            jobs,
        )
        if any(chosen) or device != "auto":
            raise click.UsageError("--resume goes on with a stored run: leave the other choices out")
        from harness.commands.resume import resume as go_on

        outcome = go_on(opened(), resume, keep_weights=keep_weights)
        _show_runs(outcome.records, outcome.verdicts, outcome.report, as_json)
        return outcome.exit_code
    if every and init_from:
        raise click.UsageError("--init-from starts one model, not --all")
    if every == bool(model):
        raise click.UsageError("name a MODEL, or say --all")
    from harness.commands.cell import Request
    from harness.commands.run import run as run_model
    from harness.commands.run import run_all

    request = Request(
        model=model or "",
        recipe=recipe,
        frameworks=frameworks,
        environments=environments,
        seeds=tuple(dict.fromkeys((*seeds, *range(count or 0)))),
        max_seeds=max_seeds,
        budget_minutes=budget,
        device=device,
        threads=threads,
        devices=devices,
        jobs=jobs,
        keep_weights=keep_weights,
        init_from=init_from,
    )
    outcome = (run_all if every else run_model)(opened(), request)
    _show_runs(outcome.records, outcome.verdicts, outcome.report, as_json)
    return outcome.exit_code


@cli.command()
@click.argument("sides", nargs=2, metavar="A B")
@click.option("--model", "-m", help="The model to run in both environments.")
@click.option("--recipe", "-r", help="One of its recipes; its default one and its first timed one if left out.")
@click.option("--max-pairs", type=click.IntRange(min=1), default=12, show_default=True, help="Never make more pairs.")
@budgeted
@on_device
@with_threads
@as_json
@opens
@stops_cleanly
def compare(
    opened: Opener,
    sides: tuple[str, str],
    model: str | None,
    recipe: str | None,
    max_pairs: int,
    budget: float | None,
    device: str,
    threads: int | None,
    as_json: bool,
) -> int:
    """Judge environment B against A, run side by side on this machine; of two runs, say what differs."""
    from harness.commands.differences import are_runs

    if are_runs(sides):
        return _differences(opened(), sides, as_json)
    if model is None:
        raise click.UsageError("name the --model to run in both environments")
    from harness.commands.bench import Request
    from harness.commands.compare import compare as compare_environments

    request = Request(
        model=model,
        environments=sides,
        recipe=recipe,
        max_pairs=max_pairs,
        budget_minutes=budget,
        device=device,
        threads=threads,
    )
    outcome = compare_environments(opened(), request)
    _show_runs(outcome.records, outcome.verdicts, outcome.report, as_json)
    return outcome.exit_code


@cli.command()
@click.argument("model")
@click.option("-n", "pairs", type=click.IntRange(min=1), default=20, show_default=True, help="Pairs to make.")
@click.option("--recipe", "-r", help="One of its recipes of mode speed; the first one if left out.")
@click.option("--environment", "-e", required=True, help="The environment that runs against itself.")
@budgeted
@on_device
@with_threads
@as_json
@opens
@stops_cleanly
def aa(
    opened: Opener,
    model: str,
    pairs: int,
    recipe: str | None,
    environment: str,
    budget: float | None,
    device: str,
    threads: int | None,
    as_json: bool,
) -> int:
    """Run MODEL against itself: this machine's noise, and what can be seen here with how many runs."""
    from harness.commands.aa import measure_noise, noise_text
    from harness.commands.bench import Request

    request = Request(
        model=model,
        environments=(environment, environment),
        recipe=recipe,
        max_pairs=pairs,
        budget_minutes=budget,
        device=device,
        threads=threads,
    )
    found = measure_noise(opened(), request)
    click.echo(_dump(found) if as_json else noise_text(found))
    return 0


def _words(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Repeated options and lists with commas are the same."""
    return tuple(dict.fromkeys(word for value in values for word in value.split(",") if word))


@cli.command()
@click.option("--models", multiple=True, callback=_words, help="Names, repeated or with commas between them.")
@click.option("--environments", multiple=True, callback=_words, help="Names from harness env list.")
@click.option("--recipes", multiple=True, callback=_words, help="Names or tags; each model's default if left out.")
@click.option("--seeds", type=click.IntRange(min=1), help="Seeds 0 to N-1 at the first look; the recipe's number.")
@click.option("--max-seeds", type=click.IntRange(min=1), help="Never ask for more runs of a cell than this.")
@budgeted
@click.option("--resume", is_flag=False, flag_value="latest", metavar="[NIGHT]", help="Go on with a night.")
@click.option("--dry-run", is_flag=True, help="Show the cells and their minutes; run nothing.")
@as_json
@opens
@stops_cleanly
def matrix(
    opened: Opener,
    models: tuple[str, ...],
    environments: tuple[str, ...],
    recipes: tuple[str, ...],
    seeds: int | None,
    max_seeds: int | None,
    budget: float | None,
    resume: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Run models in environments, one cell after another, and show what became of each."""
    from harness.commands.matrix import matrix as run_matrix
    from harness.commands.matrix import resume as resume_night
    from harness.commands.night import plan_night

    workspace = opened()
    if resume:
        if models or environments or recipes or seeds or max_seeds or dry_run:
            raise click.UsageError("--resume goes on with a stored plan: leave the other choices out")
        return _show_night(resume_night(workspace, resume, budget), as_json)
    if not models or not environments:
        raise click.UsageError("name --models and --environments, or say --resume")
    plan = plan_night(
        workspace, models=models, environment_names=environments, recipes=recipes, seeds=seeds, max_seeds=max_seeds
    )
    if dry_run:
        return _show_plan(plan, as_json)
    return _show_night(run_matrix(workspace, plan, budget), as_json)


@cli.command()
@click.option("--dry-run", is_flag=True, help="Show the cells and their minutes; run nothing.")
@as_json
@opens
@stops_cleanly
def nightly(opened: Opener, dry_run: bool, as_json: bool) -> int:
    """Run the plan of harness.toml's [nightly]; a night that was stopped is gone on with."""
    from harness.commands.nightly import nightly as run_nightly
    from harness.commands.nightly import nightly_plan

    if dry_run:
        return _show_plan(nightly_plan(opened()), as_json)
    return _show_night(run_nightly(opened()), as_json)


@cli.command()
@click.option("--max-age", default="26h", show_default=True, help="The oldest last night that is well: 90m, 26h, 2d.")
@as_json
@opens
def status(opened: Opener, max_age: str, as_json: bool) -> int:
    """Fail when no night was finished lately."""
    from harness.commands.status import night_status, status_text

    found = night_status(opened(), max_age)
    click.echo(_dump(found) if as_json else status_text(found))
    return 0 if found["well"] else 3


@cli.command()
@click.argument("model", required=False)
@click.option(
    "--format",
    type=click.Choice(["html", "markdown", "junit", "json", "csv"]),
    default="html",
    show_default=True,
    help="What stdout gets; the pages are written in any case.",
)
@as_json
@opens
def report(opened: Opener, model: str | None, format: str, as_json: bool) -> int:
    """Judge stored runs by today's baselines and write the HTML pages."""
    if as_json and format not in ("html", "json"):
        raise click.UsageError(f"--json and --format {format} exclude each other")
    from harness.commands.report import report as report_runs
    from harness.core.verdicts import exit_code
    from reports.formats import DOCUMENTS

    records, verdicts, path = report_runs(opened(), model)
    if format in DOCUMENTS:
        click.echo(DOCUMENTS[format](verdicts, records))
    else:
        _show_runs(records, verdicts, path, as_json or format == "json")
    return exit_code(verdicts)


@cli.command()
@click.argument("model", required=False)
@as_json
@opens
def check(opened: Opener, model: str | None, as_json: bool) -> int:
    """Judge stored runs again; say which verdicts changed since they were said last, and why."""
    from harness.commands.check import check as check_runs
    from reports.json_view import change_json
    from reports.terminal import change_lines

    outcome, changes = check_runs(opened(), model)
    _show_runs(outcome.records, outcome.verdicts, outcome.report, as_json, changes=list(map(change_json, changes)))
    if not as_json:
        click.echo(change_lines(changes))
    return outcome.exit_code


@cli.command()
@click.argument("model")
@click.option("--recipe", "-r", help="Only this recipe.")
@click.option("--metric", help="Only this metric.")
@click.option("--figure", type=click.Path(dir_okay=False, path_type=Path), help="Draw it too: a .png, .pdf or .svg.")
@as_json
@opens
def history(
    opened: Opener, model: str, recipe: str | None, metric: str | None, figure: Path | None, as_json: bool
) -> int:
    """Show MODEL's metrics over the nights: changes, since when, and drift."""
    from harness.commands.history import history as follow_history

    found, path = follow_history(opened(), model, recipe=recipe, metric=metric, figure=figure)
    if as_json:
        from reports.json_view import trend_json

        click.echo(_dump({"history": [trend_json(trend) for trend in found], "report": str(path)}))
        return 0
    from reports.terminal import trend_text

    click.echo(f"{trend_text(found)}\n\nreport: {path}")
    return 0


@cli.group()
def baseline() -> None:
    """Record what was measured as a reference."""


@baseline.command("record")
@click.argument("model")
@click.option("--recipe", "-r", help="One of the model's recipes; its default one if left out.")
@click.option("--environment", "-e", help="Only runs in this environment.")
@click.option("--reason", required=True, help="Why these values are the reference from now on.")
@click.option("--runs", type=click.IntRange(min=2), help="Refuse with fewer runs than this.")
@click.option("--earlier", is_flag=True, help="Compare nothing with them: they count with later runs of their making.")
@as_json
@opens
def baseline_record(
    opened: Opener,
    model: str,
    recipe: str | None,
    environment: str | None,
    reason: str,
    runs: int | None,
    earlier: bool,
    as_json: bool,
) -> int:
    """Append the stored runs of MODEL to the workspace's baselines/MODEL.toml."""
    from harness.commands.baseline import record_baseline
    from harness.core.show import show

    path, references = record_baseline(
        opened(), model, recipe_name=recipe, environment=environment, reason=reason, runs=runs, earlier=earlier
    )
    if as_json:
        import dataclasses

        click.echo(_dump({"path": str(path), "references": [dataclasses.asdict(item) for item in references]}))
        return 0
    for item in references:
        click.echo(f"{path}: {item.recipe} {item.metric} in {item.environment}: {len(item.values)} runs")
        click.echo(f"  mean {show(item.value, '')}, values {', '.join(f'{value:.6g}' for value in item.values)}")
    return 0


@cli.group()
def data() -> None:
    """Data sets: list, fetch, prepare, verify."""


@data.command("list")
@as_json
@opens
def data_list(opened: Opener, as_json: bool) -> int:
    """Show the data sets that recipes can name."""
    from harness.commands.data import data_table, list_data

    sets = list_data(opened())
    click.echo(_dump({"datasets": sets}) if as_json else data_table(sets))
    return 0


@data.command("fetch")
@click.argument("name")
@as_json
@opens
def data_fetch(opened: Opener, name: str, as_json: bool) -> int:
    """Fetch and prepare NAME; at once when it is there already."""
    from harness.commands.data import fetch_data

    found = fetch_data(opened(), name, verify=False)
    click.echo(_dump(found) if as_json else f"{found['name']}: {found['path']}\n{found['digest']}")
    return 0


@data.command("prepare")
@click.argument("name")
@click.option(
    "--short-side",
    type=click.IntRange(min=0),
    default=256,
    show_default=True,
    metavar="PIXELS",
    help="Resize larger images to this; 0 keeps every file as it is.",
)
@click.option("--into", type=click.Path(path_type=Path), metavar="DIR", help="Folder on a disk that has the room.")
@as_json
@opens
def data_prepare(opened: Opener, name: str, short_side: int, into: Path | None, as_json: bool) -> int:
    """Make the images of NAME into a few files that a training maps into memory, once.

    From an image folder or TFRecord files under a data root.  Says how large it will be and how long it will
    take before it starts, goes on where it was killed, and checks every byte at its end.  A training reads it
    instead of the folder where it lies in the workspace or under a data root.
    """
    from harness.commands.data import make_data

    found = make_data(opened(), name, short_side=short_side, into=into)
    click.echo(_dump(found) if as_json else f"{found['name']}: {found['path']}\n{found['digest']}")
    return 0


@data.command("verify")
@click.argument("name")
@as_json
@opens
def data_verify(opened: Opener, name: str, as_json: bool) -> int:
    """Read every byte of NAME again and compare it with the pinned digests."""
    from harness.commands.data import fetch_data

    found = fetch_data(opened(), name, verify=True)
    click.echo(_dump(found) if as_json else f"{found['name']}: every file is as expected\n{found['digest']}")
    return 0


@cli.group()
def env() -> None:
    """Environments: list, discover, add, build, lock, remove."""


@env.command("list")
@as_json
@opens
def env_list(opened: Opener, as_json: bool) -> int:
    """Show the environments and which of them are built."""
    from harness.commands.env import environments_table, list_environments

    found = list_environments(opened())
    click.echo(_dump({"environments": found}) if as_json else environments_table(found))
    return 0


@env.command("discover")
@click.argument("package")
@click.option("--since", help="Leave out versions older than this.")
@as_json
@opens
def env_discover(opened: Opener, package: str, since: str | None, as_json: bool) -> int:
    """Ask the package index which versions of PACKAGE (torch, tensorflow-cpu, ...) exist for this platform."""
    from harness.commands.env import discover_versions, versions_table

    found = discover_versions(opened(), package, since)
    click.echo(_dump(found) if as_json else versions_table(found))
    return 0


@env.command("add")
@click.argument("requirement")
@click.option("--name", help="Instead of the framework and its major and minor version.")
@as_json
@opens
def env_add(opened: Opener, requirement: str, name: str | None, as_json: bool) -> int:
    """Write an environment for REQUIREMENT (torch==2.14.1), toml and lock, into the workspace."""
    from harness.commands.env import add_environment

    found = add_environment(opened(), requirement, name)
    click.echo(_dump(found) if as_json else f"{found['toml']}\n{found['lock']}")
    return 0


@env.command("build")
@click.argument("name")
@as_json
@opens
def env_build(opened: Opener, name: str, as_json: bool) -> int:
    """Build NAME from its lock; at once when it is there already."""
    from harness.commands.env import build_environment

    found = build_environment(opened(), name)
    click.echo(_dump(found) if as_json else f"{found['name']}: {found['python']} ({found['seconds']:.1f} s)")
    return 0


@env.command("lock")
@click.argument("name")
@as_json
@opens
def env_lock(opened: Opener, name: str, as_json: bool) -> int:
    """Resolve NAME's requirements anew and write its lock file."""
    from harness.commands.env import lock_environment

    path = lock_environment(opened(), name)
    click.echo(_dump({"name": name, "lock": str(path)}) if as_json else str(path))
    return 0


@env.command("remove")
@click.argument("name")
@as_json
@opens
def env_remove(opened: Opener, name: str, as_json: bool) -> int:
    """Delete what was built for NAME."""
    from harness.commands.env import remove_environment

    removed = remove_environment(opened(), name)
    click.echo(_dump({"name": name, "removed": removed}) if as_json else "\n".join(removed) or "nothing was built")
    return 0


@cli.group()
def runs() -> None:
    """Stored runs: from one machine to another."""


@runs.command("list")
@click.option("--model", "-m", help="Only runs of this model.")
@as_json
@opens
def runs_list(opened: Opener, model: str | None, as_json: bool) -> int:
    """Show every run that was ever made here, oldest first."""
    from harness.commands.runs import stored_runs
    from reports.json_view import run_json
    from reports.terminal import stored_table

    records = stored_runs(opened(), model)
    click.echo(_dump({"runs": [run_json(record) for record in records]}) if as_json else stored_table(records))
    return 0


@runs.command("export")
@click.option("--model", "-m", help="Only runs of this model.")
@click.option("--night", help="Only runs that were made for this night.")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE.tar.gz")
@as_json
@opens
def runs_export(opened: Opener, model: str | None, night: str | None, file: Path, as_json: bool) -> int:
    """Pack run folders into FILE.tar.gz."""
    from harness.commands.runs import export

    found = export(opened(), file, model=model, night=night)
    click.echo(_dump(found) if as_json else f"{found['path']}: {len(found['runs'])} run(s), {found['bytes']:,} bytes")
    return 0


@runs.command("import")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE.tar.gz")
@as_json
@opens
def runs_import(opened: Opener, file: Path, as_json: bool) -> int:
    """Bring in the run folders of FILE.tar.gz: all of them, or none."""
    from harness.commands.runs import bring_in

    found = bring_in(opened(), file)
    told = f"{len(found['imported'])} run(s) imported, {len(found['skipped'])} were here already"
    click.echo(_dump(found) if as_json else told)
    return 0


@cli.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--name", help="What the program is called from now on; its script's name if left out.")
@click.option(
    "--metric",
    "patterns",
    multiple=True,
    metavar="NAME=REGEX",
    help="A number that it prints; NAME=tensorboard:TAG or NAME=mlflow:KEY: one that it logs (repeatable).",
)
@click.option(
    "--log",
    type=click.Path(path_type=Path),
    help="A file of JSON lines that it writes, or the folder of its TensorBoard or MLflow logs.",
)
@click.option("--logged", multiple=True, metavar="NAME", help="A number of these lines (repeatable).")
@click.option("--lower", multiple=True, metavar="NAME", help="Of this metric less is better (repeatable).")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Put in place of {seed} in the command.")
@click.argument("command", nargs=-1, required=True, metavar="-- COMMAND...")
@as_json
@opens
@stops_cleanly
def wrap(
    opened: Opener,
    name: str | None,
    patterns: tuple[str, ...],
    log: Path | None,
    logged: tuple[str, ...],
    lower: tuple[str, ...],
    seed: int,
    command: tuple[str, ...],
    as_json: bool,
) -> int:
    """Run any training script, unedited, as a run that is recorded, compared and judged like others.

    Afterwards it is a model of this workspace: harness run NAME --seeds 5, baseline record NAME, matrix.
    """
    from harness.commands.wrap import Wrapping
    from harness.commands.wrap import wrap as watch

    asked = Wrapping(
        argv=command,
        folder=Path.cwd(),
        name=name,
        patterns=patterns,
        lower=lower,
        log=log,
        logged=logged,
        seed=seed,
    )
    outcome = watch(opened(), asked)
    _show_runs(outcome.records, outcome.verdicts, outcome.report, as_json)
    return 0 if outcome.exit_code == 4 else outcome.exit_code  # nothing to compare with is what a first run has


@cli.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path), help="The file to write.")
@click.option("--with-wheels", is_flag=True, help="Also the packages, for the day an index has forgotten them.")
@click.option("--with-data", is_flag=True, help="Also the data, where its licence allows.")
@click.option("--with-weights", is_flag=True, help="Also the final weights, of runs that kept them.")
@click.option("--include-host", is_flag=True, help="Also the log, and let texts name this machine and its folders.")
@as_json
@opens
def pack(
    opened: Opener,
    runs: tuple[str, ...],
    output: Path,
    with_wheels: bool,
    with_data: bool,
    with_weights: bool,
    include_host: bool,
    as_json: bool,
) -> int:
    """Pack runs of one model, and all that is needed to make them again, into one file."""
    from harness.commands.pack import pack as pack_runs

    packed = pack_runs(
        opened(),
        runs,
        output,
        with_wheels=with_wheels,
        with_data=with_data,
        with_weights=with_weights,
        include_host=include_host,
    )
    found = {"path": str(output), "bytes": packed.bytes, "model": packed.about.model}
    told = f"{output}: {len(packed.about.runs)} run(s) of {packed.about.model}, {packed.bytes:,} bytes"
    names = [run.id for run in packed.about.runs]
    click.echo(_dump({**found, "runs": names}) if as_json else f"{told}\nlook into it: harness inspect {output}")
    return 0


@cli.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--format",
    type=click.Choice(["mlflow", "tensorboard", "mlperf", "model-card"]),
    required=True,
    help="An MLflow file store, TensorBoard's event files, MLPerf's log lines, or a model card in Markdown.",
)
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path), help="The folder to write; the card is one file."
)
@as_json
@opens
def export(opened: Opener, runs: tuple[str, ...], format: str, output: Path, as_json: bool) -> int:
    """Write runs as other tools read them."""
    from harness.commands.export import export as export_runs

    found = export_runs(opened(), runs, format, output)
    told = f"{output}: {len(found['runs'])} run(s) in {len(found['files'])} file(s)"
    click.echo(_dump(found) if as_json else told)
    return 0


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@as_json
@opens
def inspect(opened: Opener, file: Path, as_json: bool) -> int:
    """Say what is in a capsule, whether it is intact and what it needs here.  Runs nothing of it."""
    from harness.commands.inspect import inspect as look
    from reports.capsule import inspection_text

    found = look(opened(), file)
    click.echo(_dump(found) if as_json else inspection_text(found))
    return 0


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--into", type=click.Path(path_type=Path), help="A new folder for what is made; named like FILE if left out."
)
@click.option("--yes", is_flag=True, help="Run the code in FILE without asking.")
@click.option("--environment", "-e", help="Another environment than the packed one.")
@with_threads
@click.option("--allow-index", is_flag=True, help="Let its lock take packages from places that are not yours.")
@as_json
@opens
@stops_cleanly
def reproduce(
    opened: Opener,
    file: Path,
    into: Path | None,
    yes: bool,
    environment: str | None,
    threads: int | None,
    allow_index: bool,
    as_json: bool,
) -> int:
    """Train again what a capsule holds, and say whether it comes out again."""
    from harness.commands.reproduce import Request
    from harness.commands.reproduce import reproduce as again
    from reports.capsule import reproduction_json, reproduction_text

    request = Request(path=file, into=into, environment=environment, threads=threads, allow_index=allow_index)

    def confirm(question: str) -> bool:
        click.echo(question, err=True)
        return yes or (sys.stdin.isatty() and click.confirm("Run it?", err=True))

    done = again(opened(), request, confirm)
    told = (done.answer, done.pairs, done.verdicts, done.differences)
    if as_json:
        click.echo(_dump({**reproduction_json(*told), "folder": str(done.folder)}))
    else:
        click.echo(reproduction_text(*told))
        click.echo(f"\nall of it lies in {done.folder}: harness --workspace {done.folder} report")
    return done.exit_code


@cli.group()
def certify() -> None:
    """What a recipe is shown to hold, on this machine."""


@certify.command("resume")
@click.argument("model")
@click.option("--recipe", "-r", help="The default one if left out.")
@click.option("--framework", "-f", "frameworks", multiple=True, help="torch, tensorflow or numpy; all if left out.")
@click.option("--environment", "-e", "environments", multiple=True, help="From harness env list, or 'current'.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@on_device
@with_threads
@as_json
@opens
@stops_cleanly
def certify_resume(
    opened: Opener,
    model: str,
    recipe: str | None,
    frameworks: tuple[str, ...],
    environments: tuple[str, ...],
    seed: int,
    device: str,
    threads: int | None,
    as_json: bool,
) -> int:
    """Train MODEL to its end, and again with a stop in the middle; compare weights and curves bit by bit."""
    from dataclasses import asdict

    from harness.commands.cell import Request
    from harness.commands.certify import FILE, certify_resume

    request = Request(
        model=model,
        recipe=recipe,
        frameworks=frameworks,
        environments=environments,
        seeds=(seed,),
        max_seeds=1,
        device=device,
        threads=threads,
    )
    workspace = opened()
    made = certify_resume(workspace, request)
    if as_json:
        click.echo(_dump({"certificates": [asdict(each) for each in made]}))
    for each in () if as_json else made:
        click.echo(f"{each.sentence}\ncertificate: {workspace.state / 'runs' / each.runs['resumed'] / FILE}")
    return 0 if all(each.equal for each in made) else 1


@cli.command()
@click.argument("run", metavar="RUN")
@as_json
@opens
def lineage(opened: Opener, run: str, as_json: bool) -> int:
    """Show which runs RUN came from, and which came from it."""
    from harness.commands.lineage import lineage as follow
    from harness.commands.lineage import lineage_text, relative_json

    found = follow(opened(), run)
    click.echo(_dump({"lineage": relative_json(found)}) if as_json else lineage_text(found, run))
    return 0


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@as_json
@opens
def whence(opened: Opener, file: Path, as_json: bool) -> int:
    """Say which stored run ended in the weights in FILE (.safetensors, .npz), or began with them."""
    from harness.commands.lineage import whence as find
    from harness.commands.lineage import whence_text
    from reports.json_view import run_json

    digest, made = find(opened(), file)
    if as_json:
        runs = [{**run_json(each.record), "moment": each.moment, "digests": dict(each.record.digests)} for each in made]
        click.echo(_dump({"file": str(file), "digest": digest, "runs": runs}))
    else:
        click.echo(whence_text(file, digest, made))
    return 0 if made else 1


@cli.group()
def index() -> None:
    """The index over the run folders, for questions about many runs."""


@index.command("rebuild")
@as_json
@opens
def index_rebuild(opened: Opener, as_json: bool) -> int:
    """Make the index again from the run folders."""
    from harness.commands.index import rebuild_index

    found = rebuild_index(opened())
    told = f"{found['store']}: {found['runs']} run(s), {len(found['unreadable'])} cannot be read"
    click.echo(_dump(found) if as_json else told)
    return 3 if found["unreadable"] else 0


@cli.command()
@as_json
def machine(as_json: bool) -> int:
    """Show this machine as records name it."""
    from harness.commands.machine import describe_machine, machine_text

    found = describe_machine()
    click.echo(_dump(found) if as_json else machine_text(found))
    return 0


def _differences(workspace: Workspace, sides: tuple[str, str], as_json: bool) -> int:
    from harness.commands.differences import compare_runs

    found = compare_runs(workspace, *sides)
    if as_json:
        from reports.json_view import difference_json, run_json

        runs = [run_json(found.before), run_json(found.after)]
        told = [difference_json(each) for each in found.found]
        click.echo(_dump({"runs": runs, "differences": told, "report": str(found.report)}))
        return 0
    from reports.terminal import difference_text

    click.echo(f"{difference_text(found.before, found.after, found.found)}\n\nreport: {found.report}")
    return 0


def _show_runs(records: Any, verdicts: Any, path: Path, as_json: bool, **more: Any) -> None:
    if as_json:
        from reports.json_view import run_json, verdict_json

        runs = [run_json(record) for record in records]
        judged = [verdict_json(item) for item in verdicts]
        click.echo(_dump({"runs": runs, "verdicts": judged, "report": str(path), **more}))
        return
    from reports.terminal import run_table, verdict_table

    click.echo(run_table(records))
    click.echo()
    click.echo(verdict_table(verdicts))
    click.echo(f"\nreport: {path}")


def _show_plan(plan: Any, as_json: bool) -> int:
    from reports.json_view import night_json
    from reports.terminal import night_plan

    click.echo(_dump({"night": night_json(plan, ())}) if as_json else night_plan(plan))
    return 0


def _show_night(outcome: Any, as_json: bool) -> int:
    from reports.json_view import night_json
    from reports.terminal import night_table

    _show_runs(
        outcome.records, outcome.verdicts, outcome.report, as_json, night=night_json(outcome.night, outcome.verdicts)
    )
    if not as_json:
        click.echo(f"\n{night_table(outcome.night, outcome.verdicts)}")
    return int(outcome.exit_code)


def _dump(value: Any) -> str:
    from harness.wire.events import dumps

    return dumps(value, indent=1)
