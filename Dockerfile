# The image of Oomscribe: Node, the program in one file, its list of components, licences. No shell, nothing of an
# architecture.
#
# Both bases are tags, so that a build has their latest fixes. For builds that repeat, give digests
# (`docker buildx imagetools inspect IMAGE` prints them):
#
#   docker build --build-arg BUILD=docker.io/library/node@sha256:… \
#     --build-arg RUNTIME=gcr.io/distroless/nodejs24-debian12@sha256:… .
#
# RUNTIME needs Node 24 in /nodejs/bin or in the usual places; node:24-bookworm-slim, for one, will do.
ARG BUILD=docker.io/library/node:24-bookworm-slim
ARG RUNTIME=gcr.io/distroless/nodejs24-debian12:latest

# The program is the same on every architecture: it is built on the builder's own, whatever the image is for.
FROM --platform=$BUILDPLATFORM ${BUILD} AS build
WORKDIR /oomscribe
COPY package.json package-lock.json ./
# None of the packages needs its install scripts.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY parsers parsers
COPY scripts scripts
COPY src src
RUN npm run build
# Of Node and of what Node holds. distroless has it too, other runtimes may not. Its version is the pinned one's.
RUN cp node_modules/node-linux-*/LICENSE dist/node.LICENSE.txt
# The packages that the program was bundled from. `npm sbom --omit dev` alone leaves out those which a package for
# development names too, yaml for one (https://github.com/npm/cli/issues/7909): so the latter go first. The optional ones
# are Node, which the runtime brings.
RUN npm pkg delete devDependencies optionalDependencies \
    && npm prune --offline --ignore-scripts \
    && npm sbom --sbom-format cyclonedx --sbom-type application --omit dev >dist/sbom.cdx.json

# The licences of its Debian packages are in /usr/share/doc, as Debian has them; distroless keeps them.
FROM ${RUNTIME}
COPY --from=build /oomscribe/dist/oomscribe.mjs /oomscribe/dist/oomscribe.mjs.LICENSES.txt /oomscribe/dist/sbom.cdx.json \
    /oomscribe/dist/node.LICENSE.txt /usr/lib/oomscribe/
COPY LICENSE /usr/lib/oomscribe/

# Of package.json; test/image holds them together.
ARG VERSION=0.1.0
# The commit, and when it was built (RFC 3339): `--build-arg REVISION=$(git rev-parse HEAD)`.
ARG REVISION=unknown
ARG CREATED=unknown
# https://github.com/opencontainers/image-spec/blob/main/annotations.md
LABEL org.opencontainers.image.title="oomscribe" \
      org.opencontainers.image.description="Tells the whole story of every OOM kill of a node" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"

# Where distroless has Node, then the usual places.
ENV PATH=/nodejs/bin:/usr/local/bin:/usr/bin:/bin
# glibc gives each of Node's threads a heap of its own, which after the start are mostly holes: 7 MB (bench/README.md).
ENV MALLOC_ARENA_MAX=1
# /dev/kmsg is root's. As a number: Kubernetes can hold it against runAsUser.
USER 0
# Without a limit V8's young generation lets resident memory grow (bench/README.md, Outbox): 268 MB instead of 170.
ENTRYPOINT ["node", "--max-semi-space-size=2", "/usr/lib/oomscribe/oomscribe.mjs"]
CMD ["agent"]
