#!/bin/bash
# How Orchard's pipeline is started. On the laptop where it was written, all four ran side by side without containers.
# Yours to change, and to run again: bash pipeline.sh
# The orders are in the volume orchard-data, which outlives the containers.

docker rm -f postgres loader api nginx >/dev/null 2>&1

docker run -d --name postgres \
  -e POSTGRES_PASSWORD=orchard -e POSTGRES_DB=orchard \
  -v orchard-data:/var/lib/postgresql/data \
  postgres:17

docker run -d --name loader \
  -e DB_PASSWORD=orchard \
  orchard/loader

docker run -d --name api \
  -e DB_PASSWORD=orchard \
  orchard/api

docker run -d --name nginx -p 8080:80 \
  -v "$PWD/nginx/default.conf:/etc/nginx/conf.d/default.conf:ro" \
  nginx
