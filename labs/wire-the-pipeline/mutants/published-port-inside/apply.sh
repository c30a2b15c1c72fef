docker rm --force loader
docker run --detach --name loader --network batch -e DB_HOST=warehouse -e DB_PORT=15432 -e DB_PASSWORD=orchard orchard/loader
