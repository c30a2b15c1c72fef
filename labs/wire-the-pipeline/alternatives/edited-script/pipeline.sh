#!/bin/bash
# How Orchard's pipeline is started.
# Yours to change, and to run again: bash pipeline.sh

docker rm -f postgres loader api nginx >/dev/null 2>&1
docker network create data 2>/dev/null
docker network create edge 2>/dev/null
docker network create --internal batch 2>/dev/null

docker run -d --name postgres -p 127.0.0.1:15432:5432 \
  --network data --network-alias warehouse --network-alias postgres \
  -e POSTGRES_PASSWORD=orchard -e POSTGRES_DB=orchard \
  -v orchard-data:/var/lib/postgresql/data \
  postgres:17
docker network connect --alias warehouse batch postgres

docker run -d --name loader --network batch \
  -e DB_HOST=warehouse -e DB_PASSWORD=orchard \
  orchard/loader

docker run -d --name api --network edge -p 8000:8000 \
  -e BIND=0.0.0.0 -e DB_HOST=warehouse -e DB_PASSWORD=orchard \
  orchard/api
docker network connect data api

docker run -d --name nginx --network edge -p 8080:80 \
  -v "$PWD/nginx/default.conf:/etc/nginx/conf.d/default.conf:ro" \
  nginx
