docker rm --force api
docker run --detach --name api --network data --publish 8000:8000 \
  -e BIND=0.0.0.0 -e DB_HOST=postgres -e DB_PASSWORD=orchard orchard/api
