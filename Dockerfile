# The broker in an image of its own: built in the first stage, run by a user without rights in the second.
#
#   docker build -t goqueue .
#   docker run --rm -p 127.0.0.1:8080:8080 -v goqueue-data:/data --hostname goqueue \
#     -e GOQUEUE_API_KEYS="me:$(openssl rand -hex 32)" goqueue
#
# Every setting is a variable: docs/configuration.md. docs/operations.md says more about containers.

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.mjs scripts/build.mjs
COPY bin bin
COPY src src
RUN npm run build && npm prune --omit=dev

FROM node:22-bookworm-slim
# In a container nobody reaches a loopback address: the broker then asks for keys, or for a certificate.
ENV NODE_ENV=production \
    GOQUEUE_HOST=0.0.0.0 \
    GOQUEUE_DATA_DIR=/data \
    GOQUEUE_LOG_FORMAT=json \
    GOQUEUE_BUILD=never
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/bin bin
COPY --from=build /app/dist dist
RUN mkdir -m 700 /data && chown node:node /data && ln -s /app/bin/goqueue.js /usr/local/bin/goqueue
USER node
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# With TLS: GOQUEUE_URL=https://localhost:8080 and GOQUEUE_CA_FILE beside the settings.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD ["node", "/app/bin/goqueue.js", "health"]
ENTRYPOINT ["node", "/app/bin/goqueue.js"]
CMD ["serve"]
