# An alias is given when a container is connected, so it is connected anew.
docker network disconnect data postgres
docker network connect --alias warehouse data postgres
docker network disconnect batch postgres
docker network connect --alias warehouse batch postgres

docker rm --force api loader
docker run --detach --name loader --network batch -e DB_HOST=warehouse -e DB_PASSWORD=orchard orchard/loader
docker create --name api --network data --publish 8000:8000 \
  -e BIND=0.0.0.0 -e DB_HOST=warehouse -e DB_PASSWORD=orchard orchard/api
docker network connect edge api
docker start api
docker restart nginx
