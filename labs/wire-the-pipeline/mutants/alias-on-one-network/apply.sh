docker network disconnect batch postgres
docker network connect batch postgres
