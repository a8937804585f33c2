# The model server on a GPU: vLLM, with Vertex AI's contract in front of it.
#
#   docker build -f infra/docker/model-server/gpu.Dockerfile -t model-server:gpu .
#   docker run --gpus all -p 8080:8080 -e SAPPHIRE_BACKEND=vllm -e SAPPHIRE_MODEL=qwen2.5-7b-instruct \
#       -e SAPPHIRE_WEIGHTS=Qwen/Qwen2.5-7B-Instruct model-server:gpu
#
# Built from the project's root. vLLM is the base image's own, with its CUDA; the server lives in an environment of its own
# beside it (server.lock, each package with its hash), so that neither decides the other's versions.

FROM vllm/vllm-openai:v0.11.0
COPY infra/docker/model-server/server.lock /build/
RUN python3 -m venv /opt/sapphire/venv \
    && /opt/sapphire/venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r /build/server.lock \
    && useradd --uid 10001 --create-home sapphire
COPY contracts /opt/sapphire/contracts
COPY agents /opt/sapphire/agents

# Vertex AI sets the AIP_ variables itself; these are for everywhere else.
ENV SAPPHIRE_HOST=0.0.0.0 AIP_HTTP_PORT=8080 AIP_HEALTH_ROUTE=/health PYTHONUNBUFFERED=1 \
    SAPPHIRE_BACKEND=vllm HF_HOME=/home/sapphire/.cache/huggingface VLLM_NO_USAGE_STATS=1
WORKDIR /opt/sapphire
USER 10001
EXPOSE 8080
ENTRYPOINT ["/opt/sapphire/venv/bin/python", "-m", "agents.serving"]
