# The model server on a CPU: the rules, the statistical forecaster, small models by llama.cpp, recorded answers.
#
#   docker build -f infra/docker/model-server/cpu.Dockerfile -t model-server:cpu .
#   docker run -p 8080:8080 -e SAPPHIRE_BACKEND=llama_cpp -e SAPPHIRE_MODEL=smollm2 model-server:cpu
#
# Built from the project's root. Packages are those of cpu.lock, each with its hash (`make lock` writes it).

FROM python:3.11-slim-bookworm AS packages
COPY infra/docker/model-server/cpu.lock /build/
RUN python -m venv /opt/sapphire/venv \
    && /opt/sapphire/venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r /build/cpu.lock

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 libstdc++6 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home sapphire
COPY --from=packages /opt/sapphire/venv /opt/sapphire/venv
COPY contracts /opt/sapphire/contracts
COPY agents /opt/sapphire/agents

# Vertex AI sets the AIP_ variables itself; these are for everywhere else.
ENV SAPPHIRE_HOST=0.0.0.0 AIP_HTTP_PORT=8080 AIP_HEALTH_ROUTE=/health PYTHONUNBUFFERED=1
WORKDIR /opt/sapphire
USER 10001
EXPOSE 8080
ENTRYPOINT ["/opt/sapphire/venv/bin/python", "-m", "agents.serving"]
