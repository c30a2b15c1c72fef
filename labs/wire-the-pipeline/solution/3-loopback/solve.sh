# A port is published when a container is made. The orders are in the volume, so a new container has them too.
docker stop postgres
docker rm postgres
docker run --detach --name postgres --network data --publish 127.0.0.1:15432:5432 \
  -e POSTGRES_PASSWORD=orchard -e POSTGRES_DB=orchard \
  --volume orchard-data:/var/lib/postgresql/data postgres:17
