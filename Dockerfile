# syntax=docker/dockerfile:1
# The service alone: no shell, no package manager, no database. Its root may be read-only and its user is nobody's.
#
#   docker build --tag customer-profile --build-arg REVISION="$(git rev-parse HEAD)" .
#
# Its commands are run in their order, in roots like its bases, by scripts/check-bare-root.sh --image.

FROM rust:1.95-slim-bookworm AS builder
WORKDIR /build
ENV CARGO_INCREMENTAL=0 CARGO_TERM_COLOR=never

# Dependencies first, around targets that do nothing: the layer holds until Cargo.toml or Cargo.lock changes.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src && touch src/lib.rs && \
    for target in src/main.rs build.rs $(sed -n 's/^path = "\(.*\)"$/\1/p' Cargo.toml); do \
        mkdir -p "$(dirname "$target")" && echo 'fn main() {}' > "$target"; \
    done && \
    cargo build --release --locked --bin customer-profile && \
    rm -r src build.rs

# Newer than what was built of nothing, whatever the time of the files is.
COPY build.rs ./
COPY proto proto
COPY migrations migrations
COPY examples/actions examples/actions
COPY src src
RUN touch build.rs src/lib.rs src/main.rs && \
    cargo build --release --locked --bin customer-profile && \
    mkdir -p out && cp target/release/customer-profile out/

FROM gcr.io/distroless/cc-debian12:nonroot
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="customer-profile" \
    org.opencontainers.image.description="Merges every department's interactions with a customer into one profile and serves it over gRPC" \
    org.opencontainers.image.licenses="MIT OR Apache-2.0" \
    org.opencontainers.image.version="$VERSION" \
    org.opencontainers.image.revision="$REVISION"
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/customer-profile/
COPY --from=builder /build/out/customer-profile /usr/local/bin/customer-profile
# As a number, so that Kubernetes can tell that it is not root.
USER 65532:65532
EXPOSE 7401 7402
# Whether gRPC answers; CUSTOMER_PROFILE_URL says where it is served if not there. Kubernetes has probes instead.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["/usr/local/bin/customer-profile", "call", "Health/Check", "--max-time", "3"]
ENTRYPOINT ["/usr/local/bin/customer-profile"]
CMD ["serve"]
