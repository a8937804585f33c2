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
    # The slowest to start, because it still has Vertex AI's client to import: that goes on while the rest comes.
    "pipelines.decisions",
    "agents.gateway",
    "agents.bots",
    "execution.service",
    "pipelines.coordination",
    "pipelines.trading",
    "pipelines.export",
    "pipelines.market",
    "execution.feed.replay",
)
