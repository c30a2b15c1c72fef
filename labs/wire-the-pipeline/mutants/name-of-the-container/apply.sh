docker rm --force loader
docker run --detach --name loader --network batch -e DB_HOST=postgres -e DB_PASSWORD=orchard orchard/loader
