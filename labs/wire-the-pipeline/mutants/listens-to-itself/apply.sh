docker rm --force api
docker create --name api --network data --publish 8000:8000 -e DB_HOST=warehouse -e DB_PASSWORD=orchard orchard/api
docker network connect edge api
docker start api
docker restart nginx
