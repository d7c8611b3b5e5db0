# Development image: the project's folder is mounted over /lakehouse, the environment stands beside it.
#   docker build --build-arg UID="$(id -u)" --tag lakehouse-dev .
#   docker run --rm -it --volume "$PWD:/lakehouse" lakehouse-dev make run
FROM python:3.13-slim-bookworm

# Glue 6.0 has Java 17. The versions are those of the Debian release that the tag names.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make openjdk-17-jre-headless \
    && rm -rf /var/lib/apt/lists/*

# The user's id on the host, so that files made in the mounted folder are theirs.
ARG UID=1000
RUN useradd --create-home --uid "$UID" dev && install --directory --owner=dev /lakehouse
USER $UID
WORKDIR /lakehouse

ENV VENV=/home/dev/venv
COPY --chown=dev Makefile pyproject.toml LICENSE requirements*.lock ./
COPY --chown=dev data_pipeline data_pipeline
RUN make install

# It is worked in, and serves nothing that could be asked.
HEALTHCHECK NONE
CMD ["make"]
