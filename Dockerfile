# A static binary in an image with nothing else. No state on disk: the root file
# system may be read-only.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unknown
ARG COMMIT=unknown
RUN CGO_ENABLED=0 go build -trimpath \
    -ldflags "-s -w -X github.com/walpost/walpost/internal/cli.version=${VERSION} -X github.com/walpost/walpost/internal/cli.commit=${COMMIT}" \
    -o /walpost ./cmd/walpost

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /walpost /walpost
USER 65532:65532
ENTRYPOINT ["/walpost"]
CMD ["run", "-c", "/etc/walpost"]
