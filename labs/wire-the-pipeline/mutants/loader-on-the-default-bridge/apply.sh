docker rm --force loader
docker run --detach --name loader -e DB_HOST=postgres -e DB_PASSWORD=orchard orchard/loader
