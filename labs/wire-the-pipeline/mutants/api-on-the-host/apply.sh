docker rm --force api
docker run --detach --name api --network host -e BIND=0.0.0.0 -e DB_HOST=127.0.0.1 -e DB_PORT=15432 -e DB_PASSWORD=orchard orchard/api
