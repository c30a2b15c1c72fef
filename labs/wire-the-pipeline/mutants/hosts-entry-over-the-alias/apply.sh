address=$(docker inspect -f '{{.NetworkSettings.Networks.batch.IPAddress}}' postgres)
docker rm --force loader
docker run --detach --name loader --network batch --add-host "warehouse:$address" -e DB_HOST=warehouse -e DB_PASSWORD=orchard orchard/loader
