# The loader is made again, because an environment is settled when a container is made; Postgres is only connected.
docker network create data
docker network connect data postgres
docker rm --force loader
docker run --detach --name loader --network data -e DB_HOST=postgres -e DB_PASSWORD=orchard orchard/loader
