# One image for each service:
#   docker build --build-arg SERVICE=ingress -t opsloop-ingress .
# SERVICE is ingress, orchestrator, notifier, metrics, sandbox, or cli for the `opsloop` command.
# PACKS names task packs of this workspace that the orchestrator gets.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG UV_IMAGE=ghcr.io/astral-sh/uv:0.13.9

FROM ${UV_IMAGE} AS uv

# What this service needs of the lock. A stage of its own: sources change more often than the lists that it makes.
FROM ${PYTHON_IMAGE} AS lists
ARG SERVICE
ARG PACKS=""
WORKDIR /src
COPY requirements.lock ./
COPY scripts/image_requirements.py scripts/
COPY libs libs
COPY services services
RUN test -n "${SERVICE}" \
 && python scripts/image_requirements.py "opsloop-${SERVICE}" ${PACKS} > /requirements.txt \
 && python scripts/image_requirements.py --members "opsloop-${SERVICE}" ${PACKS} > /members.txt

FROM ${PYTHON_IMAGE} AS wheels
COPY --from=uv /uv /usr/local/bin/uv
WORKDIR /src
COPY pyproject.toml ./
COPY libs libs
COPY services services
RUN uv build --quiet --wheel --all-packages --out-dir /wheels

FROM ${PYTHON_IMAGE} AS installed
COPY --from=uv /uv /usr/local/bin/uv
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1 UV_NO_CACHE=1 VIRTUAL_ENV=/app
RUN uv venv --quiet --python /usr/local/bin/python3 /app
COPY --from=lists /requirements.txt /
RUN uv pip install --quiet --require-hashes -r /requirements.txt
COPY --from=lists /members.txt /
COPY --from=wheels /wheels /wheels
# Built here from these sources, so there is nothing to verify; everything they need is there already.
RUN uv pip install --quiet --no-deps --no-index --find-links /wheels -r /members.txt && uv pip check
ARG SERVICE
RUN ln -s "$(ls "/app/bin/opsloop-${SERVICE}" 2>/dev/null || echo /app/bin/opsloop)" /app/bin/start

FROM ${PYTHON_IMAGE}
ARG SERVICE
LABEL org.opencontainers.image.title="opsloop-${SERVICE}" org.opencontainers.image.licenses="Apache-2.0"
# The only place it writes to, beside /tmp; a new volume takes its owner from here.
RUN install -d -o 10001 -g 10001 /data
COPY --from=installed /app /app
COPY deploy/image/healthcheck.py /healthcheck.py
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 OPSLOOP_HOST=0.0.0.0 OPSLOOP_DATA=/data SERVICE=${SERVICE}
USER 10001:10001
WORKDIR /data
HEALTHCHECK --interval=10s --timeout=3s --retries=3 --start-period=30s CMD ["/app/bin/python", "/healthcheck.py"]
ENTRYPOINT ["/app/bin/start"]
