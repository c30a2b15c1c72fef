docker rm --force api
docker create --name api --network data --publish 8000:80 -e BIND=0.0.0.0 -e DB_HOST=warehouse -e DB_PASSWORD=orchard orchard/api
docker network connect edge api
docker start api
docker restart nginx
