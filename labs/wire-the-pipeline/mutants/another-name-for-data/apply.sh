docker network create backend
docker network connect --alias warehouse backend postgres
docker network connect backend api
docker network disconnect data postgres
docker network disconnect data api
docker restart nginx
