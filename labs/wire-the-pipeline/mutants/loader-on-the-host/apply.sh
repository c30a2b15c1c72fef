docker rm --force loader
docker run --detach --name loader --network host -e DB_HOST=127.0.0.1 -e DB_PORT=15432 -e DB_PASSWORD=orchard orchard/loader
