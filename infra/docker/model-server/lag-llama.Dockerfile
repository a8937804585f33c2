# The model server with Lag-Llama, on a CPU or a GPU. Its checkpoint (lag-llama.ckpt, from its authors' page at the model hub)
# is yours to fetch, and comes in from a folder:
#
#   docker build -f infra/docker/model-server/lag-llama.Dockerfile --build-context weights=FOLDER -t model-server:lag-llama .
#   docker run -p 8080:8080 model-server:lag-llama
#
# Built from the project's root. Lag-Llama is no package: its source is taken at one commit.

FROM python:3.11-slim-bookworm AS packages
RUN apt-get update && apt-get install --yes --no-install-recommends git ca-certificates
ARG LAG_LLAMA=0988ac6dad1016732c0fc576ac34b47b42640403
RUN git init --quiet /opt/lag-llama && cd /opt/lag-llama \
    && git fetch --quiet --depth 1 https://github.com/time-series-foundation-models/lag-llama.git "$LAG_LLAMA" \
    && git checkout --quiet FETCH_HEAD && rm -rf .git
COPY infra/docker/model-server/lag-llama.lock /build/
RUN python -m venv /opt/sapphire/venv \
    && /opt/sapphire/venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r /build/lag-llama.lock \
    && echo /opt/lag-llama > /opt/sapphire/venv/lib/python3.11/site-packages/lag-llama.pth

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 libstdc++6 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home sapphire
COPY --from=packages /opt/lag-llama /opt/lag-llama
COPY --from=packages /opt/sapphire/venv /opt/sapphire/venv
COPY --from=weights lag-llama.ckpt /models/lag-llama.ckpt
COPY contracts /opt/sapphire/contracts
COPY agents /opt/sapphire/agents

# Vertex AI sets the AIP_ variables itself; these are for everywhere else.
ENV SAPPHIRE_HOST=0.0.0.0 AIP_HTTP_PORT=8080 AIP_HEALTH_ROUTE=/health PYTHONUNBUFFERED=1 \
    SAPPHIRE_BACKEND=forecast SAPPHIRE_MODEL=lag-llama SAPPHIRE_WEIGHTS=/models/lag-llama.ckpt
WORKDIR /opt/sapphire
USER 10001
EXPOSE 8080
ENTRYPOINT ["/opt/sapphire/venv/bin/python", "-m", "agents.serving"]
