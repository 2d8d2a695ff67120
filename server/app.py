"""The application: middleware, routers, error pages, life cycle. No logic."""

from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager

from fastapi import APIRouter, FastAPI

from server import schema, tasks
from server.api.app import PATH as API
from server.api.app import create_api
from server.api.otlp import PATH as OTLP
from server.api.otlp import create_receiver, supply_receiver
from server.assets import shipped
from server.db import Database
from server.jobs import Jobs
from server.logs import configure_logging
from server.metrics import RequestMetrics
from server.oidc.provider import provider_of
from server.proxies import TrustedProxies
from server.request_log import RequestLog
from server.routes import (
    account,
    adjudication,
    admin,
    agreement,
    assistance,
    attachments,
    batches,
    codebook,
    cohorts,
    cold_start,
    comments,
    compare,
    constellations,
    corrections,
    coverage,
    diagnoses,
    display_profile,
    evaluation_sets,
    exports,
    groups,
    health,
    imports,
    judges,
    label_imports,
    label_matrix,
    labels,
    lens_settings,
    lenses,
    lifecycle,
    long_pages,
    members,
    metrics,
    model_profiles,
    modes,
    near_duplicates,
    oidc,
    outcome_rules,
    overview,
    prevalence,
    projects,
    queue,
    queue_board,
    read,
    read_as_stored,
    redaction,
    regression,
    related_signals,
    report,
    retention,
    rounds,
    runs,
    saturation,
    sessions,
    settings,
    signals,
    splits,
    stale_labels,
    suggested_modes,
    surface_views,
    taxonomies,
    token_settings,
    tokenizers,
    traces,
    transitions,
    undo,
    webhooks,
)
from server.routes.failures import FailuresAnswered, answer_errors
from server.routes.rate_limits import RateLimits
from server.security import AllowedHosts, SameOrigin, SecurityHeaders
from server.settings import Settings
from server.static_files import VersionedFiles

ROUTERS: Sequence[APIRouter] = (
    # First what is asked most: each request is compared with the routes before its own.
    read.router,
    queue.router,
    traces.router,
    account.router,
    adjudication.router,
    admin.router,
    agreement.router,
    assistance.router,
    attachments.router,
    batches.router,
    codebook.router,
    cohorts.router,
    cold_start.router,
    coverage.router,
    comments.router,
    compare.router,
    display_profile.router,
    evaluation_sets.router,
    exports.router,
    splits.router,
    groups.router,
    health.router,
    imports.router,
    judges.router,
    stale_labels.router,
    label_matrix.router,
    label_imports.router,
    labels.router,
    lens_settings.router,
    constellations.router,
    diagnoses.router,
    lenses.router,
    lifecycle.router,
    members.router,
    metrics.router,
    model_profiles.router,
    modes.router,
    near_duplicates.router,
    oidc.router,
    outcome_rules.router,
    corrections.router,
    overview.router,
    prevalence.router,
    regression.router,
    related_signals.router,
    report.router,
    retention.router,
    projects.router,
    queue_board.router,
    read_as_stored.router,
    redaction.router,
    rounds.router,
    runs.router,
    saturation.router,
    sessions.router,
    signals.router,
    settings.router,
    suggested_modes.router,
    surface_views.router,
    taxonomies.router,
    token_settings.router,
    tokenizers.router,
    transitions.router,
    long_pages.router,
    undo.router,
    webhooks.router,
)


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    database: Database = app.state.database
    jobs: Jobs = app.state.jobs
    with tasks.looked_after(jobs, database), ExitStack() as work:
        work.callback(jobs.stop)
        if app.state.runs_jobs:
            work.enter_context(tasks.live_traces_assembled(jobs, database, settings))
            work.enter_context(tasks.webhooks_sent(database, settings))
            jobs.start(settings.job_workers)
        yield
    database.dispose()


def create_app(
    settings: Settings | None = None, *, jobs: Jobs | None = None, runs_jobs: bool = True
) -> FastAPI:
    """Build the application on a migrated database.

    Args:
        settings: Where data lies and what is allowed; from the environment where absent.
        jobs: The queue; on disk in the data directory where absent.
        runs_jobs: Whether background jobs run in this process.
    """
    settings = settings or Settings()
    app = assemble(settings)
    supply(app, settings, jobs=jobs, runs_jobs=runs_jobs)
    return app


def assemble(settings: Settings) -> FastAPI:
    """Put middleware and routes together, with the limits of `settings`; it has no database yet."""
    app = FastAPI(
        title="Faultbook",
        lifespan=_life,
        openapi_url=None,
        max_body_size=settings.form_limit_bytes,
    )
    app.add_middleware(FailuresAnswered)
    app.add_middleware(SameOrigin)
    app.add_middleware(AllowedHosts, allowed_hosts=settings.allowed_hosts)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestLog)
    app.add_middleware(TrustedProxies)
    app.mount("/static", VersionedFiles(directory=shipped("static")), name="static")
    app.mount(API, create_api(app.state), name="api")
    app.mount(OTLP, create_receiver(app.state), name="otlp")
    for router in ROUTERS:
        app.include_router(router)
    answer_errors(app)
    return app


def supply(
    app: FastAPI, settings: Settings, *, jobs: Jobs | None = None, runs_jobs: bool = True
) -> None:
    """Give an assembled application what it works on: settings, database, queue and counters."""
    configure_logging(json_lines=settings.log_json, level=settings.log_level)
    settings.data.mkdir(0o700, parents=True, exist_ok=True)
    app.state.settings = settings
    app.state.database = Database.from_url(settings.database_url)
    app.state.jobs = jobs or Jobs.beside(settings.database_url, settings.jobs_path)
    app.state.runs_jobs = runs_jobs
    app.state.rate_limits = RateLimits()
    app.state.oidc = provider_of(settings)
    app.state.request_metrics = RequestMetrics() if settings.metrics_token else None
    supply_receiver(app.state)
    schema.prepare(app.state.database)
    tasks.attach(app.state.jobs, app.state.database, settings)
