# One image for the four services and syncctl; the command chooses, as in:
#   docker run flow-omnium-sync services/customer-mapper/src/main.ts
# There is nothing to build: Node runs the TypeScript, so the first stage only gathers the dependencies.

FROM node:26.10.0-bookworm-slim AS dependencies
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
  --workspace services/customer-mapper --workspace services/relation-manager

FROM node:26.10.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY packages/shared packages/shared
COPY packages/cli packages/cli
COPY services services
USER node
# Started with an init (`--init`, or `init: true` in a compose file), or as PID 1: both signals that it handles and
# children that it doesn't have are fine either way.
ENTRYPOINT ["node"]
CMD ["packages/cli/src/main.ts", "--help"]
