# syntax=docker/dockerfile:1
# Two stages: the compiler stays in the first.

FROM rust:1.95-slim-trixie AS build
# Cargo features, with commas; `cluster` for a log on KurrentDB, whose client brings a C library.
ARG FEATURES=""
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc g++ cmake make libc6-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked --bin warnlight --features "$FEATURES" \
 && cp target/release/warnlight /usr/local/bin/warnlight

FROM debian:trixie-slim
# curl is there for the health check; the certificates are for mail servers.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates curl \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 8480 --home-dir /nonexistent --shell /usr/sbin/nologin warnlight \
 && install --directory --owner=warnlight --group=warnlight --mode=0750 /var/lib/warnlight
COPY --from=build /usr/local/bin/warnlight /usr/local/bin/warnlight
USER warnlight
ENV WARNLIGHT_DATA=/var/lib/warnlight \
    WARNLIGHT__HTTP__LISTEN=0.0.0.0:8480
# The only place written to: the container runs with --read-only.
VOLUME /var/lib/warnlight
WORKDIR /var/lib/warnlight
EXPOSE 8480
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8480/healthz"]
ENTRYPOINT ["warnlight"]
CMD ["serve"]
