docker network disconnect batch loader
docker network disconnect batch postgres
docker network rm batch
docker network create batch
docker network connect --alias warehouse batch postgres
docker network connect batch loader
