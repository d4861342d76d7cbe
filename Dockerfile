# The image of the processor: `docker build -t hooktide .`. Only docker-compose.yml uses the target `receiver`.

# The version of Node in scripts/node/package.json.
ARG NODE_IMAGE=node:24.21.0-slim

FROM ${NODE_IMAGE} AS manifests
WORKDIR /app
COPY package.json package-lock.json ./
COPY scripts/node/package.json scripts/node/

# Without the workspace, which would install another Node. Nothing here needs install scripts.
FROM manifests AS modules
RUN npm ci --omit=dev --workspaces=false --ignore-scripts --no-audit --no-fund

# The unpacked result of `npm pack`: the image has the files of the package, and the modules of the lock file.
FROM manifests AS build
RUN npm ci --workspaces=false --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json README.md LICENSE ./
COPY schemas schemas
COPY scripts scripts
COPY src src
RUN node scripts/build.mjs \
  && npm pack --ignore-scripts --pack-destination /tmp \
  && mkdir /packed \
  && tar -xzf /tmp/hooktide-*.tgz -C /packed --strip-components=1

# Shows the webhooks that it gets, and checks their signatures. It runs its source directly, and needs one package.
FROM ${NODE_IMAGE} AS receiver
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules/standardwebhooks node_modules/standardwebhooks
COPY --from=build /app/node_modules/@stablelib/base64 node_modules/@stablelib/base64
COPY --from=build /app/node_modules/fast-sha256 node_modules/fast-sha256
COPY src src
COPY examples/sandbox examples/sandbox
USER 1000:1000
EXPOSE 8080
ENTRYPOINT ["node", "examples/sandbox/receiver-page.ts"]

FROM ${NODE_IMAGE} AS hooktide
LABEL org.opencontainers.image.title="hooktide" \
  org.opencontainers.image.description="A Kafka stream processor that turns auth events into signed webhook deliveries" \
  org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production
WORKDIR /app
COPY --from=modules /app/node_modules node_modules
COPY --from=build /packed ./
# The user `node` of the base image. A number lets an orchestrator see that it is not root. Nothing is written to disk.
USER 1000:1000
EXPOSE 9400 9401
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.HOOKTIDE_HTTP_PORT || 9400}/healthz`).then(({ ok }) => process.exit(Number(!ok)))"]
# Node is the first process, so it gets the signals. V8 has four threads by default that collect garbage and compile code.
# With 0 it has one fewer than there are cores, but at least one: more would take the time of the main thread.
ENTRYPOINT ["node", "--v8-pool-size=0", "/app/src/hooktide.mjs"]
CMD ["run"]
