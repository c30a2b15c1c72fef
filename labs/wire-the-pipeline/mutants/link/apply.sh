docker network disconnect batch postgres
docker network connect batch postgres
docker network disconnect data postgres
docker network connect data postgres
docker rm --force api loader
docker run --detach --name loader --network batch --link postgres:warehouse -e DB_HOST=warehouse -e DB_PASSWORD=orchard orchard/loader
docker create --name api --network data --publish 8000:8000 --link postgres:warehouse \
  -e BIND=0.0.0.0 -e DB_HOST=warehouse -e DB_PASSWORD=orchard orchard/api
docker network connect edge api
docker start api
docker restart nginx
