address=$(docker inspect -f '{{.NetworkSettings.Networks.batch.IPAddress}}' postgres)
docker rm --force loader
docker run --detach --name loader --network batch -e DB_HOST="$address" -e DB_PASSWORD=orchard orchard/loader
