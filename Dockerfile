# Builds the image of the operator: one static binary, run by nobody in
# particular, on nothing but certificates and time zones.
#   make docker-build IMG=registry.example/switchgear:v1
#   make docker-buildx IMG=… PLATFORMS=linux/amd64,linux/arm64

# Go compiles for any platform on the one that builds, so nothing is emulated.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
# Dependencies change seldom: they have a layer of their own.
COPY go.mod go.sum ./
RUN go mod download
COPY api/ api/
COPY cmd/ cmd/
COPY config/crd/ config/crd/
COPY internal/ internal/
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/switchgear ./cmd/switchgear

FROM gcr.io/distroless/static:nonroot
COPY --from=build /out/switchgear /switchgear
# By number, so that runAsNonRoot can be checked.
USER 65532:65532
ENTRYPOINT ["/switchgear"]
