# A static binary in an image with nothing else. No state on disk: the root file
# system may be read-only. `docker build --target producer` makes the example
# service; orders and payments are those of examples/orders.
FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.work go.work.sum go.mod go.sum ./
COPY pkg/eventstore/go.mod pkg/eventstore/
COPY pkg/inbox/go.mod pkg/inbox/go.sum pkg/inbox/
COPY pkg/inbox/inboxprom/go.mod pkg/inbox/inboxprom/go.sum pkg/inbox/inboxprom/
COPY pkg/outbox/go.mod pkg/outbox/
COPY pkg/projection/go.mod pkg/projection/go.sum pkg/projection/
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH
ARG VERSION=unknown
ARG COMMIT=unknown
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X github.com/walpost/walpost/internal/cli.version=${VERSION} -X github.com/walpost/walpost/internal/cli.commit=${COMMIT}" \
    -o /out/walpost ./cmd/walpost && \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -o /out/producer ./examples/producer && \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -o /out/orders ./examples/orders/orders && \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -o /out/payments ./examples/orders/payments

FROM scratch AS producer
COPY --from=build /out/producer /producer
USER 65532:65532
ENTRYPOINT ["/producer"]

FROM scratch AS orders
COPY --from=build /out/orders /orders
USER 65532:65532
ENTRYPOINT ["/orders"]

FROM scratch AS payments
COPY --from=build /out/payments /payments
USER 65532:65532
ENTRYPOINT ["/payments"]

FROM scratch AS walpost
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/walpost /walpost
USER 65532:65532
EXPOSE 9464
# The process alone: a restart would bring neither Kafka nor Postgres back.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["/walpost", "health", "-c", "/etc/walpost"]
ENTRYPOINT ["/walpost"]
CMD ["run", "-c", "/etc/walpost"]
