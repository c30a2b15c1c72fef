docker stop postgres
docker rm postgres
docker create --name postgres --network data --network-alias warehouse --publish 127.0.0.1:15432:5432 --publish 5432:5432 \
  -e POSTGRES_PASSWORD=orchard -e POSTGRES_DB=orchard --volume orchard-data:/var/lib/postgresql/data postgres:17
docker network connect --alias warehouse batch postgres
docker start postgres
