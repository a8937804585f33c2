"""What the forge imports for: the modules of the parts, in the order in which the stack wants them."""

AHEAD = (
    "infra.local.google_identity",
    "infra.local.pubsub",
    "agents.serving",
    "infra.local.vertex",
    # What the two tasks of `infra.cli` load when they are called: so these come before it.
    "infra.local.topics",
    "infra.bigquery.creation",
    "infra.cli",
    "agents.gateway",
    "execution.service",
    "pipelines.decisions",  # the first of the jobs: it has Vertex AI's client still to import
    "pipelines.coordination",
    "pipelines.trading",
    "pipelines.market",
    "pipelines.export",
    "agents.bots",
    "execution.feed.replay",
)
