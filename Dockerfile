# One image for the four services and syncctl; the command chooses, as in:
#   docker run flow-omnium-sync services/customer-mapper/src/main.ts
# There is nothing to build: Node runs the TypeScript, so the first stage only gathers the dependencies. The last one is
# what `docker build .` gives; `--target demo` adds the stand-ins for both peers, which no other image holds.

# Pinned by its tag. Who knows the digest of that tag pins it as well:
#   docker build --build-arg NODE_IMAGE=node:26.10.0-bookworm-slim@sha256:… .
ARG NODE_IMAGE=node:26.10.0-bookworm-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# npm checks the lock file against every workspace, also those of which nothing gets in here.
COPY packages/shared/package.json packages/shared/
COPY packages/cli/package.json packages/cli/
COPY packages/sandbox/package.json packages/sandbox/
COPY packages/docs/package.json packages/docs/
COPY services/flow-ingest/package.json services/flow-ingest/
COPY services/omnium-ingest/package.json services/omnium-ingest/
COPY services/customer-mapper/package.json services/customer-mapper/
COPY services/relation-manager/package.json services/relation-manager/
COPY e2e/package.json e2e/
COPY bench/package.json bench/
COPY chaos/package.json chaos/
# By workspace, so without the root's own dependencies: the Node that runs here is the image's. No package that a
# service needs has an install script.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  --workspace packages/shared --workspace packages/cli \
  --workspace services/flow-ingest --workspace services/omnium-ingest \
  --workspace services/customer-mapper --workspace services/relation-manager \
  && rm -rf packages/sandbox packages/docs e2e bench chaos package-lock.json .npmrc

FROM ${NODE_IMAGE} AS runtime
# tini is PID 1: it passes signals on and reaps what nobody waits for, also where no init is asked for (Kubernetes). npm
# has nothing to do here. The two folders are there so that volumes on them belong to the user.
RUN apt-get update \
  && apt-get install -y --no-install-recommends 'tini=0.19.0-*' \
  && rm -rf /var/lib/apt/lists/* /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx \
  && install -d -o 1000 -g 1000 /etc/flow-omnium-sync /var/lib/syncctl
# One port for all, as they don't share a host here. Where health and metrics listen is the deployment's business.
ENV NODE_ENV=production \
  ADMIN_PORT=9400 \
  SYNCCTL_STATE_DIR=/var/lib/syncctl
WORKDIR /app
COPY --from=dependencies /app ./
COPY packages/shared packages/shared
COPY packages/cli packages/cli
COPY services services
# The image's user `node`, as a number: Kubernetes can't tell of a name that it isn't root.
USER 1000:1000
ENTRYPOINT ["/usr/bin/tini", "--", "node"]

FROM runtime AS demo
COPY packages/sandbox packages/sandbox
CMD ["packages/sandbox/src/stand-ins-main.ts"]

FROM runtime AS service
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="flow-omnium-sync" \
  org.opencontainers.image.description="Keeps customers in step between Flow and Omnium, through Kafka" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "-e", \
  "fetch('http://127.0.0.1:' + process.env.ADMIN_PORT + '/ready').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["packages/cli/src/main.ts", "--help"]
