# One Dockerfile for the lab's three services: the target `server` (server) and the target `load` (master, worker).
# The build stages may hold the host's CA bundle; nothing of them reaches the final stages but the two virtual
# environments. Every requirement has a wheel for x86_64, Python 3.11 to 3.14, and all but hdrhistogram have one for
# aarch64: a compiler is installed in the load's build stage there, and nowhere else.

# The base by version tag. `lab` swaps in holdfast-base:trixie where no registry can be reached.
ARG BASE_IMAGE=python:3.13-slim
# Where packages are installed; the same Python as BASE_IMAGE. Differs only for the fallback base, whose
# build image also trusts the host's own CA bundle.
ARG BUILD_IMAGE=${BASE_IMAGE}

FROM ${BUILD_IMAGE} AS build
LABEL holdfast.stage=build
# Where packages come from, if not from pip's own index. Proxies need no line here: Docker knows their names.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY requirements-server.txt requirements-load.txt ./

FROM build AS build-server
RUN python3 -m venv /venv \
 && /venv/bin/pip install --quiet --require-hashes --only-binary :all: -r requirements-server.txt \
 && /venv/bin/pip uninstall --quiet --yes pip

# hdrhistogram alone is compiled, and only where its wheel is missing: on an x86_64 that would be an error.
FROM build AS build-load
# What the scenarios need, if locustfiles/requirements.txt names it. (The first file is there in any case: a COPY must
# have a source.)
COPY requirements-load.txt locustfiles/requirements.tx[t] ./scenarios/
# hadolint ignore=DL3008
RUN python3 -m venv /venv \
 && set -- --quiet --require-hashes --only-binary :all: -r requirements-load.txt \
 && if ! /venv/bin/pip install "$@"; then \
      test "$(uname -m)" != x86_64 \
      && apt-get update -qq \
      && apt-get install -qq --yes --no-install-recommends gcc libc6-dev python3-dev \
      && /venv/bin/pip install "$@" --no-binary hdrhistogram; \
    fi \
 && if test -f scenarios/requirements.txt; then \
      /venv/bin/pip install --quiet --requirement scenarios/requirements.txt; \
    fi \
 && /venv/bin/pip uninstall --quiet --yes pip

# Our own files: readable by the user that the containers run as, whatever modes they have where they come from.
FROM build AS files
WORKDIR /holdfast
COPY server ./server
COPY rawsocket ./rawsocket
COPY locustfiles ./locustfiles
RUN chmod -R a=rX,u+w .

FROM ${BASE_IMAGE} AS final
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
WORKDIR /holdfast
# Programs that run as another user (su, mount, passwd): nothing here needs one.
RUN find / -xdev -type f -perm /6000 -exec chmod a-s {} +

FROM final AS server
COPY --from=build-server /venv /venv
COPY --from=files /holdfast/server ./server
RUN python3 -m compileall -q server
USER 10001:10001
EXPOSE 8686 8687
CMD ["python", "-m", "server"]

FROM final AS load
# Artefacts go to a volume here: a new volume takes over the owner of this folder.
RUN install -d -o 10001 -g 10001 /runs
COPY --from=build-load /venv /venv
COPY --from=files /holdfast/rawsocket ./rawsocket
COPY --from=files /holdfast/locustfiles ./locustfiles
# The containers are read-only: without these files each start compiles the sources again (0.2 s of CPU a process).
# A scenario that can't be compiled keeps only itself from running.
RUN python3 -m compileall -q rawsocket && { python3 -m compileall -q locustfiles || true; }
USER 10001:10001
EXPOSE 8089
CMD ["python", "-m", "rawsocket", "master"]
